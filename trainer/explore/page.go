package explore

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"

	"complaints/internal/classifier"
	"complaints/trainer/evaluate"
)

// Model is what a model said of the complaints of the page.
type Model struct {
	Version     string
	Training    classifier.Training
	HeldOut     classifier.Metrics // as its bundle has them, on rows that were held out from its training
	Here        evaluate.Result    // on the complaints of the page whose product is known
	Categories  []string           // names, in the order of the codes
	Calibration []evaluate.Bin
	Scored      classifier.Profile  // all complaints of the page with a text
	Reference   *classifier.Profile // what Scored is compared with; older bundles have none
	NeedReview  int                 // of Scored
}

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"n": thousands, "pct": percent, "f4": func(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) },
	"css":  func() template.CSS { return template.CSS(pageCSS) },                                 //nolint:gosec // a file of this package
	"list": func(v ...any) []any { return v }, "colour": func(code int) int { return code % 10 }, // those of many categories share colours
}).Parse(pageHTML))

// thousands writes a number with commas.
func thousands(n any) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent writes a share of 1.
func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + "%" }

// view is what the page shows, in its order.
type view struct {
	Source                               string
	Rows, Known, Unknown, Blank, Undated int
	From, To                             string
	Categories                           []bar
	Years, YearsWithoutLargest           yearChart
	YearRows                             []yearRow
	YearTotals                           perCategory
	Columns                              []columnView
	Lengths                              []lengthView
	LengthBins                           []bar
	Terms                                []termsView
	Model                                *modelView
}

// bar is a value, and how long it is shown, as a share of the longest.
type bar struct {
	Name          string
	Count         int
	Share, Length float64
	Class         int // colour
}

// Write writes the page. Source says where the complaints are from; m may be nil.
func (c *Collector) Write(w io.Writer, source string, m *Model) error {
	v := view{
		Source: source, Rows: c.rows, Known: c.categories.known(), Unknown: c.categories.unknown(), Blank: c.blank, From: c.from, To: c.to,
		Undated: c.undated.known() + c.undated.unknown(), YearTotals: make(perCategory, len(c.undated)),
	}
	for k, name := range c.taxonomy.Names() {
		v.Categories = append(v.Categories, bar{Name: name, Count: c.categories[k], Share: share(c.categories[k], v.Known), Class: k})
		v.Terms = append(v.Terms, termsView{Name: name, Class: k, Texts: c.terms.texts[k], Terms: c.terms.telling(k)})
	}
	setLengths(v.Categories)
	c.viewYears(&v)
	for i := range c.columns {
		v.Columns = append(v.Columns, c.columns[i].view(c.rows))
	}
	c.viewLengths(&v)
	if m != nil {
		v.Model = viewModel(m)
	}
	return page.Execute(w, v)
}

func setLengths(bars []bar) {
	most := 0.0
	for _, b := range bars {
		most = max(most, b.Share)
	}
	for i := range bars {
		if most > 0 {
			bars[i].Length = 100 * bars[i].Share / most
		}
	}
}

type columnView struct {
	Name, Kind, Distinct string
	Filled, Null         int
	NullShare            float64
}

func (c *column) view(rows int) columnView {
	distinct := thousands(len(c.distinct))
	switch {
	case c.name == "narrative":
		distinct = "not counted"
	case len(c.distinct) == mostDistinct:
		distinct += " or more"
	}
	return columnView{c.name, c.kind(), distinct, c.filled, rows - c.filled, share(rows-c.filled, rows)}
}

type lengthView struct {
	Name                                   string
	Texts, Mean, Median, P90, P99, Longest int
}

func (c *Collector) viewLengths(v *view) {
	var all lengths
	names := append(c.taxonomy.Names(), "Product absent or unknown")
	for k := range c.lengths {
		l := &c.lengths[k]
		v.Lengths = append(v.Lengths, l.view(names[k]))
		all.merge(l)
	}
	v.Lengths = append(v.Lengths, all.view("All"))
	from := 0
	for i, n := range all.bins {
		b := bar{Name: thousands(from) + " or more", Count: n, Share: share(n, all.rows)}
		if i < len(lengthEdges) {
			b.Name = thousands(from) + " to " + thousands(lengthEdges[i]-1)
			from = lengthEdges[i]
		}
		v.LengthBins = append(v.LengthBins, b)
	}
	setLengths(v.LengthBins)
}

func (l *lengths) view(name string) lengthView {
	return lengthView{name, l.rows, l.mean(), l.quantile(0.5), l.quantile(0.9), l.quantile(0.99), l.most}
}

func (l *lengths) merge(m *lengths) {
	if m.exact == nil {
		return
	}
	if l.exact == nil {
		l.exact = make([]uint32, exactLengths+1)
	}
	l.rows += m.rows
	l.total += m.total
	l.most = max(l.most, m.most)
	for i, n := range m.bins {
		l.bins[i] += n
	}
	for i, n := range m.exact {
		l.exact[i] += n
	}
}

type termsView struct {
	Name  string
	Class int
	Texts int
	Terms []Term
}

// yearChart is columns of stacked parts, one a year; each is 1 wide and together
// as high as its share of the highest, which is 100.
type yearChart struct {
	Width  int
	Top    int // complaints of the highest column
	Parts  []part
	Labels []string // four digits
	Legend []bar
}

// part is a rectangle.
type part struct {
	X, Y, Height float64
	Class        int
	Title        string
}

type yearRow struct {
	Year   string
	Counts perCategory
	Total  int
}

// mostYears is up to how many years all are shown, also those without a complaint.
const mostYears = 40

func (c *Collector) viewYears(v *view) {
	var years []int
	for y := range c.years {
		years = append(years, y)
	}
	slices.Sort(years)
	if n := len(years); n > 0 && years[n-1]-years[0] < mostYears {
		first, last := years[0], years[n-1]
		years = years[:0]
		for y := first; y <= last; y++ {
			years = append(years, y)
		}
	}
	row := func(name string, counts perCategory) {
		r := yearRow{name, counts, counts.known() + counts.unknown()}
		for k, n := range counts {
			v.YearTotals[k] += n
		}
		v.YearRows = append(v.YearRows, r)
	}
	for _, y := range years {
		row(fmt.Sprintf("%04d", y), c.year(y))
	}
	if v.Undated > 0 {
		row("no date", c.undated)
	}
	v.Years = c.chart(years, -1)
	v.YearsWithoutLargest = c.chart(years, c.largest())
}

// chart stacks the categories of the years, but one.
func (c *Collector) chart(years []int, without int) yearChart {
	out := yearChart{Width: len(years)}
	for k, name := range c.taxonomy.Names() {
		if k != without {
			out.Legend = append(out.Legend, bar{Name: name, Class: k})
		}
	}
	total := func(y int) (n int) {
		for k, v := range c.year(y) {
			if k != without && k != c.taxonomy.Len() {
				n += v
			}
		}
		return n
	}
	for _, y := range years {
		out.Top = max(out.Top, total(y))
	}
	for i, y := range years {
		out.Labels = append(out.Labels, fmt.Sprintf("%04d", y))
		at := 100.0
		for _, l := range out.Legend {
			n := c.year(y)[l.Class]
			height := 100 * share(n, out.Top)
			at -= height
			if n > 0 {
				out.Parts = append(out.Parts, part{float64(i) + 0.12, at, height, l.Class, fmt.Sprintf("%d, %s: %s", y, l.Name, thousands(n))})
			}
		}
	}
	return out
}

type modelView struct {
	*Model
	Matrix  []matrixRow
	Bins    []binView
	Drift   []driftView
	NoDrift string // why there is none
	Review  float64
	Drifted bool
}

type matrixRow struct {
	Code  int
	Name  string
	Cells []cell
}

// cell is a count and its share of the row, which gives its colour.
type cell struct {
	Count int
	Share float64
	Right bool
}

// binView is a point of the reliability diagram, in percent from the lower left.
type binView struct {
	evaluate.Bin
	Range          string
	X, Y, R, Width float64
}

type driftView struct {
	What, Text string
	PSI        float64
	Bins       []driftBin
}

type driftBin struct {
	Name                    string
	Before, Now             float64
	BeforeLength, NowLength float64
}

func viewModel(m *Model) *modelView {
	v := &modelView{Model: m, Review: share(m.NeedReview, int(m.Scored.Rows))}
	for i, name := range m.Categories {
		r := matrixRow{Code: i, Name: name}
		for j, n := range m.Here.Confusion[i] {
			r.Cells = append(r.Cells, cell{n, share(n, m.Here.Classes[i].Rows), i == j})
		}
		v.Matrix = append(v.Matrix, r)
	}
	most := 1
	for _, b := range m.Calibration {
		most = max(most, b.Rows)
	}
	for _, b := range m.Calibration {
		if b.Rows > 0 {
			v.Bins = append(v.Bins, binView{
				Bin: b, Range: percent(b.From) + " to " + percent(b.To), X: 100 * b.Predicted, Y: 100 - 100*b.Right,
				R: 1.2 + 2.2*share(b.Rows, most), Width: 100 * share(b.Rows, most),
			})
		}
	}
	switch {
	case m.Reference == nil:
		v.NoDrift = "The model has no reference to compare with."
	case m.Scored.Rows < leastDriftRows:
		v.NoDrift = fmt.Sprintf("%d texts are too few to say whether they are of another population; it takes %s.", m.Scored.Rows, thousands(leastDriftRows))
	default:
		v.Drift = viewDrift(m.Categories, &m.Scored, m.Reference)
	}
	return v
}

var driftNames = map[string]string{
	"category": "Category, as the model says", "probability": "Probability of that category",
	"text_length": "Length of the text", "unknown_words": "Share of words that the model does not know",
}

// leastDriftRows is how many texts are compared with the reference at least, as in
// a consumer: the index of fewer is mostly chance.
const leastDriftRows = 1000

// What the index usually is taken to say.
const (
	usualPSI = 0.1
	otherPSI = 0.25
)

func viewDrift(categories []string, now, before *classifier.Profile) []driftView {
	var out []driftView
	drift := now.DriftFrom(before)
	reference := before.Properties(categories)
	for i, p := range now.Properties(categories) {
		d := driftView{What: driftNames[p.What], PSI: drift[i].PSI}
		switch {
		case d.PSI < usualPSI:
			d.Text = "as usual"
		case d.PSI < otherPSI:
			d.Text = "has moved"
		default:
			d.Text = "is another population"
		}
		top := 0.0
		for b, n := range p.Counts {
			x := driftBin{Name: p.Bins[b], Before: float64(reference[i].Counts[b]) / float64(before.Rows), Now: float64(n) / float64(now.Rows)}
			top = max(top, x.Before, x.Now)
			d.Bins = append(d.Bins, x)
		}
		for b := range d.Bins {
			d.Bins[b].BeforeLength, d.Bins[b].NowLength = 100*d.Bins[b].Before/top, 100*d.Bins[b].Now/top
		}
		out = append(out, d)
	}
	return out
}

// String says in one line what was counted.
func (c *Collector) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d complaints, %d with a known product, %d without a text", c.rows, c.categories.known(), c.blank)
	if c.from != "" {
		fmt.Fprintf(&b, ", received from %s to %s", c.from, c.to)
	}
	return b.String()
}
