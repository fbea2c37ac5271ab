package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"complaints/internal/classifier"
	"complaints/internal/lightgbm"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
	"complaints/trainer/fit"
)

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, command, err := parse(args, stdout, stderr)
	if err != nil {
		return err
	}
	switch command {
	case "run":
		return c.Run.outcome(runRun(ctx, &c.Run, stdout, stderr))
	case "rollback", "rollback <version>":
		return runRollback(ctx, &c.Rollback, stdout)
	case "challenge", "challenge <version>":
		return runChallenge(ctx, &c.Challenge, stdout)
	case "models":
		return runModels(ctx, &c.Models, stdout)
	case "taxonomy":
		return runTaxonomy(ctx, &c.Taxonomy, stdout, stderr)
	case "publish <model>":
		return runPublish(ctx, &c.Publish, stdout)
	case "train":
		return runTrain(ctx, c.Train, stdout, stderr)
	case "evaluate":
		return runEvaluate(ctx, c.Evaluate, stdout, stderr)
	case "score":
		return runScore(ctx, &c.Score, stdout, stderr)
	case "record":
		return runRecord(ctx, &c.Record, stdout)
	case "report":
		return runReport(ctx, &c.Report, stdout, stderr)
	case "bootstrap":
		return runBootstrap(ctx, c.Bootstrap, stdout, stderr)
	}
	return nil
}

func (l libraryConfig) progress(w io.Writer) dataset.Progress {
	if l.Quiet {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
}

func runTrain(ctx context.Context, c trainConfig, stdout, stderr io.Writer) (err error) {
	progress := c.progress(stderr)
	lib, err := lightgbm.Open(c.LightGBMLib) // before minutes of reading
	if err != nil {
		return err
	}
	taxonomy, err := c.taxonomyConfig.of(ctx, c.filesConfig, progress)
	if err != nil {
		return err
	}
	set, err := dataset.Collect(ctx, taxonomy, c.files(), dataset.Draw{}, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	f, err := fit.New(set.Examples, fit.Config{Library: lib, Taxonomy: taxonomy, Recipe: fit.Recipes[fit.Default], Seed: c.Seed, Progress: progress})
	if err != nil {
		return err
	}
	r := fit.Report{Seed: c.Seed, Rows: set.Read, Left: set.Left, Folds: c.Folds, ReviewPrecision: c.ReviewPrecision}
	parts, r, err := f.Train(ctx, "", r)
	if err != nil {
		return err
	}
	if err := fit.WriteBundle(c.Out, parts); err != nil {
		return err
	}
	if err := fit.WriteReport(c.Out, r); err != nil {
		return err
	}
	if err := evaluate.WritePicture(c.Out, r.Result); err != nil {
		return err
	}
	return evaluate.Print(stdout, r.Result)
}

func runEvaluate(ctx context.Context, c evaluateConfig, stdout, stderr io.Writer) error {
	progress := c.progress(stderr)
	if c.Model == "" {
		return crossValidate(ctx, c, stdout, progress)
	}
	bundle, err := classifier.LoadDir(c.Model)
	if err != nil {
		return err
	}
	all, err := c.files().Examples(ctx, bundle.Taxonomy(), progress)
	if err != nil {
		return err
	}
	return c.print(stdout, evaluate.Of(bundle.Taxonomy(), evaluate.Bundle(bundle, all)))
}

// crossValidate evaluates a recipe by folds, and by time.
func crossValidate(ctx context.Context, c evaluateConfig, stdout io.Writer, progress dataset.Progress) (err error) {
	lib, err := lightgbm.Open(c.LightGBMLib)
	if err != nil {
		return err
	}
	taxonomy, err := c.taxonomyConfig.of(ctx, c.filesConfig, progress)
	if err != nil {
		return err
	}
	set, err := dataset.Collect(ctx, taxonomy, c.files(), dataset.Draw{}, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	f, err := fit.New(set.Examples, fit.Config{Library: lib, Taxonomy: taxonomy, Recipe: fit.Recipes[c.Recipe], Seed: c.Seed, Progress: progress})
	if err != nil {
		return err
	}
	progress("left out %d copies and %d texts with two categories", set.Left.Copies, set.Left.Conflicting)
	predictions, err := f.CrossValidate(ctx, c.Folds)
	if err != nil {
		return err
	}
	if err := c.print(stdout, evaluate.Of(taxonomy, predictions)); err != nil || c.JSON {
		return err
	}
	return evaluateByTime(ctx, f, set.Examples, stdout)
}

func (c evaluateConfig) print(w io.Writer, e evaluate.Result) error {
	if c.JSON {
		return evaluate.PrintJSON(w, e)
	}
	return evaluate.Print(w, e)
}

// evaluateByTime evaluates on the newest rows of those that have a date.
func evaluateByTime(ctx context.Context, f *fit.Fitter, examples []dataset.Example, stdout io.Writer) error {
	var dated []int
	for i := range examples {
		if examples[i].Date != "" {
			dated = append(dated, i)
		}
	}
	s := dataset.SplitByTime(examples, dated, 0)
	if s.From == "" {
		_, err := fmt.Fprintln(stdout, "\nno split by time: too few rows have a date, or one week has most of them")
		return err
	}
	predictions, err := f.HoldOut(ctx, s.Split)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\nsplit by time: trained on %d dated rows, tested on %d from %s to %s; left out %d near-copies and %d rows of a week that is not over\n\n",
		len(s.Train), len(s.Test), s.From, s.To, s.NearCopies, s.Waiting)
	return evaluate.Print(stdout, evaluate.Of(f.Taxonomy(), predictions))
}
