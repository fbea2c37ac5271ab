//go:build servers

package main

import (
	"math"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/lightgbm"
)

// BenchmarkScoring scores the same rows of features, kept as where they are not zero, with the built-in model by the
// fast evaluator, by leaves and by LightGBM's own predictor, on one thread each. One operation is one row.
func BenchmarkScoring(b *testing.B) {
	m := loadBuiltIn(b)
	rows := &lightgbm.Rows{}
	s := m.NewScratch()
	for _, e := range sampleExamples(b) {
		rows.Append(m.Features().Row([]byte(e.Text), s))
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
