package dataset

import (
	"slices"

	"complaints/schema"
)

// foldOf puts a group of near-copies into one of n folds, by the seed.
func foldOf(group, seed uint64, n int) int {
	return int(Mix(group^Mix(seed)) % uint64(n))
}

// Mix is the finalizer of splitmix64.
func Mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// Split is rows to fit on and rows to judge by, as places in a list. No group
// of near-copies is on both sides.
type Split struct{ Fit, Judge []int }

// Folds splits the rows n ways, each row judged once.
func Folds(groups []uint64, rows []int, n int, seed uint64) []Split {
	out := make([]Split, n)
	for _, r := range rows {
		f := foldOf(groups[r], seed, n)
		for i := range out {
			if i == f {
				out[i].Judge = append(out[i].Judge, r)
			} else {
				out[i].Fit = append(out[i].Fit, r)
			}
		}
	}
	return out
}

// ByTime judges the newest share of the dated rows by the older ones. Rows
// without a date are in neither. It returns the first date that is judged, or
// "" if there are too few dates.
func ByTime(examples []Example, rows []int, share float64) (Split, string) {
	var dated []int
	for _, r := range rows {
		if examples[r].Date != "" {
			dated = append(dated, r)
		}
	}
	slices.SortStableFunc(dated, func(a, b int) int { return compareStrings(examples[a].Date, examples[b].Date) })
	if len(dated) < 100 {
		return Split{}, ""
	}
	first := examples[dated[int(float64(len(dated))*(1-share))]].Date
	var s Split
	judged := map[uint64]bool{}
	for _, r := range dated {
		if examples[r].Date >= first {
			s.Judge = append(s.Judge, r)
			judged[examples[r].Group] = true
		}
	}
	for _, r := range dated {
		if examples[r].Date < first && !judged[examples[r].Group] {
			s.Fit = append(s.Fit, r)
		}
	}
	slices.Sort(s.Fit)
	slices.Sort(s.Judge)
	return s, first
}

func compareStrings(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Groups lists the examples' groups.
func Groups(examples []Example) []uint64 {
	groups := make([]uint64, len(examples))
	for i, e := range examples {
		groups[i] = e.Group
	}
	return groups
}

// AllRows is 0 to n-1.
func AllRows(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// PerCategory counts rows by the codes of their categories.
func PerCategory(t *schema.Taxonomy, examples []Example, rows []int) []int {
	n := make([]int, t.Len())
	for _, r := range rows {
		n[examples[r].Category]++
	}
	return n
}
