package main

import (
	"context"
	"fmt"
	"io"

	"complaints/internal/classifier"
	"complaints/schema"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
	"complaints/trainer/fit"
)

const (
	// bootstrapName begins the version of the bundle that is built in.
	bootstrapName = "bootstrap"
	// bootstrapFolds and bootstrapPrecision are train's defaults.
	bootstrapFolds     = 5
	bootstrapPrecision = 0.95
)

func runBootstrap(ctx context.Context, c bootstrapConfig, stdout, stderr io.Writer) error {
	progress := c.progress(stderr)
	var all []schema.Complaint
	err := dataset.ReadComplaints(c.Data, func(c *schema.Complaint) { all = append(all, *c) }, func(err error) { progress("left out: %v", err) })
	if err != nil {
		return err
	}
	taxonomy := schema.Bureau()
	sample, rest := dataset.KeepSample(taxonomy, all, c.SampleRows, c.Seed)
	examples, left := dataset.Clean(dataset.ExamplesOf(taxonomy, rest))
	f, err := fit.New(examples, fit.Config{Library: c.LightGBMLib, Taxonomy: taxonomy, Recipe: fit.Recipes[fit.Default], Seed: c.Seed, Progress: progress})
	if err != nil {
		return err
	}
	r := fit.Report{Seed: c.Seed, Rows: len(rest), Left: left, Folds: bootstrapFolds, ReviewPrecision: bootstrapPrecision}
	parts, _, err := f.Train(ctx, bootstrapName, r)
	if err != nil {
		return err
	}
	if err := fit.WriteBundle(c.Out, parts); err != nil {
		return err
	}
	if err := dataset.WriteSample(c.Sample, sample); err != nil {
		return err
	}
	bundle, err := classifier.Load(parts)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s, trained on %d texts, judged by %d that were kept:\n\n", bundle.Version(), len(examples), len(sample))
	return evaluate.Print(stdout, evaluate.Of(taxonomy, evaluate.Bundle(bundle, dataset.ExamplesOf(taxonomy, sample))))
}
