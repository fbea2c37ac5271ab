package fit

import (
	"math"
	"slices"
	"testing"

	"complaints/internal/classifier"
	"complaints/schema"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
)

func TestFieldScores(t *testing.T) {
	f := &Fitter{taxonomy: schema.Bureau(), recipe: Recipes[Default]}
	for _, e := range []struct {
		company  string
		category int
		n        int
	}{{"bureau", 0, 6}, {"collector", 1, 3}, {"once", 1, 1}, {"", 0, 50}} {
		for range e.n {
			f.examples = append(f.examples, dataset.Example{Fields: classifier.Fields{Company: e.company}, Category: e.category})
		}
	}
	field := f.fitField("company", dataset.AllRows(len(f.examples)))
	var names []string
	for _, v := range field.Values {
		names = append(names, v.Name)
	}
	if !slices.Equal(names, []string{"bureau", "collector"}) {
		t.Fatalf("scores of %q: a name of one row must not count", names)
	}
	// Six and four rows of ten, each category with one more: 7/15, 5/15, and 1/15 of the others.
	want := math.Log((6 + 2*7.0/15) / 8 / (7.0 / 15))
	if got := field.Values[0].Scores[0].Float(); math.Abs(got-want) > 1e-3 {
		t.Errorf("the bureau's score of its category is %v, want %v", got, want)
	}
	want = math.Log((0 + 2*5.0/15) / 8 / (5.0 / 15))
	if got := field.Values[0].Scores[1].Float(); math.Abs(got-want) > 1e-3 {
		t.Errorf("the bureau's score of another category is %v, want %v", got, want)
	}
}

func TestMatrixHasTwins(t *testing.T) {
	examples := []dataset.Example{{Category: 1}, {Category: 2}, {Category: 3}}
	m := newMatrix(len(examples))
	m.add(0, []float64{1, 7, 1}, 1, 2, true)
	m.add(2, []float64{3, 0, 1}, 1, 2, false)
	m.add(1, []float64{2, 8, 1}, 1, 2, true)
	if m.Len() != 5 {
		t.Fatalf("%d rows, want two with a twin and one without", m.Len())
	}
	for row, want := range []struct {
		values []float64
		label  float32
		weight float32 // in balance: five rows, of three categories
	}{{[]float64{1, 7, 1}, 1, 0.5}, {[]float64{1, 1}, 1, 0.5}, {[]float64{3, 1}, 3, 1}, {[]float64{2, 8, 1}, 2, 0.5}, {[]float64{2, 1}, 2, 0.5}} {
		if _, values := m.Row(row); !slices.Equal(values, want.values) {
			t.Errorf("row %d is %v, want %v", row, values, want.values)
		}
		if got := m.labels(examples)[row]; got != want.label {
			t.Errorf("row %d has the label %v, want %v", row, got, want.label)
		}
		if got := m.balance(examples, 5)[row]; got != want.weight {
			t.Errorf("row %d weighs %v, want %v", row, got, want.weight)
		}
	}
	some := m.of([]int{1, 2})
	if _, values := some.Row(1); some.Len() != 3 || !slices.Equal(values, []float64{2, 1}) || some.labels(examples)[2] != 3 {
		t.Errorf("the rows of two examples are %+v", some)
	}
	if got := m.Select(m.places([]int{1})); got.Len() != 1 {
		t.Errorf("%d rows of one example as it is", got.Len())
	}
}

// Whatever part of the mix is taken out of the probabilities, an answer is as sure.
func TestFlatteningLeavesSureness(t *testing.T) {
	mix := []float64{0.5, 0.2, 0.1, 0.1, 0.1}
	p := []float64{0.6, 0.1, 0.1, 0.15, 0.05}
	flat := slices.Clone(p)
	flattenRows([]evaluate.Prediction{{Probabilities: flat}}, mix, 0.4)
	if slices.Equal(flat, p) {
		t.Fatal("flattening changes nothing")
	}
	for k := range p {
		was, is := classifier.Sureness(p, mix, k), classifier.Sureness(flat, power(mix, 1-0.4), k)
		if math.Abs(was-is) > 1e-12 {
			t.Errorf("category %d was %v sure and is %v", k, was, is)
		}
	}
	if even := classifier.Sureness(mix, mix, 0); math.Abs(even-0.2) > 1e-12 {
		t.Errorf("what the mix alone says is %v sure", even)
	}
}
