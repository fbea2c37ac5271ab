// Package evaluate says how good predictions are.
//
// In come rows with their true categories and the probabilities that a model gave
// them; out come metrics, a table and a picture of the confusion matrix. It is
// arithmetic alone, and keeps nothing.
package evaluate

import (
	"math"

	"complaints/internal/classifier"
	"complaints/schema"
	"complaints/trainer/dataset"
)

// Result is how a model did on rows with known categories, and what they
// looked like to it.
type Result struct {
	classifier.Metrics
	Classes   []Class            `json:"classes"` // by category code
	Confusion Confusion          `json:"confusion_matrix"`
	Reference classifier.Profile `json:"reference"`
}

// Prediction is a row's true category and what a model predicted.
type Prediction struct {
	Truth         int       // category code
	Probabilities []float64 // by category code
	Length        int       // of the text, bytes
	UnknownWords  float64   // share of its words that the model does not know
	NeedsReview   bool
	Example       *dataset.Example // the row itself
}

// Top is the code of the most probable category, and its probability.
func (j Prediction) Top() (int, float64) {
	best := 0
	for k, p := range j.Probabilities {
		if p > j.Probabilities[best] {
			best = k
		}
	}
	return best, j.Probabilities[best]
}

// calibrationBins is how many bins of equal width the calibration error has.
const calibrationBins = 15

// Tally counts predictions, one after the other.
type Tally struct {
	taxonomy    *schema.Taxonomy
	counts      Result // without what is computed at the end
	right, loss float64
	bins        [calibrationBins]calibrationBin
}

// calibrationBin is the rows whose most probable category has a probability in
// the bin.
type calibrationBin struct {
	rows, right int
	predicted   float64 // sum of the probabilities
}

// Bin is the rows for which a model gave its category a probability in a range.
type Bin struct {
	From, To  float64
	Rows      int
	Predicted float64 // mean probability
	Right     float64 // share
}

// Bins are the rows that were counted by the probability of their most probable
// category, in ranges of equal width.
func (t *Tally) Bins() []Bin {
	out := make([]Bin, calibrationBins)
	for i, b := range t.bins {
		out[i] = Bin{
			From: float64(i) / calibrationBins, To: float64(i+1) / calibrationBins, Rows: b.rows,
			Predicted: Ratio(b.predicted, float64(b.rows)), Right: Ratio(float64(b.right), float64(b.rows)),
		}
	}
	return out
}

// NewTally returns an empty tally of rows of a taxonomy.
func NewTally(t *schema.Taxonomy) *Tally {
	n := t.Len()
	return &Tally{taxonomy: t, counts: Result{Confusion: NewConfusion(n, nil, nil), Reference: *classifier.NewProfile(n)}}
}

// Add counts a row.
func (t *Tally) Add(j Prediction) {
	c, p := j.Top()
	t.counts.Rows++
	t.counts.Confusion[j.Truth][c]++
	t.counts.Reference.Add(j.Length, c, p, j.UnknownWords)
	t.loss -= math.Log(max(j.Probabilities[j.Truth], 1e-15))
	b := &t.bins[min(int(p*calibrationBins), calibrationBins-1)]
	b.rows++
	b.predicted += p
	if c == j.Truth {
		b.right++
		t.right++
	}
}

// Result computes the metrics of what was counted.
func (t *Tally) Result() Result {
	e := t.counts
	n := float64(max(e.Rows, 1))
	e.Accuracy, e.LogLoss = t.right/n, t.loss/n
	for _, b := range t.bins {
		e.ECE += math.Abs(b.predicted-float64(b.right)) / n
	}
	for k, name := range t.taxonomy.Names() {
		m := e.Confusion.Class(k)
		m.Name = name
		e.Classes = append(e.Classes, m)
	}
	e.MacroF1 = e.Confusion.MacroF1()
	return e
}

// Of computes the metrics of rows of a taxonomy.
func Of(t *schema.Taxonomy, rows []Prediction) Result {
	tally := NewTally(t)
	for _, j := range rows {
		tally.Add(j)
	}
	return tally.Result()
}

// Ratio is a/b, and 0 where b is.
func Ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Sure is how probable the most probable category would be if all were equally
// usual; mix is the model's (classifier.Sureness).
func (j Prediction) Sure(mix []float64) float64 {
	c, _ := j.Top()
	return classifier.Sureness(j.Probabilities, mix, c)
}

// MarkReview marks the rows that need review.
func MarkReview(rows []Prediction, mix []float64, threshold float64) {
	for i := range rows {
		rows[i].NeedsReview = rows[i].Sure(mix) < threshold
	}
}

// ReviewThreshold is the lowest sureness at and above which the share of right rows
// is still at least precision, and the share of rows there.
func ReviewThreshold(rows []Prediction, mix []float64, precision float64) (threshold, coverage float64) {
	sure := make([]float64, len(rows))
	for i, j := range rows {
		sure[i] = j.Sure(mix)
	}
	const steps = 100
	for s := range steps {
		t := float64(s) / steps
		n, right := 0, 0
		for i, j := range rows {
			if sure[i] >= t {
				n++
				if c, _ := j.Top(); c == j.Truth {
					right++
				}
			}
		}
		if n > 0 && float64(right) >= precision*float64(n) {
			return t, float64(n) / float64(len(rows))
		}
	}
	return 1, 0
}
