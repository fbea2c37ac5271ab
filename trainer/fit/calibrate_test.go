package fit

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"complaints/internal/classifier"
	"complaints/schema"
	"complaints/trainer/evaluate"
)

// overconfident are predictions of 0.95 of which four in five are right.
func overconfident(n int) []evaluate.Prediction {
	var rows []evaluate.Prediction
	for i := range n {
		truth := 0
		if i%5 == 0 {
			truth = 1
		}
		row := evaluate.Prediction{Truth: truth, Probabilities: make([]float64, 5)}
		for k := range row.Probabilities {
			row.Probabilities[k] = 0.05 / 4
		}
		row.Probabilities[0] = 0.95
		rows = append(rows, row)
	}
	return rows
}

func TestTemperature(t *testing.T) {
	rows := overconfident(1000)
	factor := temperature(rows)
	before, after := evaluate.Of(schema.Bureau(), rows), evaluate.Of(schema.Bureau(), Scale(rows, factor))
	if factor <= 1.2 || after.ECE >= before.ECE/2 || after.LogLoss >= before.LogLoss || !reflect.DeepEqual(after.Confusion, before.Confusion) {
		t.Errorf("temperature %v: ECE %v became %v, log loss %v became %v", factor, before.ECE, after.ECE, before.LogLoss, after.LogLoss)
	}
	back := Scale(Scale(rows, factor), 1/factor)
	for i := range rows {
		for k := range rows[i].Probabilities {
			if d := math.Abs(back[i].Probabilities[k] - rows[i].Probabilities[k]); !(d < 1e-12) {
				t.Fatalf("row %d does not come back: differs by %v", i, d)
			}
		}
	}
	if factor := temperature(nil); factor != 1 {
		t.Errorf("without rows the temperature is %v", factor)
	}
}

// What changes the probabilities goes into the leaves, and serving must see exactly that.
func TestChangedLeavesChangeScores(t *testing.T) {
	const factor, part = 1.37, 0.4
	mix := []float64{0.5, 0.2, 0.1, 0.1, 0.1}
	for name, tc := range map[string]struct {
		change func(tree int, leaf float64) float64
		want   func(p []float64) []float64
	}{
		"divided": {func(_ int, leaf float64) float64 { return leaf / factor }, func(p []float64) []float64 {
			return scale(evaluate.Prediction{Probabilities: p}, factor).Probabilities
		}},
		"flattened": {flattened(mix, part), func(p []float64) []float64 {
			flattenRows([]evaluate.Prediction{{Probabilities: p}}, mix, part)
			return p
		}},
		"as it was": {func(_ int, leaf float64) float64 { return leaf }, func(p []float64) []float64 { return p }},
	} {
		t.Run(name, func(t *testing.T) { checkServed(t, tc.change, tc.want) })
	}
}

// checkServed loads the built-in bundle with its leaves changed.
func checkServed(t *testing.T, change func(tree int, leaf float64) float64, want func(p []float64) []float64) {
	t.Helper()
	plain, err := classifier.Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	built := classifier.BootstrapParts()
	changed, err := changeLeaves(string(built[classifier.ModelPart]), change)
	if err != nil {
		t.Fatal(err)
	}
	manifest, scratch := plain.Manifest(), plain.NewScratch()
	manifest.Probes = slices.Clone(manifest.Probes)
	for i, probe := range manifest.Probes {
		manifest.Probes[i].Probabilities = want(slices.Clone(plain.PredictWith([]byte(probe.Text), probe.Fields, scratch).Probabilities))
	}
	built[classifier.ModelPart] = []byte(changed)
	parts, err := classifier.Seal(manifest, "changed", built)
	if err != nil {
		t.Fatal(err)
	}
	served, err := classifier.Load(parts) // it asks the fast evaluator and its reference
	if err != nil {
		t.Fatal(err)
	}
	scratch = served.NewScratch()
	for _, probe := range manifest.Probes {
		for k, got := range served.PredictWith([]byte(probe.Text), probe.Fields, scratch).Probabilities {
			if d := math.Abs(got - probe.Probabilities[k]); !(d < 1e-12) {
				t.Fatalf("category %d of %.40q differs by %v", k, probe.Text, d)
			}
		}
	}
}

func TestChangeLeavesRefusesOtherText(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":      "",
		"no sizes":     "tree\n\nTree=0\nleaf_value=1\n",
		"wrong sizes":  "tree\ntree_sizes=99\n\nTree=0\nleaf_value=1\n",
		"no leaves":    "tree\ntree_sizes=20\n\nTree=0\nleaf_count=12345\n\n",
		"not a number": "tree\ntree_sizes=20\n\nTree=0\nleaf_value=1 x\n\n",
	} {
		if out, err := changeLeaves(text, func(_ int, leaf float64) float64 { return leaf / 2 }); err == nil {
			t.Errorf("%s: no error, but %q", name, strings.TrimSpace(out))
		}
	}
}
