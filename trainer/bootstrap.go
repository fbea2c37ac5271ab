package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"complaints/internal/classifier"
	"complaints/internal/lightgbm"
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
	bootstrapPrecision = 0.96
)

func runBootstrap(ctx context.Context, c bootstrapConfig, stdout, stderr io.Writer) (err error) {
	progress := c.progress(stderr)
	lib, err := lightgbm.Open(c.LightGBMLib)
	if err != nil {
		return err
	}
	var all []schema.Complaint
	err = dataset.Files{Paths: c.Data}.Complaints(ctx, progress, func(c *schema.Complaint) { all = append(all, *c) })
	if err != nil {
		return err
	}
	taxonomy := schema.Bureau()
	sample, rest := dataset.KeepSample(taxonomy, all, c.SampleRows, c.Seed)
	set, err := dataset.Collect(ctx, taxonomy, dataset.Complaints(rest), dataset.Draw{}, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	f, err := fit.New(set.Examples, fit.Config{Library: lib, Taxonomy: taxonomy, Recipe: fit.Recipes[fit.Default], Seed: c.Seed, ReviewPrecision: bootstrapPrecision, Progress: progress})
	if err != nil {
		return err
	}
	r := fit.Report{Seed: c.Seed, Rows: set.Read, Left: set.Left, Folds: bootstrapFolds, ReviewPrecision: bootstrapPrecision}
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
	fmt.Fprintf(stdout, "%s, trained on %d texts, tested on %d that were held out:\n\n", bundle.Version(), len(set.Examples), len(sample))
	return evaluate.Print(stdout, evaluate.Of(taxonomy, evaluate.Bundle(bundle, dataset.Complaints(sample).Examples(taxonomy))))
}
