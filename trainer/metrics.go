package main

import (
	"math"

	"complaints/internal/classifier"
	"complaints/schema"
)

// evaluation is how a model did on rows with known categories, and what they
// looked like to it.
type evaluation struct {
	classifier.Metrics
	Classes   []classMetrics                                  `json:"classes"`
	Confusion [schema.NumCategories][schema.NumCategories]int `json:"confusion_matrix"` // [true][predicted]
	Reference classifier.Profile                              `json:"reference"`
}

type classMetrics struct {
	Name      string  `json:"name"`
	Rows      int     `json:"rows"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// judged is a row's true category and what a model said of it.
type judged struct {
	truth         schema.Category
	probabilities [schema.NumCategories]float64
	length        int     // of the text, bytes
	unknownWords  float64 // share of its words that the model does not know
}

// verdict is the most probable category and its probability.
func (j judged) verdict() (schema.Category, float64) {
	best := 0
	for k, p := range j.probabilities {
		if p > j.probabilities[best] {
			best = k
		}
	}
	return schema.Category(best), j.probabilities[best]
}

// calibrationBins is how many bins of equal width the calibration error has.
const calibrationBins = 15

// tally counts judged rows, one after the other. The zero value is empty.
type tally struct {
	evaluation
	right, loss float64
	bins        [calibrationBins]calibrationBin
}

// calibrationBin is the rows whose most probable category has a probability in
// the bin.
type calibrationBin struct {
	rows, right int
	said        float64 // sum of the probabilities
}

func (t *tally) add(j judged) {
	c, p := j.verdict()
	t.Rows++
	t.Confusion[j.truth][c]++
	t.Reference.Add(j.length, c, p, j.unknownWords)
	t.loss -= math.Log(max(j.probabilities[j.truth], 1e-15))
	b := &t.bins[min(int(p*calibrationBins), calibrationBins-1)]
	b.rows++
	b.said += p
	if c == j.truth {
		b.right++
		t.right++
	}
}

// result computes the metrics of what was counted.
func (t *tally) result() evaluation {
	e := t.evaluation
	n := float64(max(t.Rows, 1))
	e.Accuracy, e.LogLoss = t.right/n, t.loss/n
	for _, b := range t.bins {
		e.ECE += math.Abs(b.said-float64(b.right)) / n
	}
	for k, c := range schema.Categories() {
		m := e.class(k)
		m.Name = c.String()
		e.Classes = append(e.Classes, m)
		e.MacroF1 += m.F1 / schema.NumCategories
	}
	return e
}

// evaluate computes the metrics of rows.
func evaluate(rows []judged) evaluation {
	var t tally
	for _, j := range rows {
		t.add(j)
	}
	return t.result()
}

func (e *evaluation) class(k int) classMetrics {
	var m classMetrics
	said := 0
	for i := range schema.NumCategories {
		m.Rows += e.Confusion[k][i]
		said += e.Confusion[i][k]
	}
	right := float64(e.Confusion[k][k])
	m.Precision = ratio(right, float64(said))
	m.Recall = ratio(right, float64(m.Rows))
	m.F1 = ratio(2*right, float64(said+m.Rows))
	return m
}

// ratio is a/b, and 0 where b is.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// reviewThreshold is the lowest probability at and above which the share of
// right rows is still at least precision, and the share of rows there.
func reviewThreshold(rows []judged, precision float64) (threshold, coverage float64) {
	const steps = 100
	for s := range steps {
		t := float64(s) / steps
		n, right := 0, 0
		for _, j := range rows {
			if c, p := j.verdict(); p >= t {
				n++
				if c == j.truth {
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
