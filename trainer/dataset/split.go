package dataset

import (
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

// Split is train rows and test rows, as places in a list. No group of near-copies
// is on both sides.
type Split struct{ Train, Test []int }

// Folds splits the rows n ways, each row a test row once.
func Folds(groups []uint64, rows []int, n int, seed uint64) []Split {
	out := make([]Split, n)
	for _, r := range rows {
		f := foldOf(groups[r], seed, n)
		for i := range out {
			if i == f {
				out[i].Test = append(out[i].Test, r)
			} else {
				out[i].Train = append(out[i].Train, r)
			}
		}
	}
	return out
}

// BySource trains on the rows before first, without near-copies of those from first
// on, and tests on the others.
func BySource(examples []Example, first int) Split {
	tests := map[uint64]bool{}
	for _, e := range examples[first:] {
		tests[e.Group] = true
	}
	var s Split
	for i, e := range examples {
		switch {
		case i >= first:
			s.Test = append(s.Test, i)
		case !tests[e.Group]:
			s.Train = append(s.Train, i)
		}
	}
	return s
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
