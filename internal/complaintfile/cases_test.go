package complaintfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"complaints/schema"

	"github.com/klauspost/compress/zstd"
)

// outcome is what became of a file: "refused: …", or its rows by what they are.
func outcome(t *testing.T, r io.Reader, o Options) string {
	t.Helper()
	warnings := 0
	o.Warn = func(string) { warnings++ }
	reader, err := o.NewReader(r, "f")
	if err != nil {
		return "refused: " + err.Error()
	}
	rows, blank, broken, ended := 0, 0, 0, ""
	dropped := map[string]int{}
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if _, ok := errors.AsType[*RowError](err); ok {
			broken++
			continue
		}
		if err != nil {
			ended = ", ended: " + err.Error()
			break
		}
		if rows++; row.Complaint.Narrative == "" {
			blank++
		}
		for _, name := range row.Dropped {
			dropped[name]++
		}
	}
	out := fmt.Sprintf("%d rows", rows)
	for _, n := range []struct {
		n    int
		what string
	}{{blank, "blank"}, {broken, "broken"}, {warnings, "warned"}} {
		if n.n > 0 {
			out += fmt.Sprintf(", %d %s", n.n, n.what)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dropped)) {
		out += fmt.Sprintf(", %d %s dropped", dropped[name], name)
	}
	return out + ended
}

// Inputs as people have them: what kind each is, and what becomes of it.
func TestCases(t *testing.T) {
	seen := map[string]bool{"transactional_upstream.py": true} // a script that a test of the stream runs
	for _, tc := range []struct{ file, kind, want string }{
		{"02-resume-v1.csv", "a file that grows", "1 rows"},
		{"02-resume-v2.csv", "a file that grew", "2 rows"},
		{"04-id-number.value.json", "a number as id", "1 rows"},
		{"04-zip-number.value.json", "a number in a field of text", "1 rows"},
		{"05-confluent.value.bin", "a message in wire format", "refused: f: the file is a message of a schema registry"},
		{"05-connect.value.json", "an envelope", "0 rows, 1 broken"},
		{"05-debezium.value.json", "an envelope", "0 rows, 1 broken"},
		{"06-unknown-fields.value.json", "fields that are not known", "1 rows"},
		{"07-repeated-header.csv", "files put together", "2 rows"},
		{"08-all-rows-broken-cp1252.csv", "Windows-1252", "3 rows, 1 warned"},
		{"08-api-page.json", "the Bureau's answer", "1 rows"},
		{"09-error-quotes-text.value.json", "shifted columns", "1 rows, 1 date_received dropped"},
		{"12-na.value.json", "a text that says nothing", "1 rows"},
		{"cut.jsonl", "several broken rows", "0 rows, 5 broken"},
		{"dates.csv", "dates of other programs", "16 rows, 1 warned, 1 date_received dropped"},
		{"excel_short_rows.csv", "delimiters left off", "6 rows"},
		{"gzip_trailing_garbage.csv.gz", "bytes behind a gzip", "6 rows, 1 warned"},
		{"hf.parquet", "another format", "refused: f: the file is Parquet"},
		{"json_nan.jsonl", "NaN of Python", "6 rows"},
		{"r_na.csv", "NA of R", "6 rows, 3 blank"},
		{"socrata_small.json", "lists with columns of their own", "50 rows"},
		{"spark_all.csv", "escaped quotes", "5 rows"},
		{"spark_backslash.csv", "escaped quotes", "6 rows"},
		{"ssms_null.csv", "NULL of SQL Server", "6 rows, 3 blank"},
		{"wrapped_data.json", "rows inside a member", "6 rows"},
		{"x.csv.bz2", "another format", "refused: f: the file is packed by bzip2"},
		{"x.csv.xz", "another format", "refused: f: the file is packed by xz"},
		{"x.xlsx", "another format", "refused: f: the file is an Excel workbook (xlsx)"},
	} {
		t.Run(tc.file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", "cases", tc.file))
			if err != nil {
				t.Fatal(err)
			}
			seen[tc.file] = true
			check(t, b, tc.kind, tc.want, Options{})
		})
	}
	files, err := filepath.Glob("testdata/cases/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !seen[filepath.Base(f)] {
			t.Errorf("%s has no row in the table", f)
		}
	}
}

// check reads b as a file and as it comes from a pipe.
func check(t *testing.T, b []byte, kind, want string, o Options) {
	t.Helper()
	for how, r := range map[string]io.Reader{"file": bytes.NewReader(b), "pipe": onlyRead{bytes.NewReader(b), 5}} {
		got := outcome(t, r, o)
		from, _, _ := strings.Cut(strings.TrimPrefix(want, "refused: f: "), " (")
		if refused := strings.HasPrefix(want, "refused"); got != want && (!refused || !strings.HasPrefix(got, "refused: f: ") || !strings.Contains(got, from)) {
			t.Errorf("%s, from a %s: %s; want %s", kind, how, got, want)
		}
		if strings.Contains(got, "Secret") {
			t.Errorf("%s: the error shows a text: %s", kind, got)
		}
	}
}

func utf16Of(order binary.ByteOrder, mark bool, s string) []byte {
	if mark {
		s = "\ufeff" + s
	}
	var out bytes.Buffer
	for _, u := range utf16.Encode([]rune(s)) {
		_ = binary.Write(&out, order, u) // into memory
	}
	return out.Bytes()
}

func utf32Of(order binary.ByteOrder, s string) []byte {
	var out bytes.Buffer
	for _, r := range "\ufeff" + s {
		_ = binary.Write(&out, order, r) // into memory
	}
	return out.Bytes()
}

func zstdOf(t *testing.T, b []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return z.EncodeAll(b, nil)
}

const (
	someCSV  = "Complaint ID,Date received,Consumer complaint narrative\n1,2024-03-11,\"The collector, he \"\"calls\"\" me\"\n2,2024-03-12,\"Über ’ €\nzwei Zeilen\"\n"
	someJSON = `{"complaint_id":"1","narrative":"The collector calls"}`
)

// replace makes another file of someCSV.
func replace(pairs ...string) []byte { return []byte(strings.NewReplacer(pairs...).Replace(someCSV)) }

// More of the same kinds.
func TestKinds(t *testing.T) {
	csv := []byte(someCSV)
	big := `{"meta":{"view":{"columns":[` + strings.Repeat("\n  {\"name\":\"x\",\"description\":\"a column\"},", 120_000) + `{"name":"y"}]}},"data":[["1"]]}`
	encrypted := zipped(t, "a.csv")(csv)
	for _, sign := range []string{"PK\x03\x04", "PK\x01\x02"} {
		at := bytes.Index(encrypted, []byte(sign))
		encrypted[at+map[string]int{"PK\x03\x04": 6, "PK\x01\x02": 8}[sign]] |= zipFlagEncrypted
	}
	tarFile := make([]byte, 2048)
	copy(tarFile, "complaints/complaints.csv")
	copy(tarFile[257:], "ustar\x0000")
	copy(tarFile[512:], csv)
	for _, tc := range []struct {
		kind string
		in   []byte
		want string
	}{
		// Delimiters, quotes and line ends.
		{"semicolons", replace(",", ";"), "2 rows"},
		{"tabs", replace(",", "\t"), "2 rows"},
		{"pipes", replace(",", "|"), "2 rows"},
		{"Hive's control A", replace(",", "\x01"), "2 rows"},
		{"Excel's sep=", append([]byte("sep=;\r\n"), replace(",", ";")...), "2 rows"},
		{"commas in a header with semicolons", []byte("\"Date, time, zone\";narrative;\"a, b\"\n2024-03-11;text;x\n"), "1 rows"},
		{"one column, commas in it", []byte("narrative\nWell, I owe nothing, really\n\"a, b\"\n"), "2 rows"},
		{"single quotes", []byte("'narrative','id'\n'I don''t, owe it',1\n'two',2\n"), "2 rows"},
		{"spaces before quotes", []byte("id, narrative\n1, \"he, who calls\"\n2, \"b, c\" \n"), "2 rows"},
		{"carriage returns and line feeds", replace("\n", "\r\n"), "2 rows"},
		{"a byte order mark", append([]byte("\ufeff"), csv...), "2 rows"},
		{"a mark before a quoted header", []byte("\ufeff\"narrative\",\"id\"\n\"a\",1\n"), "1 rows"},
		{"no line end at the end", []byte("id,narrative\n1,a\n2,b"), "2 rows"},
		{"blank lines", []byte("id,narrative\n\n1,a\n\n\n2,b\n\n"), "2 rows"},
		{"quotes in a bare value", []byte("id,narrative\n1,he said \"no\" twice\n"), "1 rows"},
		{"lines of carriage returns alone", []byte("id,narrative\r1,a\r2,b\r"), "refused: f: lines end with a carriage return alone"},
		// Escaped quotes.
		{"escaped at the end", []byte("id,narrative\n1,\"I am \\\"late\\\"\"\n2,\"b, c\"\n3,bare\n"), "3 rows"},
		{"escaped backslash at the end", []byte("id,narrative\n1,\"a \\\"b\\\" c:\\\\\"\n2,\"d\"\n"), "2 rows"},
		{"a backslash at the end, quotes doubled", []byte("id,narrative\n1,\"a \"\"b\"\" c:\\\"\n2,\"d\"\n"), "2 rows"},
		{"escaped, CRLF and semicolons", []byte("id;narrative\r\n1;\"he said \\\"no\\\"; twice\"\r\n2;\"b\"\r\n"), "2 rows"},
		// Broken rows, each counted.
		{"text behind quotes, in a run", []byte("id,narrative\n1,\"a\" b\n2,\"a\" b\n3,\"a\" b\n4,whole\n"), "1 rows, 3 broken"},
		{"one quote lost, a text of lines", []byte("id,date_received,narrative\n1,2024-01-01,\"a\nb, c\nd\n2,2024-01-02,\"whole\"\n"), "1 rows, 1 broken"},
		{"JSON without its brace, in a run", []byte("{\"narrative\":\"a\"\n{\"narrative\":\"a\"\n{\"narrative\":\"whole\"}\n"), "1 rows, 2 broken"},
		{"lines that are no JSON", []byte(someJSON + "\nError: timeout\n  at line 3\n" + someJSON + "\n"), "2 rows, 1 broken"},
		{"too many values", []byte("id,narrative\n1,a,b\n2,c\n3,d,e\n"), "1 rows, 2 broken"},
		{"delimiters too many", []byte("id,narrative\n1,a,,,\n2,c,\n"), "2 rows"},
		// Absent values.
		{"names for absent", []byte("id,narrative,state\n1,NULL,CA\n2,NA,CA\n3,\\N,CA\n4,<NA>,CA\n5,NaN,CA\n6,null,CA\n7,N/A,CA\n8,text,NULL\n"), "8 rows, 6 blank"},
		{"absent dates", []byte("narrative,Date received,Date sent to company\na,NaT,NULL\nb,\\N,N/A\nc,<NA>,NA\n"), "3 rows"},
		{"NaN and Infinity in a list", []byte(`[{"narrative":"NaN is \"NaN\"","tags":NaN,"zip_code":-Infinity},{"narrative":"b","tags":Infinity}]`), "2 rows"},
		// Headers in the middle.
		{"files with another order put together", []byte("id,narrative\n1,a\nnarrative,id\nb,2\n"), "2 rows"},
		{"files with marks put together", append(append([]byte("\ufeff"), csv...), append([]byte("\ufeff"), csv...)...), "4 rows"},
		{"JSON files with marks put together", []byte("\ufeff" + someJSON + "\n\ufeff" + someJSON + "\n"), "2 rows"},
		// Encodings.
		{"UTF-16 LE, mark", utf16Of(binary.LittleEndian, true, someCSV), "2 rows"},
		{"UTF-16 BE, mark", utf16Of(binary.BigEndian, true, someCSV), "2 rows"},
		{"UTF-16 LE", utf16Of(binary.LittleEndian, false, someCSV), "2 rows"},
		{"UTF-16 BE", utf16Of(binary.BigEndian, false, someCSV), "2 rows"},
		{"UTF-16 JSON lines", utf16Of(binary.LittleEndian, true, someJSON+"\r\n"+someJSON), "2 rows"},
		{"UTF-32 LE", utf32Of(binary.LittleEndian, someCSV), "2 rows"},
		{"UTF-32 BE", utf32Of(binary.BigEndian, someCSV), "2 rows"},
		{"Windows-1252", []byte("id;narrative\r\n1;\x84\xdcber\x93 5 \x80 \x96 don\x92t\r\n"), "1 rows, 1 warned"},
		{"Windows-1252 in JSON", []byte("{\"narrative\":\"don\x92t\"}\n"), "1 rows, 1 warned"},
		{"damaged UTF-8", []byte("id,narrative\n1,é\n2,\xe9\n3,c\n"), "2 rows, 1 broken"},
		// Packing.
		{"gzip of several members", append(gzipped(t, csv[:40]), gzipped(t, csv[40:])...), "2 rows"},
		{"gzip, zeros behind", append(gzipped(t, csv), make([]byte, 512)...), "2 rows"},
		{"gzip, a line behind", append(gzipped(t, csv), "\nConnection closed\n"...), "2 rows, 1 warned"},
		{"zstd", zstdOf(t, csv), "2 rows"},
		{"zstd of several frames", append(zstdOf(t, csv[:40]), zstdOf(t, csv[40:])...), "2 rows"},
		{"zstd, bytes behind", append(zstdOf(t, csv), "garbage"...), "2 rows, 1 warned"},
		{"zstd in UTF-16", zstdOf(t, utf16Of(binary.LittleEndian, true, someCSV)), "2 rows"},
		{"gzip in gzip", gzipped(t, gzipped(t, csv)), "2 rows"},
		{"gzip in a zip", zipped(t, "a.csv.gz")(gzipped(t, csv)), "2 rows"},
		{"zip of several files", zipped(t, "a.csv", "b.csv")(csv), ""}, // from a pipe it is seen at the end: see TestCutOff
		{"encrypted zip", encrypted, "refused: f: the zip is encrypted"},
		{"zip in a zip", zipped(t, "a.zip")(zipped(t, "a.csv")(csv)), "refused: f: a zip within another packed file"},
		{"zip in gzip", gzipped(t, zipped(t, "a.csv")(csv)), "refused: f: a zip within another packed file"},
		{"tar", tarFile, "refused: f: the file is a tar archive"},
		{"tar in gzip", gzipped(t, tarFile), "refused: f: the file is a tar archive"},
		// Formats that are not read.
		{"ods", zipped(t, "mimetype", "content.xml")([]byte("application/vnd.oasis.opendocument.spreadsheet")), "refused: f: an OpenDocument file"},
		{"xlsx", zipped(t, "[Content_Types].xml", "xl/workbook.xml")([]byte("<x/>")), "refused: f: an"},
		{"xls", []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00"), "refused: f: an Excel workbook of the old form"},
		{"Parquet", []byte("PAR1\x15\x04\x15\x10"), "refused: f: the file is Parquet"},
		{"a header like Parquet's name", []byte("PAR1,narrative\n1,a\n"), "1 rows"},
		{"a header like ORC's name", []byte("ORCID,narrative\n1,a\n"), "1 rows"},
		{"PDF", []byte("%PDF-1.7\n%\xe2\xe3\n"), "refused: f: the file is a PDF"},
		{"7z", []byte("7z\xbc\xaf\x27\x1c\x00\x04"), "refused: f: a 7z archive"},
		{"an error page", []byte("<!DOCTYPE html>\n<html><body>Secret 503 narrative</body></html>"), "refused: f: the file is a web page"},
		{"an Excel export that is a page", []byte("\ufeff <table><tr><td>narrative</td></tr></table>"), "refused: f: the file is a web page"},
		{"XML", []byte("<?xml version=\"1.0\"?>\n<complaints/>"), "refused: f: the file is XML"},
		{"a form", []byte("--------------------------d74496d66958873e\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nid,narrative\n1,a\n"), "refused: f: the file is a form of several parts"},
		{"rich text", []byte(`{\rtf1\ansi Secret}`), "refused: f: the file is rich text"},
		{"a pickle", []byte("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00"), "refused: f: the file is a Python pickle"},
		{"binary", []byte("\x01\x02\x03Secret\x00\x00\n\x00"), "refused: f: the file is no text"},
		{"wire format, id 0", append([]byte("\x00\x00\x00\x00\x00"), someJSON...), "refused: f: the file is a message of a schema registry"},
		{"no header", []byte("1,My name is Secret,2024-03-11\n2,b,2024-03-12\n"), "refused: f: no column holds the text"},
		{"nothing", nil, "refused: f: the file is empty"},
		{"gzip of nothing", gzipped(t, nil), "refused: f: the file is empty"},
		// JSON.
		{"a list", []byte("[" + someJSON + "," + someJSON + "]"), "2 rows"},
		{"an empty list", []byte("[]"), "0 rows"},
		{"lines with commas", []byte(someJSON + ",\n" + someJSON + ",\n"), "2 rows"},
		{"objects over several lines", []byte("{\n  \"narrative\": \"a\"\n}\n{\n  \"narrative\": \"b\"\n}\n"), "2 rows"},
		{"JSON text sequences", []byte("\x1e" + someJSON + "\n\x1e" + someJSON + "\n"), "2 rows"},
		{"hits", []byte(`{"took":3,"hits":{"total":{"value":2},"hits":[{"_id":"1","_source":` + someJSON + `},{"_id":"2","_source":{"complaint_what_happened":"a"}}]},"aggs":{"x":[{"key":1}]}}`), "2 rows"},
		{"two answers", []byte(`{"hits":{"hits":[{"_source":` + someJSON + "}]}}\n{\"hits\":{\"hits\":[{\"_source\":" + someJSON + `}]}}`), "2 rows"},
		{"results", []byte(`{"count":2,"next":null,"results":[` + someJSON + "," + someJSON + `]}`), "2 rows"},
		{"an answer without rows", []byte(`{"success":true,"data":[]}`), "0 rows"},
		{"within data", []byte(`{"data":{"complaints":[` + someJSON + `]},"errors":null}`), "1 rows"},
		{"GeoJSON", []byte(`{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":` + someJSON + `}]}`), "1 rows"},
		{"JSON:API", []byte(`{"data":[{"type":"complaint","id":"7","attributes":{"narrative":"a"}}]}`), "1 rows"},
		{"lists with a header", []byte(`[["complaint_id","narrative"],["1","a"],["2",null]]`), "2 rows, 1 blank"},
		{"a line a list", []byte("[\"complaint_id\",\"narrative\"]\n[\"1\",\"a\"]\n[\"2\",\"b\"]\n"), "2 rows"},
		{"pandas, split", []byte(`{"columns":["id","narrative"],"index":[0,1],"data":[[1,"a"],[2,"b"]]}`), "2 rows"},
		{"pandas, by columns", []byte(`{"narrative":{"0":"Secret","1":"b"},"id":{"0":1,"1":2}}`), "refused: f: the file is written by columns"},
		{"lists without names", []byte(`[["1","Secret"],["2","b"]]`), "0 rows, ended: f: the rows are lists, and neither a member of the file nor the first list names the column of the text"},
		{"another member", []byte(`{"total":1,"cases":[` + someJSON + `]}`), `refused: f: the rows stand within the member "cases"`},
		{"another member, deep", []byte(`{"a":{"b":[` + someJSON + `]}}`), `refused: f: the rows stand within the member "a.b"`},
		{"another member, large", []byte(`{"cases":[` + strings.Repeat(someJSON+",", 100_000) + someJSON + `]}`), `refused: f: the rows stand within the member "cases"`},
		{"data, large", []byte(`{"data":[` + strings.Repeat(someJSON+",", 100_000) + someJSON + `],"meta":{"count":100001}}`), "100001 rows"},
		{"columns, larger than any row", []byte(big), "refused: f: the first object is longer than 4 MiB, the limit, within its member"},
		{"a name that is a text", []byte(`{"Secret is my name and I owe nothing":[{"a":1}]}`), "refused: f: the rows stand within the member"},
		{"a broken object with others inside", []byte("{\n  \"id\": 1\n  \"notes\": [\n    {\n      \"description\": \"inner\"\n    }\n  ]\n\n{\n  \"narrative\": \"a\"\n}\n"), "1 rows, 1 broken"},
		{"an indented list with a broken object", []byte("[\n  {\n    \"id\": \"1\n  },\n  {\n    \"narrative\": \"a\"\n  }\n]\n"), "1 rows, 1 broken"},
		{"a complaint with a list of objects", []byte(`{"complaint_id":"1","product":"x","history":[{"at":"2024"}],"narrative":"a"}`), "1 rows"},
		{"a complaint without a text", []byte(`{"complaint_id":"1","product":"x","history":[{"at":"2024"}]}`), "1 rows, 1 blank"},
		{"MongoDB", []byte(`{"_id":{"$oid":"65ee"},"date_received":{"$date":"2024-03-11T00:00:00Z"},"narrative":"a"}`), "1 rows"},
		{"a cut list", []byte(`[` + someJSON + `,{"narrative":"a`), "1 rows, 1 broken, ended: f:1: after row 2: the file is cut off: the list is not closed: unexpected EOF"},
		// Values that are not needed.
		{"an id that is an object", []byte(`{"complaint_id":"1","id":{"a":1},"_id":[1],"narrative":"a"}`), "1 rows"},
		{"a description that is a list", []byte(`{"narrative":"a","description":[{"lang":"en"}]}`), "1 rows"},
		{"a product that is an object", []byte(`{"narrative":"a","product":{"name":"x"}}`), "1 rows, 1 product dropped"},
		{"a text that is an object", []byte("{\"id\":1,\"narrative\":\"a\"}\n{\"id\":2,\"narrative\":{\"de\":\"Secret\"}}\n"), "1 rows, 1 broken"},
	} {
		if tc.want == "" {
			continue
		}
		t.Run(tc.kind, func(t *testing.T) { check(t, tc.in, tc.kind, tc.want, Options{}) })
	}
}

// What is read has the right values, not only the right number of rows.
func TestCaseValues(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want schema.Complaint
	}{
		"escaped quotes": {
			"id,narrative\n1,\"The \\\"best\\\" bank, C:\\\\ \\n\"\n",
			schema.Complaint{ComplaintID: "1", Narrative: `The "best" bank, C:\ \n`},
		},
		"Windows-1252":   {"narrative\nI don\x92t owe it, 5 \x80\n", schema.Complaint{Narrative: "I don’t owe it, 5 €"}},
		"UTF-16":         {string(utf16Of(binary.BigEndian, false, "narrative,id\nÜber 😀,1\n")), schema.Complaint{Narrative: "Über 😀", ComplaintID: "1"}},
		"short":          {"id,narrative,state,company\n1,a,CA\n", schema.Complaint{ComplaintID: "1", Narrative: "a", State: "CA"}},
		"public_id":      {"public_id,id,narrative\nP-1,7,a\n", schema.Complaint{ComplaintID: "P-1", Narrative: "a"}},
		"telling id":     {`{"id":"9","_id":"8","public_id":"7","complaint_id":"1","narrative":"a","text":"b"}`, schema.Complaint{ComplaintID: "1", Narrative: "a"}},
		"absent telling": {`{"complaint_id":null,"id":9,"narrative":"NaN","text":"b"}`, schema.Complaint{ComplaintID: "9", Narrative: "b"}},
		"N/A":            {"narrative,Consumer disputed?,State\nN/A,N/A,NA\n", schema.Complaint{Narrative: "N/A", ConsumerDisputed: "N/A"}},
		"socrata":        {`{"meta":{"view":{"columns":[{"fieldName":":id"},{"name":"Consumer complaint narrative","fieldName":"ccn"},{"fieldName":"zip_code"}]}},"data":[["row-1","a",94087]]}`, schema.Complaint{ComplaintID: "row-1", Narrative: "a", ZipCode: "94087"}},
		"other order":    {"id,narrative\nnarrative,id\na,1\n", schema.Complaint{ComplaintID: "1", Narrative: "a"}},
		"spaces":         {"id, narrative\n1, \"a, b\"\n", schema.Complaint{ComplaintID: "1", Narrative: "a, b"}},
		"single quotes":  {"'id','narrative'\n'1','I don''t, \"no\"'\n", schema.Complaint{ComplaintID: "1", Narrative: `I don't, "no"`}},
		"MongoDB":        {`{"_id":{"$oid":"65ee"},"date_received":{"$date":{"$numberLong":"1710115200000"}},"narrative":"a","timely":true}`, schema.Complaint{ComplaintID: "65ee", DateReceived: "2024-03-11", Narrative: "a", Timely: "Yes"}},
		"sheet":          {`{"range":"A1:B2","values":[["narrative","id"],["a","1"]]}`, schema.Complaint{ComplaintID: "1", Narrative: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := NewReader(strings.NewReader(tc.in), "f")
			if err != nil {
				t.Fatal(err)
			}
			if row, err := r.Next(); err != nil || row.Complaint != tc.want {
				t.Errorf("%+v, %v; want %+v", row.Complaint, err, tc.want)
			}
		})
	}
}

// The order of day and month is that of the options, and is said once.
func TestDatesOrder(t *testing.T) {
	b, err := os.ReadFile("testdata/cases/dates.csv")
	if err != nil {
		t.Fatal(err)
	}
	for order, want := range map[schema.DateOrder]string{schema.MonthFirst: "2024-11-03", schema.DayFirst: "2024-03-11"} {
		var warnings []string
		r, err := Options{Dates: order, Warn: func(w string) { warnings = append(warnings, w) }}.NewReader(bytes.NewReader(b), "f")
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for {
			row, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			got[row.Complaint.ComplaintID] = row.Complaint.DateReceived
		}
		if got["9200009"] != want || got["9200010"] != "2024-03-25" || len(warnings) != 1 || !strings.HasPrefix(warnings[0], "f:2: ") {
			t.Errorf("order %d: %v, warned %q", order, got, warnings)
		}
	}
}

// The lines that a broken row takes with it are named.
func TestBrokenRange(t *testing.T) {
	for in, want := range map[string][2]int{
		"id,date_received,narrative\n1,2024-01-01,\"a\nb, c\nd\n2,2024-01-02,\"whole\"\n": {2, 4},
		someJSON + "\nError\n  timeout\n" + someJSON:                                      {2, 3},
	} {
		r, err := NewReader(strings.NewReader(in), "f")
		if err != nil {
			t.Fatal(err)
		}
		var broken *RowError
		for err == nil || errors.As(err, &broken) {
			if err != nil && ([2]int{broken.Line, broken.LastLine} != want || !strings.Contains(err.Error(), fmt.Sprintf("to line %d", want[1]))) {
				t.Errorf("%v: lines %d to %d, want %v", err, broken.Line, broken.LastLine, want)
			}
			_, err = r.Next()
			if err == nil || errors.Is(err, io.EOF) {
				broken = nil
			}
		}
	}
}

// A row that ends with the file may be cut off.
func TestOpenEnded(t *testing.T) {
	for in, want := range map[string]bool{
		"id,narrative\n1,a\n": false, "id,narrative\n1,a": true, "id,narrative\n1,\"a\"": true, "id,narrative\n1,\"a\nb": true, "id,narrative\n1,\"a\nb\n": true,
		"id,narrative\n1,a,b": true, "id,narrative\n1,a,b\n": false,
		someJSON: false, someJSON + "\n": false, someJSON[:30]: true, "[" + someJSON + "]": false,
	} {
		r, err := NewReader(strings.NewReader(in), "f")
		if err != nil {
			t.Fatal(err)
		}
		row, err := r.Next()
		open := row.OpenEnded
		if broken, ok := errors.AsType[*RowError](err); ok {
			open = broken.OpenEnded
		}
		if open != want {
			t.Errorf("%q: open ended %t, %v", in, open, err)
		}
	}
}
