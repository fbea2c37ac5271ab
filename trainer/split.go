package main

import "slices"

// foldOf puts a group of near-copies into one of n folds, by the seed.
func foldOf(group, seed uint64, n int) int {
	return int(mix(group^mix(seed)) % uint64(n))
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// split is rows to fit on and rows to judge by, as places in a list. No group
// of near-copies is on both sides.
type split struct{ fit, judge []int }

// folds splits the rows n ways, each row judged once.
func folds(groups []uint64, rows []int, n int, seed uint64) []split {
	out := make([]split, n)
	for _, r := range rows {
		f := foldOf(groups[r], seed, n)
		for i := range out {
			if i == f {
				out[i].judge = append(out[i].judge, r)
			} else {
				out[i].fit = append(out[i].fit, r)
			}
		}
	}
	return out
}

// byTime judges the newest share of the dated rows by the older ones. Rows
// without a date are in neither. It returns the first date that is judged, or
// "" if there are too few dates.
func byTime(examples []example, rows []int, share float64) (split, string) {
	var dated []int
	for _, r := range rows {
		if examples[r].date != "" {
			dated = append(dated, r)
		}
	}
	slices.SortStableFunc(dated, func(a, b int) int { return compareStrings(examples[a].date, examples[b].date) })
	if len(dated) < 100 {
		return split{}, ""
	}
	first := examples[dated[int(float64(len(dated))*(1-share))]].date
	var s split
	judged := map[uint64]bool{}
	for _, r := range dated {
		if examples[r].date >= first {
			s.judge = append(s.judge, r)
			judged[examples[r].group] = true
		}
	}
	for _, r := range dated {
		if examples[r].date < first && !judged[examples[r].group] {
			s.fit = append(s.fit, r)
		}
	}
	slices.Sort(s.fit)
	slices.Sort(s.judge)
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

// groupsOf lists the examples' groups.
func groupsOf(examples []example) []uint64 {
	groups := make([]uint64, len(examples))
	for i, e := range examples {
		groups[i] = e.group
	}
	return groups
}

// allRows is 0 to n-1.
func allRows(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}
