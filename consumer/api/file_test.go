package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"complaints/internal/complaintfile"
)

func TestFile(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{TextBytes: 300} })
	texts := examples(t)
	var in bytes.Buffer
	fmt.Fprintf(&in, "id,narrative\n7,\"%s\"\n8,\n9,a,b\n,\"%s\"\n10,%s\n", texts[1], texts[2], strings.Repeat("x", 301))
	w := ask(a, "POST", routeFile, in.String(), "Content-Type", "text/csv")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	// Each row's answer says which complaint it is of.
	for i, id := range []string{`"7"`, `"8"`, "null", "null", `"10"`} {
		if line := strings.Split(w.Body.String(), "\n")[i]; !strings.HasSuffix(line, fmt.Sprintf(`"line":%d,"complaint_id":%s}`, i+2, id)) {
			t.Errorf("row %d: %s", i, line)
		}
	}
	var got []resultJSON
	for d := json.NewDecoder(w.Body); ; {
		var r resultJSON
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if len(got) != 5 {
		t.Fatalf("%+v", got)
	}
	if r := got[0]; r.Prediction != "Debt Collection" || r.ComplaintID != "7" || r.Line != 2 || r.Error != nil {
		t.Errorf("%+v", r)
	}
	if r := got[3]; r.Prediction != "Loans" || r.ComplaintID != "" || r.Line != 5 {
		t.Errorf("%+v", r)
	}
	for i, kind := range map[int]string{1: "no-text", 2: "broken-row", 4: "text-too-long"} {
		if r := got[i]; r.Error == nil || r.Error.Type != problemType+kind || r.Line != i+2 || r.Prediction != "" {
			t.Errorf("%d: %+v", i, r)
		}
	}
	if w := ask(a, "POST", routeFile, "a,b\n1,2\n", "Content-Type", "text/csv"); w.Code != 422 || problemOf(t, w).Type != problemType+"bad-file" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	a.uploads <- struct{}{}
	a.uploads <- struct{}{}
	a.uploads <- struct{}{}
	a.uploads <- struct{}{}
	if w := ask(a, "POST", routeFile, in.String()); w.Code != 503 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Each row has its line, also where several broken ones stand one after another.
func TestFileAnswersEachBrokenRow(t *testing.T) {
	a := newAPI(t, nil)
	for in, want := range map[string]int{
		"id,narrative\n1,\"a\" b\n2,\"a\" b\n3,\"a\" b\n4,My mortgage\n":        4,
		"{\"narrative\":\"cut \n{\"narrative\":\"cut \n{\"narrative\":\"cut \n": 3,
	} {
		w := ask(a, "POST", routeFile, in)
		if got := strings.Count(w.Body.String(), "\n"); w.Code != 200 || got != want || strings.Count(w.Body.String(), "broken-row") != 3 {
			t.Errorf("%q: %d, %d lines, want %d:\n%s", in, w.Code, got, want, w.Body)
		}
	}
}

// Results of the first rows come before the last rows are sent.
func TestFileStreams(t *testing.T) {
	url, _ := serve(t, newAPI(t, nil))
	body, write := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+routeFile, body)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 20_000
	gotFirst := make(chan struct{})
	go func() {
		fmt.Fprintln(write, "id,narrative")
		for i := range rows {
			if i == rows/2 {
				<-gotFirst
			}
			fmt.Fprintf(write, "%d,My mortgage payment number %d was lost.\n", i, i)
		}
		write.Close()
	}()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	for i := range rows {
		var r resultJSON
		if err := d.Decode(&r); err != nil || r.ComplaintID != fmt.Sprint(i) || r.Prediction == "" {
			t.Fatalf("row %d: %v %+v", i, err, r)
		}
		if i == 0 {
			close(gotFirst)
		}
	}
	if d.More() {
		t.Error("more results than rows")
	}
}

// A few kilobytes of gzip unpack to rows of megabytes: what is held of a file is
// bounded by bytes, not by rows alone.
func TestFileHoldsFewLargeRows(t *testing.T) {
	for name, format := range map[string]string{
		"narrative": "%[1]s,\n", "another column": "x,%[1]s\n",
	} {
		line := fmt.Sprintf(format, strings.Repeat("x", 1<<20))
		rows, err := complaintfile.NewReader(strings.NewReader("narrative,product\n"+strings.Repeat(line, rowsAtOnce)), "f")
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for f := (&fileAnswer{rows: rows}); err == nil; {
			var batch []rowOrError
			if batch, err = f.read(); len(batch) > 2 {
				t.Fatalf("%s: %d rows of a megabyte are held at once", name, len(batch))
			}
			total += len(batch)
		}
		if total != rowsAtOnce || !errors.Is(err, io.EOF) {
			t.Errorf("%s: %d rows, %v", name, total, err)
		}
	}
}

// A file of another format is named, whatever its declared type; a form is too.
func TestFileOfAnotherFormat(t *testing.T) {
	a := newAPI(t, nil)
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	part, err := parts.CreateFormFile("file", "complaints.csv")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(part, "narrative\nMy card was charged twice.\n")
	if err := parts.Close(); err != nil {
		t.Fatal(err)
	}
	parquet, err := os.ReadFile("../../internal/complaintfile/testdata/cases/hf.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for named, file := range map[string]string{
		"Parquet":     string(parquet),
		"xz":          "\xfd7zXZ\x00\x00\x04",
		"bzip2":       "BZh91AY&SY",
		"tar archive": "complaints.csv" + strings.Repeat("\x00", 243) + "ustar\x0000",
		"(xls)":       "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00",
		"multipart":   form.String(),
	} {
		w := ask(a, "POST", routeFile, file, "Content-Type", "text/csv")
		if p := problemOf(t, w); w.Code != 422 || p.Type != problemType+"bad-file" || !strings.Contains(p.Detail, named) {
			t.Errorf("%s: %d %+v", named, w.Code, p)
		}
	}
}

// Each line of a file stands in one answer: a broken row names the lines that it takes with it.
func TestFileAnswersEachLine(t *testing.T) {
	a := newAPI(t, nil)
	for name, file := range map[string]string{
		"quote never closed": "id,narrative\n1,A text.\n2,\"My card was charged twice.\n3,The bank does not answer.\n",
		"text behind quotes": "id,narrative\n1,A text.\n2,\"My card was charged\n twice.\" they \"\n3,The bank does not answer.\n4,Nobody does.\n",
		"JSON cut off":       "{\"narrative\":\"A text.\"}\n{\"narrative\":\"cut\n{\"narrative\":\"Nobody answers.\"}\n",
	} {
		var lines []int
		for d := json.NewDecoder(ask(a, "POST", routeFile, file, "Content-Type", "text/csv").Body); ; {
			var r resultJSON
			if err := d.Decode(&r); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			for line := r.Line; line <= max(r.Line, r.LastLine); line++ {
				lines = append(lines, line)
			}
		}
		first := 2 // behind the header
		if file[0] == '{' {
			first = 1
		}
		want := make([]int, strings.Count(file, "\n")+1-first)
		for i := range want {
			want[i] = first + i
		}
		if !slices.Equal(lines, want) {
			t.Errorf("%s: lines %v are answered, want %v", name, lines, want)
		}
	}
}
