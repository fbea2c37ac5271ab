package classifier

import (
	"bufio"
	"bytes"
	"fmt"

	"github.com/dmitryikh/leaves"
)

// Scorer gives the probabilities of a row of features that is values at columns,
// and zero elsewhere. It is for one goroutine at a time, and the slice is its own
// until the next call.
type Scorer func(columns []int32, values []float64) ([]float64, error)

// Scorers returns the fast evaluator of a model's text and its reference, leaves,
// so that both can be compared with LightGBM's own on any model.
// sparse says which features are zero in most rows and never below zero.
func Scorers(model []byte, width, classes int, sparse func(column int) bool) (fast, reference Scorer, err error) {
	trees, err := parseModel(model, width, classes)
	if err != nil {
		return nil, nil, err
	}
	ensemble, err := leaves.LGEnsembleFromReader(bufio.NewReader(bytes.NewReader(model)), true)
	if err != nil {
		return nil, nil, err
	}
	e := newEvaluator(trees, width, classes, sparse)
	words, row, out := make([]uint64, len(e.base)), make([]float64, width), make([]float64, classes)
	fast = func(columns []int32, values []float64) ([]float64, error) {
		if !e.scoreRow(columns, values, row, words, out) {
			return nil, fmt.Errorf("the fast evaluator does not cover the row of %v at %v", values, columns)
		}
		Softmax(out)
		return out, nil
	}
	probabilities := make([]float64, classes)
	return fast, func(columns []int32, values []float64) ([]float64, error) {
		clear(row)
		for i, c := range columns {
			row[c] = values[i]
		}
		return probabilities, ensemble.Predict(row, 0, probabilities)
	}, nil
}

// Contributions gives the Shapley values of a row's features for a category, by
// column, and the base that they add up from.
type Contributions func(row []float64, category int) (values []float64, base float64)

// Contributor returns the Contributions of a model's text, so that they can be
// compared with LightGBM's own on any model.
func Contributor(model []byte, width, classes int) (Contributions, error) {
	trees, err := parseModel(model, width, classes)
	return func(row []float64, category int) ([]float64, float64) {
		e := Explanation{Category: category}
		return contribute(trees, row, classes, &e), e.Base
	}, err
}
