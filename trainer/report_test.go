package main

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/schema"
	"complaints/trainer/dataset"
	"complaints/trainer/dataset/datasettest"
	"complaints/trainer/evaluate"
)

// htmlPage is what a page has in its tables, by their ids, and the classes of those without one.
type htmlPage struct {
	tables map[string][][]string // the cells of each row, in order
	text   string
}

// readPage reads HTML strictly: a tag that is not closed fails the test. Nothing of it may come from elsewhere.
func readPage(t *testing.T, path string) htmlPage {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(strings.NewReader(string(raw)))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	p := htmlPage{tables: map[string][][]string{}}
	var open []string
	var table string
	var rows [][]string
	cell := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			open = append(open, e.Name.Local)
			id := ""
			for _, a := range e.Attr {
				switch a.Name.Local {
				case "id", "class":
					id = a.Value
				case "src", "href", "srcset", "data":
					t.Errorf("<%s %s=%q>", e.Name.Local, a.Name.Local, a.Value)
				}
			}
			switch e.Name.Local {
			case "script", "link", "img", "iframe":
				t.Errorf("the page has a <%s>", e.Name.Local)
			case "table":
				table, rows = id, nil
			case "tr":
				rows = append(rows, nil)
			case "th", "td":
				rows[len(rows)-1] = append(rows[len(rows)-1], "")
				cell = true
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != e.Name.Local {
				t.Fatalf("</%s> closes %q", e.Name.Local, open)
			}
			open = open[:len(open)-1]
			switch e.Name.Local {
			case "th", "td":
				cell = false
			case "table":
				for table != "" && p.tables[table] != nil {
					table += "+"
				}
				p.tables[table] = rows
			}
		case xml.CharData:
			if slices.Contains(open, "style") && (strings.Contains(string(e), "url(") || strings.Contains(string(e), "@import")) {
				t.Error("the style brings something from elsewhere")
			}
			if cell {
				row := rows[len(rows)-1]
				row[len(row)-1] += string(e)
			} else {
				p.text += string(e)
			}
		}
	}
	if strings.Contains(string(raw), "ZgotmplZ") {
		t.Error("the template refused a value")
	}
	return p
}

// row is the cells behind the head of a row, without the commas of numbers.
func (p htmlPage) row(t *testing.T, table, head string) []string {
	t.Helper()
	for _, r := range p.tables[table] {
		if len(r) > 0 && r[0] == head {
			out := slices.Clone(r[1:])
			for i := range out {
				out[i] = strings.ReplaceAll(out[i], ",", "")
			}
			return out
		}
	}
	t.Errorf("table %s has no row %q", table, head)
	return nil
}

func makeReport(t *testing.T, args ...string) htmlPage {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if _, err := runArgs(t, append([]string{"report", "--out", file, "--quiet"}, args...)...); err != nil {
		t.Fatal(err)
	}
	return readPage(t, file)
}

// few are complaints whose counts can be seen: lengths are 20, 40 and so on.
const few = `{"product":"Mortgage","date_received":"2020-01-02","narrative":"mortgage payment one","complaint_id":"1","timely":"Yes","state":"TX"}
{"product":"Mortgage","date_received":"2020-12-31","narrative":"mortgage payment two is much longer, yes","complaint_id":"2","timely":"No","state":"TX"}
{"product":"Student loan","date_received":"2022-05-05","narrative":"` + sixty + `","complaint_id":"3","timely":"Yes"}
{"product":"Debt collection","date_received":"2022-05-06","narrative":"they call about debt","complaint_id":"4","state":"a <b>&amp; \"state\""}
{"product":"Debt collection","narrative":"they call about debt","complaint_id":"5"}
{"product":"A new product","date_received":"2020-07-07","narrative":"nobody knows what it","complaint_id":"x6"}
{"narrative":"no product, no dates.","date_received":"soon"}
{"product":"Credit card","date_received":"2022-01-01","narrative":" "}
`

const sixty = "mortgage payment three is even longer, and says hardly more…"

func TestReportOfAFewComplaints(t *testing.T) {
	file := filepath.Join(t.TempDir(), "few.jsonl")
	if err := os.WriteFile(file, []byte(few), 0o600); err != nil {
		t.Fatal(err)
	}
	p := makeReport(t, "--data", file)
	type want struct {
		table, head string
		cells       string
	}
	for _, w := range []want{
		{"categories", "Credit Reporting", "||0|0.0%"},
		{"categories", "Debt Collection", "||2|33.3%"},
		{"categories", "Loans", "||3|50.0%"},
		{"categories", "Credit Card Services", "||1|16.7%"},
		{"years", "2020", "|0|0|2|0|0|1|3"},
		{"years", "2021", "|0|0|0|0|0|0|0"},
		{"years", "2022", "|0|1|1|1|0|0|3"},
		{"years", "no date", "|0|1|0|0|0|1|2"},
		{"years", "All", "|0|2|3|1|0|2|8"},
		{"columns", "complaint_id", "|text|6|2|25.0%|6"},
		{"columns", "date_received", "|date|6|2|25.0%|6"},
		{"columns", "product", "|text|7|1|12.5%|5"},
		{"columns", "narrative", "|text|7|1|12.5%|not counted"},
		{"columns", "timely", "|yes or no|3|5|62.5%|2"},
		{"columns", "state", "|text|3|5|62.5%|2"},
		{"columns", "tags", "|nothing|0|8|100.0%|0"},
		{"lengths", "Loans", "|3|40|40|60|60|60"},
		{"lengths", "Debt Collection", "|2|20|20|20|20|20"},
		{"lengths", "Credit Card Services", "|0|0|0|0|0|0"},
		{"lengths", "Product absent or unknown", "|2|20|20|21|21|21"},
		{"lengths", "All", "|7|28|20|60|60|60"},
		{"length-bins", "0 to 99", "||7|100.0%"},
	} {
		if got := "|" + strings.Join(p.row(t, w.table, w.head), "|"); got != w.cells {
			t.Errorf("%s, %s: %s, want %s", w.table, w.head, got, w.cells)
		}
	}
	if !strings.Contains(p.text, "7 texts are too few to say whether they are of another population") || strings.Contains(p.text, "is another population") {
		t.Error("drift is told of seven texts")
	}
	for _, quoted := range []string{"hardly", "nobody", "they call about"} {
		if strings.Contains(p.text+fmt.Sprint(p.tables), quoted) {
			t.Errorf("the page quotes a text: %q", quoted)
		}
	}
}

// The sample, counted here by another reader of CSV.
func TestReportCountsTheSample(t *testing.T) {
	p := makeReport(t, "--data", sampleFile)
	rows := readCSV(t, sampleFile)
	head := map[string]int{}
	for i, name := range rows[0] {
		head[name] = i
	}
	rows = rows[1:]
	perCategory, perYear, filled := map[string]int{}, map[string]int{}, map[string]int{}
	with := map[[2]string]int{}
	for _, r := range rows {
		c, ok := schema.Bureau().Code(r[head["Product"]])
		if !ok {
			t.Fatalf("product %q", r[head["Product"]])
		}
		perCategory[schema.Bureau().CategoryName(c)]++
		year := "no date"
		if d := r[head["Date received"]]; d != "" {
			year = d[:4]
		}
		perYear[year]++
		for name, i := range head {
			if r[i] != "" {
				filled[name]++
			}
		}
		words := strings.FieldsFunc(strings.ToLower(r[head["Consumer complaint narrative"]]), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
		for _, w := range slices.Compact(slices.Sorted(slices.Values(words))) {
			with[[2]string{schema.Bureau().CategoryName(c), w}]++
			with[[2]string{"", w}]++
		}
	}
	for name, n := range perCategory {
		if got := p.row(t, "categories", name)[1]; got != strconv.Itoa(n) {
			t.Errorf("%s complaints of %s, want %d", got, name, n)
		}
	}
	for year, n := range perYear {
		if got := p.row(t, "years", year); got[len(got)-1] != strconv.Itoa(n) {
			t.Errorf("%s complaints of %s, want %d", got, year, n)
		}
	}
	for column, name := range map[string]string{"state": "State", "company": "Company", "tags": "Tags", "date_received": "Date received"} {
		if got := p.row(t, "columns", column); got[1] != strconv.Itoa(filled[name]) || got[2] != strconv.Itoa(len(rows)-filled[name]) {
			t.Errorf("column %s: %s, want %d filled", column, got, filled[name])
		}
	}
	percent := func(n, of int) string { return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(of)) }
	for i, check := range [][2]string{{"Credit Reporting", "report"}, {"Debt Collection", "debt"}, {"Loans", "loan"}, {"Credit Card Services", "card"}, {"Bank Accounts and Services", "bank"}} {
		in, all := with[check], with[[2]string{"", check[1]}]
		want := []string{percent(in, perCategory[check[0]]), percent(all-in, len(rows)-perCategory[check[0]])}
		if got := p.row(t, "terms"+strings.Repeat("+", i), check[1]); !slices.Equal(got, want) {
			t.Errorf("%s in %s: %s, want %s", check[1], check[0], got, want)
		}
	}
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// What the page says of the model is what evaluate says of it.
func TestReportJudgesAsEvaluateDoes(t *testing.T) {
	const bundle = "../internal/classifier/bootstrap"
	p := makeReport(t, "--data", sampleFile, "--model", bundle)
	examples, err := dataset.Files{Paths: []string{sampleFile}}.Examples(t.Context(), schema.Bureau(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	model, err := classifier.Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	e := evaluate.Of(schema.Bureau(), evaluate.Bundle(model, examples))
	want := []string{strconv.Itoa(e.Rows), fmt.Sprintf("%.4f", e.Accuracy), fmt.Sprintf("%.4f", e.MacroF1), fmt.Sprintf("%.4f", e.LogLoss), fmt.Sprintf("%.4f", e.ECE)}
	if got := p.row(t, "metrics", "these, with a known product"); !slices.Equal(got, want) {
		t.Errorf("the page has %s, want %s", got, want)
	}
	inBins, inMatrix := 0, 0
	for _, r := range p.tables["reliability"][1:] {
		n, err := strconv.Atoi(strings.ReplaceAll(r[1], ",", ""))
		if err != nil {
			t.Fatal(err)
		}
		inBins += n
	}
	for i, c := range e.Classes {
		row := p.row(t, "confusion", fmt.Sprint(i, " ", c.Name))
		for j, n := range e.Confusion[i] {
			if row[j] != strconv.Itoa(n) {
				t.Errorf("%d of %s are taken for %d: %s", n, c.Name, j, row[j])
			}
			inMatrix += n
		}
	}
	if inBins != e.Rows || inMatrix != e.Rows {
		t.Errorf("%d complaints in bins, %d in the matrix, want %d", inBins, inMatrix, e.Rows)
	}
	drift := e.Reference.DriftFrom(model.Manifest().Reference)
	for _, d := range drift {
		if !strings.Contains(p.text, fmt.Sprintf("%.4f", d.PSI)) {
			t.Errorf("the page does not have the index of %s, %.4f", d.What, d.PSI)
		}
	}
}

// Silver gives the same page as the file that it came from, but for what was masked.
func TestReportOfSilver(t *testing.T) {
	url := "file://" + t.TempDir()
	store, err := lake.Open(t.Context(), lake.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	for day := range 3 {
		datasettest.PutSilver(t, store, datasettest.Object{Day: schema.Day(fmt.Sprintf("2026-11-0%d", 1+day)), Start: int64(10 * day), Next: int64(10*day + 10)})
	}
	datasettest.PutErased(t, store, "2026-11-03", 30)
	p := makeReport(t, "--lake", url)
	if got := p.row(t, "categories", "Loans"); got[1] != "30" || !strings.Contains(p.text, "0 have a product that is absent") {
		t.Errorf("with an erased row: %s", got)
	}
	if got := p.row(t, "columns", "date_received"); got[0] != "date" || got[1] != "30" {
		t.Errorf("the dates are %s", got)
	}
	if p := makeReport(t, "--lake", url, "--window", "2d"); p.row(t, "categories", "Loans")[1] != "20" {
		t.Error("the window is not kept")
	}
	_, err = runArgs(t, "report", "--lake", "file://"+t.TempDir(), "--out", filepath.Join(t.TempDir(), "x.html"))
	if err == nil || !strings.Contains(err.Error(), "silver has no rows") {
		t.Errorf("an empty lake gives %v", err)
	}
}

// A page that cannot be made leaves the one before.
func TestReportLeavesTheOldPageOnError(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "report.html")
	if err := os.WriteFile(out, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(out, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("no more")
	}); err == nil {
		t.Error("no error")
	}
	if got, _ := os.ReadFile(out); string(got) != "old" {
		t.Errorf("the page is %q", got)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left %v", files)
	}
}
