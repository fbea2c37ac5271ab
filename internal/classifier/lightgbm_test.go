//go:build servers

package classifier_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/complaintfile"
	"complaints/internal/lightgbm"
)

func openLibrary(t testing.TB) *lightgbm.Library {
	t.Helper()
	lib, err := lightgbm.Open(os.Getenv("LIGHTGBM_LIB"))
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

// sampleText is a complaint that the built-in model was not trained on.
type sampleText struct {
	text   string
	fields classifier.Fields
}

func sampleTexts(t testing.TB) []sampleText {
	t.Helper()
	r, err := complaintfile.Open("../../producer/sample/complaints.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var texts []sampleText
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, sampleText{row.Complaint.Narrative, classifier.FieldsOf(&row.Complaint)})
	}
}

// builtIn is the built-in model with all that can score its rows.
type builtIn struct {
	*classifier.Classifier
	booster       *lightgbm.Booster
	fast, leaves  classifier.Scorer
	contributions classifier.Contributions
}

func loadBuiltIn(tb testing.TB) builtIn {
	tb.Helper()
	const dir = "bootstrap"
	c, err := classifier.LoadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, classifier.ModelPart))
	if err != nil {
		tb.Fatal(err)
	}
	m := builtIn{Classifier: c}
	if m.booster, err = openLibrary(tb).LoadBooster(string(text)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(m.booster.Close)
	if m.fast, m.leaves, err = classifier.Scorers(text, c.Features().Width(), c.Taxonomy().Len(), func(column int) bool { return column >= c.Features().Scores() }); err != nil {
		tb.Fatal(err)
	}
	if m.contributions, err = classifier.Contributor(text, c.Features().Width(), c.Taxonomy().Len()); err != nil {
		tb.Fatal(err)
	}
	return m
}

// What serves (features, the fast evaluator, leaves) must say what LightGBM
// itself says.
func TestClassifierAgreesWithLightGBM(t *testing.T) {
	m := loadBuiltIn(t)
	if err := m.FastPath(); err != nil {
		t.Fatal(err)
	}
	examples := sampleTexts(t)[:1000]
	rows := &lightgbm.Rows{}
	s := m.NewScratch()
	classes := m.Taxonomy().Len()
	var fast, slow [][]float64
	for _, e := range examples {
		row := m.Features().Row([]byte(e.text), e.fields, s)
		rows.Append(row)
		p, err := m.leaves(rows.Row(rows.Len() - 1))
		if err != nil {
			t.Fatal(err)
		}
		slow = append(slow, slices.Clone(p))
		fast = append(fast, slices.Clone(m.PredictWith([]byte(e.text), e.fields, s).Probabilities))
	}
	want, err := m.booster.Predict(rows, classes, "num_threads=1")
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i := range examples {
		for k := range classes {
			w := want[i*classes+k]
			worst = max(worst, math.Abs(fast[i][k]-w), math.Abs(slow[i][k]-w))
		}
	}
	t.Logf("largest difference on %d rows: %.2g", len(examples), worst)
	if !(worst <= 1e-9) {
		t.Errorf("differs by %v", worst)
	}
}

// What an explanation starts from must be LightGBM's own contributions of the features.
func TestContributionsAgreeWithLightGBM(t *testing.T) {
	m := loadBuiltIn(t)
	width, classes := m.Features().Width(), m.Taxonomy().Len()
	examples := sampleTexts(t)[:300]
	rows := &lightgbm.Rows{}
	s := m.NewScratch()
	for _, e := range examples {
		rows.Append(m.Features().Row([]byte(e.text), e.fields, s))
	}
	want, err := m.booster.Contributions(rows, classes, "num_threads=1")
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, e := range examples {
		row := m.Features().Row([]byte(e.text), e.fields, s)
		for k := range classes {
			worst = max(worst, apart(m.contributions, row, k, want[(i*classes+k)*(width+1):]))
		}
	}
	t.Logf("largest difference on %d rows of %d features: %.2g", len(examples), width, worst)
	if !(worst <= 1e-9) {
		t.Errorf("differs by %v", worst)
	}
}

// apart is how far a row's contributions are from those that LightGBM gives, the base among them.
func apart(contributions classifier.Contributions, row []float64, k int, want []float64) float64 {
	values, base := contributions(row, k)
	worst := math.Abs(base - want[len(row)])
	for c, v := range values {
		worst = max(worst, math.Abs(v-want[c]))
	}
	return worst
}

// Random models, trained on random sparse data, score the same by the fast
// evaluator, by leaves and by LightGBM, and explain the same.
func TestRandomModels(t *testing.T) {
	lib := openLibrary(t)
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 9))
		width, dense, classes := 3+r.IntN(40), r.IntN(4), []int{5, 2, 3, 9, 30}[seed%5]
		data, labels := randomData(r, 300, width, dense, classes)
		parameters := fmt.Sprintf("objective=multiclass num_class=%d verbosity=-1 num_threads=1 deterministic=true seed=%d num_leaves=%d min_data_in_leaf=%d zero_as_missing=%t use_missing=%t",
			classes, seed+1, []int{2, 7, 15, 31, 70, 255}[r.IntN(6)], []int{1, 5, 200}[r.IntN(3)], r.IntN(4) == 0, r.IntN(4) > 0)
		text := trainRandom(t, lib, data, labels, parameters)
		booster, err := lib.LoadBooster(string(text))
		if err != nil {
			t.Fatal(err)
		}
		test, _ := randomData(r, 100, width, dense, classes)
		want, err := booster.Predict(test, classes, "num_threads=1")
		if err != nil {
			t.Fatal(err)
		}
		explained, err := booster.Contributions(test, classes, "num_threads=1")
		booster.Close()
		if err != nil {
			t.Fatal(err)
		}
		contributions, err := classifier.Contributor(text, width, classes)
		if err != nil {
			t.Fatalf("%s: %v", parameters, err)
		}
		fast, reference, err := classifier.Scorers(text, width, classes, func(c int) bool { return c >= dense })
		if err != nil {
			t.Fatalf("%s: %v", parameters, err)
		}
		for i := range test.Len() {
			row := make([]float64, width)
			columns, values := test.Row(i)
			for at, c := range columns {
				row[c] = values[at]
			}
			for k := range classes {
				if d := apart(contributions, row, k, explained[(i*classes+k)*(width+1):]); !(d <= 1e-9) {
					t.Fatalf("contributions differ by %v for %v of a model with %s", d, row, parameters)
				}
			}
			for name, score := range map[string]classifier.Scorer{"fast": fast, "leaves": reference} {
				got, err := score(columns, values)
				if err != nil {
					t.Fatal(err)
				}
				for k, g := range got {
					if d := math.Abs(g - want[i*classes+k]); !(d <= 1e-12) {
						t.Fatalf("%s differs by %v for %v of a model with %s", name, d, row, parameters)
					}
				}
			}
		}
	}
}

// randomData has columns below dense of any sign and rarely zero, and others
// that are mostly zero and never below it.
func randomData(r *rand.Rand, n, width, dense, classes int) (*lightgbm.Rows, []float32) {
	rows, labels := &lightgbm.Rows{}, make([]float32, n)
	for i := range n {
		row := make([]float64, width)
		for c := range row {
			if c < dense {
				row[c] = r.NormFloat64()
			} else if r.IntN(5) == 0 {
				row[c] = float64(1 + r.IntN(4))
			}
		}
		labels[i] = float32((r.IntN(2) + int(10*math.Abs(row[0]))) % classes)
		rows.Append(row)
	}
	return rows, labels
}

func trainRandom(t *testing.T, lib *lightgbm.Library, data *lightgbm.Rows, labels []float32, parameters string) []byte {
	t.Helper()
	set, err := lib.NewDataset(data, labels, parameters, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	booster, err := lib.NewBooster(set, parameters)
	if err != nil {
		t.Fatal(err)
	}
	defer booster.Close()
	for range 4 {
		if _, err := booster.Round(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := booster.Text(0)
	if err != nil {
		t.Fatal(err)
	}
	return classifier.Relabel([]byte(text))
}

// BenchmarkScoring scores the same rows of features, kept as where they are not zero, with the built-in model by the
// fast evaluator, by leaves and by LightGBM's own predictor, on one thread each. One operation is one row.
func BenchmarkScoring(b *testing.B) {
	m := loadBuiltIn(b)
	rows := &lightgbm.Rows{}
	s := m.NewScratch()
	for _, e := range sampleTexts(b) {
		rows.Append(m.Features().Row([]byte(e.text), e.fields, s))
	}
	predict := func() []float64 {
		flat, err := m.booster.Predict(rows, m.Taxonomy().Len(), "num_threads=1")
		if err != nil {
			b.Fatal(err)
		}
		return flat
	}
	want := predict()
	score := func(b *testing.B, scorer classifier.Scorer) {
		for i := 0; b.Loop(); i++ {
			at := i % rows.Len()
			p, err := scorer(rows.Row(at))
			if err != nil {
				b.Fatal(err)
			}
			for k := range p {
				if d := math.Abs(p[k] - want[at*m.Taxonomy().Len()+k]); !(d <= 1e-12) {
					b.Fatalf("row %d differs from LightGBM by %v", at, d)
				}
			}
		}
	}
	b.Run("fast", func(b *testing.B) { score(b, m.fast) })
	b.Run("leaves", func(b *testing.B) { score(b, m.leaves) })
	b.Run("LightGBM", func(b *testing.B) {
		for done := 0; done < b.N; done += rows.Len() {
			predict()
		}
		// It scores all rows at each call: give the time of a row.
		calls := (b.N + rows.Len() - 1) / rows.Len()
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(calls*rows.Len()), "ns/op")
	})
}
