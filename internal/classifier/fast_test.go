package classifier

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dmitryikh/leaves"

	"complaints/schema"
)

// randomTree is a tree of the given number of leaves with thresholds around
// zero, of both signs, and all kinds of missing values.
func randomTree(r *rand.Rand, leafCount, width int) tree {
	t := tree{leaf: make([]float64, leafCount)}
	for i := range t.leaf {
		t.leaf[i] = r.NormFloat64()
	}
	t.leafRows = make([]float64, leafCount)
	for i := range t.leafRows {
		t.leafRows[i] = float64(1 + r.IntN(1000))
	}
	// Leaf 0 is the root; each node splits a leaf into itself and a new one, as LightGBM grows trees.
	holder := map[int][2]int{} // leaf → node and side that hold it
	for n := range leafCount - 1 {
		split := r.IntN(n + 1)
		if at, ok := holder[split]; ok {
			if at[1] == 0 {
				t.left[at[0]] = int32(n)
			} else {
				t.right[at[0]] = int32(n)
			}
		}
		t.left, t.right = append(t.left, ^int32(split)), append(t.right, ^int32(n+1))
		holder[split], holder[n+1] = [2]int{n, 0}, [2]int{n, 1}
		threshold := []float64{0, 1.0000000180025095e-35, -1.0000000180025095e-35, 0.5, 1.5, -2.5, r.NormFloat64(), 3 * r.Float64()}[r.IntN(8)]
		t.threshold = append(t.threshold, threshold)
		t.feature = append(t.feature, int32(r.IntN(width)))
		t.decision = append(t.decision, uint8(r.IntN(2)*decisionDefaultLeft|r.IntN(3)<<2))
	}
	return t
}

// text is the tree as LightGBM writes it.
func (t *tree) text(number int) string {
	list := func(key string, v any) string {
		return key + "=" + strings.Trim(fmt.Sprint(v), "[]") + "\n"
	}
	s := fmt.Sprintf("Tree=%d\nnum_leaves=%d\nnum_cat=0\n", number, len(t.leaf))
	if len(t.leaf) > 1 {
		decisions := make([]int, len(t.decision))
		for i, d := range t.decision {
			decisions[i] = int(d)
		}
		s += list("split_feature", t.feature) + list("threshold", t.threshold) + list("decision_type", decisions) + list("left_child", t.left) + list("right_child", t.right) +
			list("leaf_count", t.leafRows)
	}
	return s + list("leaf_value", t.leaf) + "is_linear=0\nshrinkage=1\n\n\n"
}

func modelText(trees []tree, width, classes int) []byte {
	var sizes []string
	var body strings.Builder
	for i := range trees {
		s := trees[i].text(i)
		sizes = append(sizes, fmt.Sprint(len(s)))
		body.WriteString(s)
	}
	return []byte(fmt.Sprintf("tree\nversion=v3\nnum_class=%[1]d\nnum_tree_per_iteration=%[1]d\nlabel_index=0\nmax_feature_idx=%[2]d\nobjective=multiclass num_class:%[1]d\nfeature_names=f\nfeature_infos=none\ntree_sizes=%[3]s\n\n%[4]s",
		classes, width-1, strings.Join(sizes, " "), body.String()) +
		"end of trees\n\nfeature_importances:\n\nparameters:\n[boosting: gbdt]\n[objective: multiclass]\n[linear_tree: 0]\n\nend of parameters\n\npandas_categorical:null\n")
}

// compareOnRows scores random rows with the evaluator and with leaves.
func compareOnRows(t *testing.T, r *rand.Rand, model []byte, width, classes int) {
	t.Helper()
	trees, err := parseModel(model, width, classes)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := leaves.LGEnsembleFromReader(bufio.NewReader(bytes.NewReader(model)), true)
	if err != nil {
		t.Fatal(err)
	}
	denseTo := r.IntN(width + 1) // columns below may hold anything, the others nothing below zero
	e := newEvaluator(trees, width, classes, func(column int) bool { return column >= denseTo })
	words := make([]uint64, len(e.base))
	for range 20 {
		row := randomRow(r, width, denseTo)
		got, want := make([]float64, classes), make([]float64, classes)
		if err := reference.Predict(row, 0, want); err != nil {
			t.Fatal(err)
		}
		if !scoreWhole(e, row, words, got) {
			t.Fatalf("row %v is not covered", row)
		}
		Softmax(got)
		if d := distance(got, want); !(d <= fastTolerance) {
			t.Fatalf("differs by %v from leaves, dense to %d, for row %v", d, denseTo, row)
		}
	}
}

// scoreWhole scores a row given whole.
func scoreWhole(e *evaluator, row []float64, words []uint64, out []float64) bool {
	var columns []int32
	var values []float64
	for c, v := range row {
		if v != 0 {
			columns, values = append(columns, int32(c)), append(values, v)
		}
	}
	return e.scoreRow(columns, values, make([]float64, len(row)), words, out)
}

func randomRow(r *rand.Rand, width, denseTo int) []float64 {
	row := make([]float64, width)
	for c := range row {
		v := []float64{0.5, 1, 1.5, 2.5, -2.5, r.NormFloat64(), 4 * r.Float64()}[r.IntN(7)]
		if c >= denseTo {
			v = math.Abs(v)
		}
		if r.IntN(3) == 0 || c < denseTo && r.IntN(10) > 0 {
			row[c] = v
		}
	}
	return row
}

func FuzzFastEvaluator(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed, uint16(1+seed*7%255), uint8(1+seed%4), uint8(2+seed%30), uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, maxLeafCount uint16, rounds, width, categories uint8) {
		r := rand.New(rand.NewPCG(seed, 1))
		w, classes := int(width)%40+2, int(categories)%12+schema.MinCategories
		trees := make([]tree, (int(rounds)%6+1)*classes)
		for i := range trees {
			trees[i] = randomTree(r, 1+r.IntN(int(maxLeafCount)%255+1), w)
		}
		compareOnRows(t, r, modelText(trees, w, classes), w, classes)
	})
}

// Rows that the evaluator does not cover are left to leaves, never scored wrong.
func TestUncoveredRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const classes = 3
	trees := make([]tree, classes)
	for i := range trees {
		trees[i] = randomTree(r, 8, 4)
	}
	e := newEvaluator(trees, 4, classes, func(column int) bool { return column >= 2 })
	words := make([]uint64, len(e.base))
	out := make([]float64, classes)
	for name, row := range map[string][]float64{
		"no number": {math.NaN(), 0, 0, 0}, "no number, sparse": {0, 0, math.NaN(), 0},
		"nearly zero": {1e-36, 0, 0, 0}, "nearly zero, sparse": {0, 0, 1e-36, 0},
	} {
		used := false
		for c, v := range row {
			used = used || v != 0 && len(e.features[c].cuts) > 0
		}
		if used && scoreWhole(e, row, words, out) {
			t.Errorf("%s: was scored", name)
		}
	}
	for c := range 4 {
		if e.sparse[c] {
			row := make([]float64, 4)
			row[c] = -1
			if scoreWhole(e, row, words, out) {
				t.Errorf("a value below zero in sparse column %d was scored", c)
			}
		}
	}
}

// smallBundle is a bundle of a few terms and random trees, quick to load.
func smallBundle(tb testing.TB, from *Tables) (model, features []byte, m Manifest) {
	tb.Helper()
	small := &Tables{Bias: from.Bias, Words: from.Words[:30]}
	for i := range small.Words {
		small.Words[i].Column = NoColumn
	}
	small.Words[3].Column, small.Words[4].Column = 0, 1
	none := make(Weights, len(from.Bias))
	small.Pairs = []Pair{{First: 1, Second: 2, Bayes: none}, {First: 3, Second: 4, Bayes: none}}
	small.Contents = []Content{{First: 1, Second: 2, Linear: Linear{IDF: FixedOne, Weights: none, Column: NoColumn}}, {First: 5, Second: 4, Linear: Linear{Weights: none, Column: 2}}}
	small.Openings = []Opening{{Word: 3, Linear: Linear{IDF: FixedOne, Weights: none, Column: 3}}}
	f, err := NewFeatures(small)
	if err != nil {
		tb.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 3))
	classes := len(from.Bias)
	trees := make([]tree, 2*classes)
	for i := range trees {
		trees[i] = randomTree(r, 4, f.Width())
		for n := range trees[i].decision {
			trees[i].decision[n] = 0
		}
	}
	model, features = modelText(trees, f.Width(), classes), small.Append(nil)
	e := newEvaluator(trees, f.Width(), classes, func(c int) bool { return c >= f.scores })
	p := Probe{Text: "credit", Probabilities: make([]float64, classes)}
	scoreWhole(e, f.Row([]byte(p.Text), Fields{}, f.NewScratch()), make([]uint64, len(e.base)), p.Probabilities)
	Softmax(p.Probabilities)
	m = Manifest{
		Features: f.Width(), Trees: len(trees), Training: Training{Recipe: "random", Rows: 1, Rounds: 2},
		Metrics: Metrics{Rows: 1}, Probes: []Probe{p},
	}
	parts, err := Seal(m, "", map[string][]byte{ModelPart: model, FeaturesPart: features})
	if err != nil {
		tb.Fatal(err)
	}
	if c, err := Load(parts); err != nil || c.FastPath() != nil {
		tb.Fatalf("the small bundle gives %v", err)
	}
	return model, features, m
}
