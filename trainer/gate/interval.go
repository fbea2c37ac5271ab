package gate

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"

	"complaints/trainer/evaluate"
)

// Interval holds a value with a probability of 95%.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// resamples is how often the bootstrap draws the rows anew.
const resamples = 2000

// bootstrap is the percentile interval of the difference of both models' macro
// F1, first minus second. It is paired: each resample draws rows and takes what
// both models predicted of them (Efron and Tibshirani, "An Introduction to the
// Bootstrap", 1993). Rows that agree in the truth and in both answers are counted
// together.
func bootstrap(categories int, truth, first, second []int, seed uint64) Interval {
	rows, cells := cellsOf(truth, first, second)
	rng := rand.New(rand.NewPCG(seed, uint64(len(truth))))
	differences := make([]float64, resamples)
	counts := make([]int, len(cells))
	a, b := evaluate.NewConfusion(categories, nil, nil), evaluate.NewConfusion(categories, nil, nil)
	for r := range differences {
		clear(counts)
		for range rows {
			counts[rows[rng.IntN(len(rows))]]++
		}
		a.Clear()
		b.Clear()
		for i, n := range counts {
			c := cells[i]
			a[c.truth][c.first] += n
			b[c.truth][c.second] += n
		}
		differences[r] = a.MacroF1() - b.MacroF1()
	}
	slices.Sort(differences)
	return Interval{Low: differences[resamples/40], High: differences[resamples-1-resamples/40]}
}

// cell is a truth with both answers.
type cell struct{ truth, first, second int }

// cellsOf returns the cells that there are, in rising order, and the cell of each
// row, in the order of cells.
func cellsOf(truth, first, second []int) (rows []int32, cells []cell) {
	counts := map[cell]int{}
	for i, c := range truth {
		counts[cell{c, first[i], second[i]}]++
	}
	cells = slices.SortedFunc(maps.Keys(counts), func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.truth, b.truth), cmp.Compare(a.first, b.first), cmp.Compare(a.second, b.second))
	})
	for i, c := range cells {
		for range counts[c] {
			rows = append(rows, int32(i))
		}
	}
	return rows, cells
}
