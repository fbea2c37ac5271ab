// Package explore looks at complaints before anybody trains on them, and at what
// a model makes of them, and shows both on one page.
//
// In come complaints one at a time, then what a model said of them; out comes an
// HTML page that needs nothing else: no script, no font, no other file. Memory is
// bounded, whatever the number of complaints. The page has counts and single
// words, never a text. It keeps no state, so after a crash a caller starts again.
//
//	explore.go  counting complaints
//	columns.go  what is in each column
//	terms.go    words that tell a category
//	page.go     the page; page.html and page.css are built in
package explore

import (
	"slices"
	"strings"
	"unicode/utf8"

	"complaints/schema"
)

// perCategory counts by category code; the last counts complaints whose product is
// absent or unknown.
type perCategory []int

func (p perCategory) known() (n int) {
	for _, v := range p[:len(p)-1] {
		n += v
	}
	return n
}

func (p perCategory) unknown() int { return p[len(p)-1] }

// Collector counts complaints. The zero value is not ready: see [NewCollector].
type Collector struct {
	taxonomy   *schema.Taxonomy
	rows       int
	categories perCategory
	blank      int                 // complaints without a text
	years      map[int]perCategory // by year of date_received
	undated    perCategory
	from, to   string // the first and the last date
	columns    []column
	lengths    []lengths // by category code, and behind them of the others
	terms      *terms
}

// NewCollector returns an empty collector of complaints by the categories of a taxonomy.
func NewCollector(t *schema.Taxonomy) *Collector {
	n := t.Len()
	return &Collector{
		taxonomy: t, categories: make(perCategory, n+1), years: map[int]perCategory{}, undated: make(perCategory, n+1),
		columns: newColumns(), lengths: make([]lengths, n+1), terms: newTerms(n, mostTerms),
	}
}

// Add counts a complaint.
func (c *Collector) Add(x *schema.Complaint) {
	k, known := c.taxonomy.Code(x.Product)
	if !known {
		k = c.taxonomy.Len()
	}
	c.rows++
	c.categories[k]++
	for i := range c.columns {
		c.columns[i].add(*c.columns[i].of(x))
	}
	c.addDate(x.DateReceived, k)
	if strings.TrimSpace(x.Narrative) == "" {
		c.blank++
		return
	}
	c.lengths[k].add(utf8.RuneCountInString(x.Narrative))
	if known {
		c.terms.add([]byte(x.Narrative), k)
	}
}

func (c *Collector) addDate(date string, k int) {
	t, ok := schema.ParseDate(date)
	if !ok {
		c.undated[k]++
		return
	}
	n := c.year(t.Year())
	n[k]++
	c.years[t.Year()] = n
	day := t.Format("2006-01-02")
	if c.from == "" || day < c.from {
		c.from = day
	}
	c.to = max(c.to, day)
}

// year are the counts of a year.
func (c *Collector) year(y int) perCategory {
	if n, ok := c.years[y]; ok {
		return n
	}
	return make(perCategory, len(c.undated))
}

// Rows is how many complaints were added.
func (c *Collector) Rows() int { return c.rows }

// largest is the category with the most complaints.
func (c *Collector) largest() int {
	k := 0
	for i, n := range c.categories[:c.taxonomy.Len()] {
		if n > c.categories[k] {
			k = i
		}
	}
	return k
}

// lengthEdges are the first lengths, in characters, of the next bin.
var lengthEdges = [...]int{100, 250, 500, 1000, 2000, 4000, 8000}

// exactLengths is up to which length quantiles are exact: no narrative that is
// classified is longer.
const exactLengths = schema.DefaultMaxTextBytes

// lengths counts lengths of texts in characters.
type lengths struct {
	rows  int
	total int64
	most  int
	bins  [len(lengthEdges) + 1]int
	exact []uint32 // by length
}

func (l *lengths) add(n int) {
	if l.exact == nil {
		l.exact = make([]uint32, exactLengths+1)
	}
	l.rows++
	l.total += int64(n)
	l.most = max(l.most, n)
	l.exact[min(n, exactLengths)]++
	bin, found := slices.BinarySearch(lengthEdges[:], n)
	if found {
		bin++
	}
	l.bins[bin]++
}

// quantile is the least length that at least this share of the texts do not exceed.
func (l *lengths) quantile(share float64) int {
	seen := 0
	for n, count := range l.exact {
		if seen += int(count); seen > 0 && float64(seen) >= share*float64(l.rows) {
			return n
		}
	}
	return 0
}

func (l *lengths) mean() int { return int(l.total / int64(max(l.rows, 1))) }
