package complaintfile

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// dump reads all rows as text: a row or an error a line.
func dump(t *testing.T, r *Reader) string {
	t.Helper()
	var out strings.Builder
	for {
		row, err := r.Next()
		var broken *RowError
		switch {
		case errors.Is(err, io.EOF):
			if _, again := r.Next(); !errors.Is(again, io.EOF) {
				t.Errorf("after the end Next returns %v", again)
			}
			return out.String()
		case errors.As(err, &broken):
			fmt.Fprintln(&out, "broken:", err)
		case err != nil:
			fmt.Fprintln(&out, "fault:", err)
			return out.String()
		default:
			fmt.Fprintf(&out, "%d: %s\n", row.Line, row.Complaint.AppendJSON(nil))
		}
	}
}

func dumpBytes(t *testing.T, b []byte, name string) string {
	t.Helper()
	r, err := NewReader(bytes.NewReader(b), name)
	if err != nil {
		return "cannot be read: " + err.Error() + "\n"
	}
	return dump(t, r)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s", name, got, want)
	}
}

func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// zipped packs b beside what a Mac adds. Its sizes follow the data, as in a
// zip that was written to a pipe.
func zipped(t *testing.T, names ...string) func(b []byte) []byte {
	t.Helper()
	return func(b []byte) []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, n := range names {
			w, err := z.Create(n)
			if err == nil && !strings.HasSuffix(n, "/") {
				_, err = w.Write(b)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
}

// onlyRead hides that a stream can seek, as a pipe cannot; it gives n bytes at a time.
type onlyRead struct {
	r io.Reader
	n int
}

func (o onlyRead) Read(b []byte) (int, error) { return o.r.Read(b[:min(len(b), o.n)]) }

func TestFormats(t *testing.T) {
	files, err := filepath.Glob("testdata/*.[cjt]s*")
	if err != nil || len(files) < 9 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".golden") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(file)
			golden(t, name, dumpBytes(t, b, name))
			want, err := os.ReadFile(filepath.Join("testdata", name+".golden"))
			if err != nil {
				t.Fatal(err)
			}
			for how, packed := range map[string][]byte{
				"byte order mark": append([]byte("\ufeff"), b...),
				"gzip":            gzipped(t, b),
				"gzip, two parts": append(gzipped(t, b[:len(b)/2]), gzipped(t, b[len(b)/2:])...),
				"zip":             zipped(t, "data/", "data/complaints.csv", "__MACOSX/._complaints.csv")(b),
			} {
				if got := dumpBytes(t, packed, name); got != string(want) {
					t.Errorf("%s:\n%s", how, got)
				}
				for _, n := range []int{1, 7, 1 << 20} {
					r, err := NewReader(onlyRead{bytes.NewReader(packed), n}, name)
					if err != nil {
						t.Fatalf("%s from a pipe: %v", how, err)
					}
					if got := dump(t, r); got != string(want) {
						t.Errorf("%s from a pipe, %d bytes at a time:\n%s", how, n, got)
					}
				}
			}
			if strings.HasPrefix(name, "damaged") {
				return
			}
			crlf := bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
			got := strings.ReplaceAll(dumpBytes(t, crlf, name), `\r\n`, `\n`)
			if got != string(want) {
				t.Errorf("CRLF:\n%s", got)
			}
			if got := dumpBytes(t, bytes.TrimRight(b, "\n"), name); got != string(want) {
				t.Errorf("without the last line feed:\n%s", got)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.zip")
	b, err := os.ReadFile("testdata/bureau.csv")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, zipped(t, "complaints.csv")(b), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(dump(t, r), "\n"); got != 3 {
		t.Errorf("%d rows, want 3", got)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Open(file + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	bureau, err := os.ReadFile("testdata/bureau.csv")
	if err != nil {
		t.Fatal(err)
	}
	encrypted := zipped(t, "a.csv")(bureau)
	encrypted[6] |= zipFlagEncrypted
	for name, tc := range map[string]struct {
		in   []byte
		want []string
	}{
		"empty":        {nil, []string{"f:", "empty"}},
		"blank":        {[]byte(" \n\n"), []string{"empty"}},
		"no text":      {[]byte("a,Product,Date received\n1,2,3\n"), []string{"f:", "Consumer complaint narrative", "3 columns", "product, date_received"}},
		"empty zip":    {zipped(t)(nil), []string{"zip", "empty"}},
		"two in a zip": {zipped(t, "a.csv", "b.csv")(bureau), []string{"2 files", "a.csv", "b.csv"}},
		"cut zip":      {zipped(t, "a.csv")(bureau)[:300], []string{"f:", "zip", "cut off"}},
		"cut gzip":     {gzipped(t, bureau)[:12], []string{"f:", "gzip", "cut off"}},
		"macintosh":    {[]byte("narrative,id\rfoo,1\rbar,2\r"), []string{"f:", "carriage return alone"}},
		"mac, quoted":  {[]byte("narrative,id\r\"foo\",1\r" + strings.Repeat("x,2\r", MaxRowBytes/4)), []string{"carriage return alone"}},
		"open header":  {[]byte("\"narrative\n"), []string{"header", "quote"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewReader(bytes.NewReader(tc.in), "f")
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("err = %v, want %q in it", err, want)
				}
			}
		})
	}
	if _, err := NewReader(onlyRead{bytes.NewReader(encrypted), 9}, "f"); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("an encrypted zip from a pipe: %v", err)
	}
}

// A fault of the file ends reading and says how far it came.
func TestCutOff(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("id,narrative\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "%d,%x\n", i, i*7919*7919)
	}
	damagedZip := zipped(t, "a.csv")(b.Bytes())
	damagedZip[len(damagedZip)/2] ^= 0x55
	twoZip := zipped(t, "a.csv", "b.csv")(b.Bytes())
	list := []byte(`[{"narrative":"a"},{"narrative":"b"}`)
	for name, tc := range map[string]struct {
		in   []byte
		want []string
	}{
		"gzip":                 {gzipped(t, b.Bytes())[:60_000], []string{"after row ", "f:", "cut off", "gzip"}},
		"zip from a pipe":      {zipped(t, "a.csv")(b.Bytes())[:60_000], []string{"after row ", "f:", "cut off", "zip"}},
		"damaged zip":          {damagedZip, []string{"zip"}},
		"two files in a zip":   {twoZip, []string{"after row 20000", "more than a.csv (b.csv)"}},
		"list without its end": {list, []string{"f:1: after row 2", "list is not closed", "cut off"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := NewReader(onlyRead{bytes.NewReader(tc.in), 4096}, "f")
			if err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = r.Next()
				if _, ok := errors.AsType[*RowError](err); ok {
					err = nil
				}
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("err = %v, want %q in it", err, want)
				}
			}
			if _, again := r.Next(); again != err { //nolint:errorlint // the very same error is the contract
				t.Errorf("after the fault Next returns %v", again)
			}
		})
	}
}

// A quote that is never closed costs one row, and a row too long is no reason
// to hold the file in memory.
func TestLongRow(t *testing.T) {
	long := strings.Repeat("x", MaxRowBytes)
	for name, in := range map[string]string{
		"csv":          "id,narrative\n1,a\n2," + long + "\n3,b\n",
		"csv unclosed": "id,narrative\n1,a\n2,\"x\n" + strings.Repeat("xxxxxxxxxxxxxxxxxxxxxxxxxxx\n", MaxRowBytes/8) + "3,b\n",
		"json":         `{"narrative":"a"}` + "\n" + `{"narrative":"` + long + `"}` + "\n" + `{"narrative":"b"}`,
	} {
		t.Run(name, func(t *testing.T) {
			r, err := NewReader(strings.NewReader(in), "f")
			if err != nil {
				t.Fatal(err)
			}
			out := strings.Split(strings.TrimSpace(dump(t, r)), "\n")
			if len(out) != 3 || !strings.Contains(out[0], `"a"`) || !strings.Contains(out[1], "the limit") || !strings.Contains(out[2], `"b"`) {
				t.Errorf("%.2000q", out)
			}
			if len(r.src.buf) > MaxRowBytes {
				t.Errorf("the window grew to %d bytes", len(r.src.buf))
			}
		})
	}
}

// Lines that open objects and close none are read a bounded number of times each:
// without the bound this takes hours.
func TestManyOpenObjects(t *testing.T) {
	for _, line := range []string{" {\n", " {\"a\":1,\n", " {[}\n"} {
		in := strings.Repeat(line, 500_000) + "{\"narrative\":\"whole\"}\n"
		if got := dumpBytes(t, []byte(in), "f"); strings.Count(got, "\n") != 2 || !strings.Contains(got, "nests deeper") || !strings.Contains(got, "whole") {
			t.Errorf("%q: %.500q", line, got)
		}
	}
	deep := strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1)
	if got := dumpBytes(t, []byte(`{"narrative":"whole","other":`+deep+"}"), "f"); strings.Contains(got, "broken") {
		t.Errorf("at the limit: %.500q", got)
	}
}

// A row that comes in many pieces is read once: if it were read from its start
// with each piece, this would take minutes a row.
func TestLongRowInPieces(t *testing.T) {
	const n = 3 << 20
	for name, row := range map[string]string{
		"bare": strings.Repeat("x", n) + ",1", "quoted": `"` + strings.Repeat("x\n", n/2) + `",1`, "doubled": `"` + strings.Repeat(`""`, n/2) + `",1`,
		"many values": strings.Repeat(",", n), "many quoted": strings.Repeat(`"",`, n/3),
	} {
		t.Run(name, func(t *testing.T) {
			in := "narrative,id\n" + row + "\na,2\n"
			r, err := NewReader(onlyRead{strings.NewReader(in), 7}, "f")
			if err != nil {
				t.Fatal(err)
			}
			if got, want := dump(t, r), dumpBytes(t, []byte(in), "f"); got != want || !strings.HasSuffix(got, `"narrative":"a"}`+"\n") {
				t.Errorf("%.200q, as a whole %.200q", got, want)
			}
		})
	}
}

func TestInvalidUTF8(t *testing.T) {
	for _, in := range []string{
		"\ufeffid,narrative\n1,a\xffb\n2,b\n", "id,narrative\n0,é\n1,a\xffb\n2,b\n", "id,narrative\n1,a\x81b\n2,b\n",
		"{\"narrative\":\"é\"}\n{\"narrative\":\"a\xffb\"}\n{\"narrative\":\"b\"}\n",
	} {
		got := dumpBytes(t, []byte(in), "f")
		if !strings.Contains(got, "no UTF-8") || !strings.Contains(got, `"narrative":"b"`) {
			t.Errorf("%q", got)
		}
	}
}

func TestTidy(t *testing.T) {
	for in, want := range map[string]string{
		"2020-02-03": "2020-02-03", "2020-02-03T12:00:00-05:00": "2020-02-03", "2020-02-03 00:00:00": "2020-02-03",
		"02/03/2020": "2020-02-03", "2/3/20": "2020-02-03", "tomorrow": "", "2020-99-99T1": "", "nan": "", "N/A": "",
	} {
		c, _, err := DecodeJSON([]byte(fmt.Sprintf(`{"date_received":%q,"narrative":" as it is "}`, in)))
		if err != nil || c.DateReceived != want || c.Narrative != " as it is " {
			t.Errorf("%q: %+v, %v, want %q", in, c, err, want)
		}
	}
}

// Every name that the Bureau's two formats use is known.
func TestBureauColumns(t *testing.T) {
	b, err := os.ReadFile("testdata/bureau.csv")
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(b), "f")
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(row.Complaint.AppendJSON(nil), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(fields) {
		t.Errorf("%d fields of %d are set: %v", len(got), len(fields), got)
	}
	for i, f := range fields {
		if a, ok := usual.of(f.name); !ok || a.field != i {
			t.Errorf("%s is not its own name", f.name)
		}
		if *f.of(&row.Complaint) != got[f.name] {
			t.Errorf("%s is another field in JSON", f.name)
		}
	}
}
