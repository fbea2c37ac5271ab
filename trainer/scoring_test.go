//go:build servers

package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"complaints/internal/classifier"
	"complaints/schema"
	"complaints/trainer/lightgbm"
)

// BenchmarkScoring scores the same rows of features with the built-in model by the fast evaluator, by leaves and by
// LightGBM's own predictor, on one thread each. One operation is one row.
func BenchmarkScoring(b *testing.B) {
	const dir = "../internal/classifier/bootstrap"
	c, err := classifier.LoadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, classifier.ModelPart))
	if err != nil {
		b.Fatal(err)
	}
	booster, err := openLibrary(b).LoadBooster(string(text))
	if err != nil {
		b.Fatal(err)
	}
	defer booster.Close()
	fast, leaves, err := classifier.Scorers(text, c.Features().Width(), func(column int) bool { return column >= classifier.ScoreColumns })
	if err != nil {
		b.Fatal(err)
	}
	rows := &lightgbm.Rows{}
	var dense [][]float64
	s := c.NewScratch()
	for _, e := range sampleExamples(b) {
		row := c.Features().Row([]byte(e.text), s)
		rows.Append(row)
		dense = append(dense, append([]float64(nil), row...))
	}
	predict := func() []float64 {
		flat, err := booster.Predict(rows, schema.NumCategories, "num_threads=1")
		if err != nil {
			b.Fatal(err)
		}
		return flat
	}
	want := predict()
	score := func(b *testing.B, scorer classifier.Scorer) {
		for i := 0; b.Loop(); i++ {
			at := i % len(dense)
			p, err := scorer(dense[at])
			if err != nil {
				b.Fatal(err)
			}
			for k := range p {
				if d := math.Abs(p[k] - want[at*schema.NumCategories+k]); !(d <= 1e-12) {
					b.Fatalf("row %d differs from LightGBM by %v", at, d)
				}
			}
		}
	}
	b.Run("fast", func(b *testing.B) { score(b, fast) })
	b.Run("leaves", func(b *testing.B) { score(b, leaves) })
	b.Run("LightGBM", func(b *testing.B) {
		for done := 0; done < b.N; done += len(dense) {
			predict()
		}
		// It scores all rows at each call: give the time of a row.
		calls := (b.N + len(dense) - 1) / len(dense)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(calls*len(dense)), "ns/op")
	})
}
