package classifier

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The parts of an explanation sum to the raw score, and the raw scores are those
// that the served probabilities are made of.
func TestExplanationsAddUp(t *testing.T) {
	c, err := Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	s := c.NewScratch()
	texts := []string{"", "x", "\xff", "zzzz qqqq", "credit"}
	for i, x := range readSample(t) {
		if i%5 == 0 {
			texts = append(texts, x.text)
		}
	}
	shared, all := 0.0, 0.0
	for _, text := range texts {
		p := c.Predict([]byte(text), s)
		raw := make([]float64, c.taxonomy.Len())
		for k := range raw {
			e := c.Explain([]byte(text), Fields{}, k, s)
			raw[k] = e.Score
			sum := e.Base
			for _, part := range e.Parts {
				sum += part.Weight
				if all += math.Abs(part.Weight); part.Kind != PartScore {
					shared += math.Abs(part.Weight)
				}
			}
			if d := math.Abs(sum - e.Score); !(d <= 1e-9) {
				t.Fatalf("category %d of %q: base and parts sum to %v, the raw score is %v", k, text, sum, e.Score)
			}
		}
		Softmax(raw)
		if d := distance(raw, p.Probabilities); !(d <= 1e-9) {
			t.Fatalf("%q: the raw scores give %v, served is %v", text, raw, p.Probabilities)
		}
	}
	t.Logf("%d texts; terms carry %.1f%% of the absolute weight, scores the rest", len(texts), 100*shared/all)
	if shared < 0.8*all {
		t.Errorf("terms carry %v of %v", shared, all)
	}
}

// An explanation leaves nothing behind that another text would see.
func TestExplainLeavesTheScratchClean(t *testing.T) {
	c, err := Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	used, fresh := c.NewScratch(), c.NewScratch()
	for _, x := range readSample(t)[:50] {
		c.Explain([]byte(x.text), Fields{}, 2, used)
	}
	text := []byte(readSample(t)[60].text)
	if got, want := c.Predict(text, used), c.Predict(text, fresh); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// What is named is what a reader of the text would name.
func TestExplanationNames(t *testing.T) {
	c, err := Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	e := c.Explain([]byte("A debt collector keeps calling me about the debt, which is not mine."), Fields{}, 1, c.NewScratch())
	named := map[string]Part{}
	for i, p := range e.Parts {
		if _, twice := named[p.Name]; twice {
			t.Errorf("%q is named twice", p.Name)
		}
		named[p.Name] = p
		if i > 0 && math.Abs(p.Weight) > math.Abs(e.Parts[i-1].Weight) {
			t.Errorf("%q stands behind a smaller weight", p.Name)
		}
	}
	for name, kind := range map[string]PartKind{"debt": PartWord, "debt collector": PartPair} {
		if p := named[name]; p.Kind != kind || !p.InText || p.Weight <= 0 {
			t.Errorf("%q is %+v, want a %s that speaks for the category", name, p, kind)
		}
	}
	if absent := slices.IndexFunc(e.Parts, func(p Part) bool { return !p.InText }); absent < 0 {
		t.Error("no absent term speaks")
	}
}

// TreeSHAP against the definition: the mean, over all orders in which features
// become known, of what each changes.
func TestContributionsAreShapleyValues(t *testing.T) {
	const width = 5
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 4))
		tr := randomTree(r, 1+r.IntN(12), width)
		tr.countRows()
		row := randomRow(r, width, width)
		a := attribution{row: row, values: make([]float64, width)}
		a.add(&tr)
		for i := range width {
			want := 0.0
			for set := range 1 << width {
				if set>>i&1 == 0 {
					want += shapleyWeight(set, width) * (tr.known(row, set|1<<i) - tr.known(row, set))
				}
			}
			if d := math.Abs(a.values[i] - want); !(d <= 1e-12) {
				t.Fatalf("seed %d, feature %d: %v, want %v", seed, i, a.values[i], want)
			}
		}
		if d := math.Abs(a.base - tr.known(row, 0)); !(d <= 1e-12) {
			t.Fatalf("seed %d: base %v, want %v", seed, a.base, tr.known(row, 0))
		}
	}
}

// shapleyWeight is the share of the orders that begin with the set and go on with one given feature.
func shapleyWeight(set, features int) float64 {
	size := 0
	for ; set > 0; set >>= 1 {
		size += set & 1
	}
	return 1 / (float64(features) * binomial(features-1, size))
}

func binomial(n, k int) float64 {
	v := 1.0
	for i := range k {
		v *= float64(n-i) / float64(i+1)
	}
	return v
}

// known is the tree's mean value if only the features of the set are known.
func (t *tree) known(row []float64, set int) float64 {
	var value func(child int32) float64
	value = func(child int32) float64 {
		switch {
		case child < 0:
			return t.leaf[^child]
		case set>>t.feature[child]&1 == 0:
			l, r := t.left[child], t.right[child]
			return (value(l)*t.rows(l) + value(r)*t.rows(r)) / t.rows(child)
		case t.goesLeft(int(child), row[t.feature[child]]):
			return value(t.left[child])
		}
		return value(t.right[child])
	}
	if len(t.leaf) == 1 {
		return t.leaf[0]
	}
	return value(0)
}

func BenchmarkExplain(b *testing.B) {
	c, texts := benchTexts(b)
	s := c.NewScratch()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Explain(texts[i%len(texts)], Fields{}, 1, s)
	}
}

// The rows below each node are those that LightGBM counted.
func TestNodesHaveLightGBMsRows(t *testing.T) {
	c, err := Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(bootstrapModel), "\n\nTree=")[1:]
	for i, block := range blocks {
		want, err := parseList(parseFields(block), "internal_count", len(c.trees[i].nodeRows), parseCount)
		if err != nil || !slices.Equal(c.trees[i].nodeRows, want) {
			t.Fatalf("tree %d: %v, want %v (%v)", i, c.trees[i].nodeRows, want, err)
		}
	}
	if len(blocks) != len(c.trees) {
		t.Errorf("%d blocks, %d trees", len(blocks), len(c.trees))
	}
}
