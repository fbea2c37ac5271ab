package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/schema"
	"complaints/trainer/dataset"
	"complaints/trainer/dataset/datasettest"
)

// predictionsOf reads all predictions of a model, by day and source offset.
func predictionsOf(t *testing.T, store lake.Store, version string) map[string]schema.PredictionRow {
	t.Helper()
	rows := map[string]schema.PredictionRow{}
	for _, key := range laketest.Keys(t, store, schema.PredictionPrefix(version)) {
		day, _, _ := strings.Cut(strings.TrimPrefix(key, schema.PredictionPrefix(version)), "/")
		if err := lake.EachRowOf(t.Context(), store, key, func(r *schema.PredictionRow) error {
			at := fmt.Sprintf("%s %d/%d", day, r.KafkaPartition, r.KafkaOffset)
			if _, twice := rows[at]; twice {
				t.Errorf("%s is there twice", at)
			}
			rows[at] = *r
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func TestScoreHasEveryRowOfSilverOnce(t *testing.T) {
	url := "file://" + t.TempDir()
	store, err := lake.Open(t.Context(), lake.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	const day = schema.Day("2026-11-01")
	for _, start := range []int64{0, 10, 25} {
		datasettest.PutSilver(t, store, datasettest.Object{Day: day, Start: start, Next: start + 10})
	}
	datasettest.PutSilver(t, store, datasettest.Object{Day: day, Partition: 1, Next: 5})
	datasettest.PutErased(t, store, "2026-11-02", 35)
	out, err := runArgs(t, "score", "--lake", url)
	if err != nil || !strings.Contains(out, "36 rows in 5 objects") {
		t.Fatalf("said %q, error %v", out, err)
	}
	model, err := classifier.Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	rows := predictionsOf(t, store, model.Version())
	if len(rows) != 36 {
		t.Errorf("%d rows, want 36", len(rows))
	}
	r := rows["dt=2026-11-01 0/27"]
	var scored dataset.Example
	if _, err := (dataset.Silver{Store: store}).Read(t.Context(), schema.Bureau(), t.Logf, func(e dataset.Example) {
		if strings.HasPrefix(e.Text, "row 2026-11-01/0/27,") {
			scored = e
		}
	}); err != nil {
		t.Fatal(err)
	}
	scratch := model.NewScratch()
	bare := model.Predict([]byte(scored.Text), scratch).Probability
	p := model.PredictWith([]byte(scored.Text), scored.Fields, scratch)
	if p.Probability == bare {
		t.Error("the model does not know the company")
	}
	if r.Category != schema.Bureau().CategoryName(p.Category) || r.CategoryCode != int32(p.Category) || r.Probability != p.Probability || r.Probabilities.Entries[2].Probability != p.Probabilities[2] ||
		r.NeedsReview != p.NeedsReview || r.TrueCategory == nil || *r.TrueCategory != "Loans" || r.CategoryBefore != "Loans" || r.ModelBefore != "v1" || r.SourceOffset != 27 {
		t.Errorf("the row of %q is %+v, want %+v", scored.Text, r, p)
	}
	sum := 0.0
	for _, c := range r.Probabilities.Entries {
		sum += c.Probability
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the probabilities add up to %v", sum)
	}
	if e := rows["dt=2026-11-02 0/0"]; e.RecordError == nil || e.Category != "" {
		t.Errorf("the erased row is %+v", e)
	}

	// Compaction changes nothing, and new rows alone are scored.
	datasettest.PutSilver(t, store, datasettest.Object{Day: day, Next: 35, Compacted: true})
	datasettest.PutSilver(t, store, datasettest.Object{Day: "2026-11-03", Start: 36, Next: 40})
	out, err = runArgs(t, "score", "--lake", url)
	if err != nil || !strings.Contains(out, "4 rows in 1 objects") || !strings.Contains(out, "5 objects were there") {
		t.Errorf("again: %q, error %v", out, err)
	}
	if n := len(predictionsOf(t, store, model.Version())); n != 40 {
		t.Errorf("%d rows after a new day, want 40", n)
	}
}

// A scoring that broke off goes on to the same end, and a put whose answer was lost is looked for.
func TestScoreGoesOnWhereItStopped(t *testing.T) {
	model, err := classifier.Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	store := laketest.Open(t)
	for i := range int64(4) {
		datasettest.PutSilver(t, store, datasettest.Object{Day: schema.Day(fmt.Sprintf("2026-11-0%d", 1+i)), Start: 10 * i, Next: 10*i + 10})
	}
	puts := 0
	faulty := laketest.Faulty{Store: store, Choose: func(_ context.Context, op, _ string) laketest.Fault {
		if op == "PutNew" {
			puts++
			switch puts {
			case 2:
				return laketest.ErroredButStored
			case 3:
				return laketest.Fails
			}
		}
		return laketest.None
	}}
	if err := newScoring(faulty, model, t.Logf).run(t.Context(), dataset.Silver{Store: faulty}); !errors.Is(err, laketest.ErrInjected) || !strings.Contains(err.Error(), "silver/complaints/dt=2026-11-03/") {
		t.Fatalf("broken off with %v", err)
	}
	if n := len(predictionsOf(t, store, model.Version())); n != 20 {
		t.Errorf("%d rows when it broke off, want 20", n)
	}
	again := newScoring(store, model, t.Logf)
	if err := again.run(t.Context(), dataset.Silver{Store: store}); err != nil {
		t.Fatal(err)
	}
	if n := len(predictionsOf(t, store, model.Version())); n != 40 || again.there.Load() != 2 || again.rows.Load() != 20 {
		t.Errorf("%d rows after the second, want 40; it wrote %d and %d objects were there", n, again.rows.Load(), again.there.Load())
	}
}

func TestScoreSaysWhatIsMissing(t *testing.T) {
	url := "file://" + t.TempDir()
	if _, err := runArgs(t, "score", "--lake", url); err == nil || !strings.Contains(err.Error(), "silver has no rows") {
		t.Errorf("an empty lake gives %v", err)
	}
	if _, err := runArgs(t, "score", "--lake", url, "--model", "v9"); !errors.Is(err, lake.ErrNotFound) || !strings.Contains(err.Error(), "models/complaints/v9/") {
		t.Errorf("an unknown version gives %v", err)
	}
}
