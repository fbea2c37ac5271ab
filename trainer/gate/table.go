package gate

import (
	"math/rand/v2"
	"slices"

	"complaints/schema"
)

// table counts rows by their true and their predicted category.
type table [schema.NumCategories][schema.NumCategories]int

func newTable(truth, predicted []schema.Category) table {
	var t table
	for i, c := range truth {
		t[c][predicted[i]]++
	}
	return t
}

func (t *table) rows(k int) (n int) {
	for _, v := range t[k] {
		n += v
	}
	return n
}

func (t *table) recall(k int) float64 {
	if n := t.rows(k); n > 0 {
		return float64(t[k][k]) / float64(n)
	}
	return 0
}

// macroF1 is the mean of the categories' F1; one that neither comes nor is
// predicted has 0, as everywhere in the trainer.
func (t *table) macroF1() float64 {
	total := 0.0
	for k := range t {
		said := 0
		for i := range t {
			said += t[i][k]
		}
		if n := said + t.rows(k); n > 0 {
			total += 2 * float64(t[k][k]) / float64(n)
		}
	}
	return total / schema.NumCategories
}

// Interval holds a value with a probability of 95%.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// resamples is how often the bootstrap draws the rows anew.
const resamples = 2000

// bootstrap is the percentile interval of the difference of both models' macro
// F1, first minus second. It is paired: each resample draws rows and takes what
// both models said of them (Efron and Tibshirani, "An Introduction to the
// Bootstrap", 1993). Rows that agree in the truth and in both answers are counted
// together.
func bootstrap(truth, first, second []schema.Category, seed uint64) Interval {
	const n = schema.NumCategories
	var cells [n * n * n]int
	for i, c := range truth {
		cells[(int(c)*n+int(first[i]))*n+int(second[i])]++
	}
	rows := make([]uint8, 0, len(truth)) // the cell of each row, in the order of cells
	for cell, k := range &cells {
		for range k {
			rows = append(rows, uint8(cell))
		}
	}
	rng := rand.New(rand.NewPCG(seed, uint64(len(truth))))
	differences := make([]float64, resamples)
	for r := range differences {
		clear(cells[:])
		for range rows {
			cells[rows[rng.IntN(len(rows))]]++
		}
		var a, b table
		for cell, k := range &cells {
			a[cell/(n*n)][cell/n%n] += k
			b[cell/(n*n)][cell%n] += k
		}
		differences[r] = a.macroF1() - b.macroF1()
	}
	slices.Sort(differences)
	return Interval{Low: differences[resamples/40], High: differences[resamples-1-resamples/40]}
}
