package evaluate

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"complaints/schema"
	"complaints/trainer/dataset"
)

// leastGroup is how many rows a group needs for a line of its own.
const leastGroup = 20

// grouping puts examples into groups by their names; a name of "" is of none.
type grouping struct {
	title string
	of    func(e *dataset.Example) string
}

var groupings = []grouping{
	{"year", func(e *dataset.Example) string {
		if e.Date == "" {
			return "no date"
		}
		return e.Date[:4]
	}},
	{"product", func(e *dataset.Example) string { return cmp.Or(e.Product, "not named") }},
	{"company", func(e *dataset.Example) string {
		if e.Fields.Company == "" {
			return "not named"
		}
		return "named"
	}},
	{"length of the text", func(e *dataset.Example) string {
		for _, most := range []int{200, 500, 1000, 2000, 5000} {
			if len(e.Text) < most {
				return fmt.Sprintf("below %4d bytes", most)
			}
		}
		return "longer"
	}},
}

// Group is how a model did on some of the rows.
type Group struct {
	By, Name string // what the rows are grouped by, and which group it is
	Result
	Review
}

// Review says what came of the answers that needed no review.
type Review struct {
	Answered float64 `json:"answered"` // share of the rows that need none
	Right    float64 `json:"right"`    // share of those that are right
}

// ReviewOf counts the answers that need no review.
func ReviewOf(rows []Prediction) Review {
	answered, right := 0, 0
	for _, j := range rows {
		if j.NeedsReview {
			continue
		}
		answered++
		if c, _ := j.Top(); c == j.Truth {
			right++
		}
	}
	return Review{Ratio(float64(answered), float64(len(rows))), Ratio(float64(right), float64(answered))}
}

// categories is how many categories the rows are of.
func (e *Result) categories() (n int) {
	for _, c := range e.Classes {
		if c.Rows > 0 {
			n++
		}
	}
	return n
}

// Groups computes the metrics of all rows, and of those of each year, product, part of
// a file, with and without a company, and of each length. Small groups are left out.
func Groups(t *schema.Taxonomy, rows []Prediction) []Group {
	groups := []Group{{"", "all rows", Of(t, rows), ReviewOf(rows)}}
	last := int64(1)
	for _, j := range rows {
		last = max(last, j.Example.Place.Offset)
	}
	// Parts of a file often come from different sources.
	const parts = 5
	fifths := grouping{"part of the file", func(e *dataset.Example) string {
		return fmt.Sprintf("%d of %d", max(e.Place.Offset-1, 0)*parts/last+1, parts)
	}}
	for _, g := range append(slices.Clone(groupings), fifths) {
		of := map[string][]Prediction{}
		for _, j := range rows {
			if name := g.of(j.Example); name != "" {
				of[name] = append(of[name], j)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(of)) {
			if some := of[name]; len(some) >= leastGroup {
				groups = append(groups, Group{g.title, name, Of(t, some), ReviewOf(some)})
			}
		}
	}
	return groups
}

// PrintGroups writes a table of groups for people.
func PrintGroups(w io.Writer, groups []Group) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "rows of\t\trows\taccuracy\tmacro F1\tlog loss\tECE\twithout review\tof them right")
	for _, g := range groups {
		macroF1 := "" // says nothing of rows of one category
		if g.categories() > 1 {
			macroF1 = fmt.Sprintf("%.3f", g.MacroF1)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%.3f\t%s\t%.3f\t%.3f\t%.3f\t%.3f\n",
			g.By, g.Name, g.Rows, g.Accuracy, macroF1, g.LogLoss, g.ECE, g.Answered, g.Right)
	}
	return t.Flush()
}
