package evaluate

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"complaints/schema"
)

// predicts is a prediction of p for a category and the rest spread evenly.
func predicts(truth, category int, p float64) Prediction {
	j := Prediction{Truth: truth, Probabilities: make([]float64, 5)}
	for k := range j.Probabilities {
		j.Probabilities[k] = (1 - p) / 4
	}
	j.Probabilities[category] = p
	return j
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

func TestEvaluate(t *testing.T) {
	e := Of(schema.Bureau(), []Prediction{predicts(0, 0, 0.9), predicts(0, 0, 0.9), predicts(0, 1, 0.9), predicts(1, 1, 0.6), predicts(2, 2, 1)})
	if e.Rows != 5 || !near(e.Accuracy, 0.8) {
		t.Errorf("%d rows with accuracy %v, want 5 and 0.8", e.Rows, e.Accuracy)
	}
	if c := e.Classes[0]; c.Rows != 3 || !near(c.Precision, 1) || !near(c.Recall, 2./3) || !near(c.F1, 0.8) {
		t.Errorf("class 0 has %+v", c)
	}
	// F1 of the classes: 0.8, 2/3, 1; two have no rows, and do not count.
	if want := (0.8 + 2./3 + 1) / 3; !near(e.MacroF1, want) {
		t.Errorf("macro F1 is %v, want %v", e.MacroF1, want)
	}
	if want := -(2*math.Log(0.9) + math.Log(0.025) + math.Log(0.6) + math.Log(1)) / 5; !near(e.LogLoss, want) {
		t.Errorf("log loss is %v, want %v", e.LogLoss, want)
	}
	// Bins: 0.9 three times with two right, 0.6 and 1 once each and right.
	if want := (math.Abs(2-2.7) + 0.4 + 0) / 5; !near(e.ECE, want) {
		t.Errorf("ECE is %v, want %v", e.ECE, want)
	}
	if !slices.Equal(e.Confusion[0], []int{2, 1, 0, 0, 0}) {
		t.Errorf("confusion row is %v", e.Confusion[0])
	}
}

func TestReviewThreshold(t *testing.T) {
	rows := []Prediction{predicts(0, 1, 0.5), predicts(0, 0, 0.7), predicts(0, 1, 0.7), predicts(0, 0, 0.9), predicts(0, 0, 0.95)}
	if th, coverage := ReviewThreshold(rows, nil, 0.95); th != 0.71 || !near(coverage, 0.4) {
		t.Errorf("threshold %v with coverage %v, want 0.71 and 0.4", th, coverage)
	}
	if th, coverage := ReviewThreshold([]Prediction{predicts(0, 1, 0.9)}, nil, 0.95); th != 1 || coverage != 0 {
		t.Errorf("out of reach: threshold %v with coverage %v, want 1 and 0", th, coverage)
	}
}

func TestPrintJSON(t *testing.T) {
	var out bytes.Buffer
	if err := PrintJSON(&out, Of(schema.Bureau(), []Prediction{predicts(0, 0, 0.9)})); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("not one line: %q", out.String())
	}
	var m map[string]float64
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if want := []string{"accuracy", "ece", "log_loss", "macro_f1", "rows"}; !slices.Equal(keys, want) {
		t.Errorf("keys are %v, want %v", keys, want)
	}
}
