//go:build servers

package main

import (
	"math"
	"testing"

	"complaints/schema"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
	"complaints/trainer/fit"
)

// A model that knows companies says of complaints without them what a model without
// fields says, on average: whether a complaint names its company tells where it
// comes from, and that is nothing to go by.
func TestAbsenceTellsNothing(t *testing.T) {
	set, err := dataset.Collect(t.Context(), schema.Bureau(), dataset.Files{Paths: []string{sampleFile}}, dataset.Draw{}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = set.Close() })
	examples := set.Examples
	half := dataset.Split{}
	for i := range examples {
		if i%2 == 0 {
			half.Train = append(half.Train, i)
		} else {
			half.Test = append(half.Test, i)
		}
	}
	holdOut := func(recipe string) fit.Predictions {
		f, err := fit.New(examples, fit.Config{
			Library: openLibrary(t), Taxonomy: schema.Bureau(), Recipe: fit.Recipes[recipe], Seed: 1, ReviewPrecision: 0.96, Progress: func(string, ...any) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		predictions, err := f.HoldOut(t.Context(), half)
		if err != nil {
			t.Fatal(err)
		}
		return predictions
	}
	shares := func(rows []evaluate.Prediction) (mean [5]float64) {
		for _, j := range rows {
			for k, p := range j.Probabilities {
				mean[k] += p / float64(len(rows))
			}
		}
		return mean
	}
	without, bare := shares(holdOut("text-alone").Rows), shares(holdOut(fit.Default).Bare)
	t.Logf("without fields %.4f, with them taken away %.4f", without, bare)
	for k := range without {
		if d := math.Abs(without[k] - bare[k]); !(d <= 0.01) {
			t.Errorf("category %d has a mean share of %v without fields, and of %v with them taken away", k, without[k], bare[k])
		}
	}
}
