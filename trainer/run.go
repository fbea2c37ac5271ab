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

func runTrain(ctx context.Context, c trainConfig, stdout, stderr io.Writer) error {
	progress := c.progress(stderr)
	taxonomy := schema.Bureau()
	all, err := dataset.ReadExamples(c.Data, taxonomy, progress)
	if err != nil {
		return err
	}
	examples, left := dataset.Clean(all)
	f, err := fit.New(examples, fit.Config{Library: c.LightGBMLib, Taxonomy: taxonomy, Recipe: fit.Recipes[fit.Default], Seed: c.Seed, Progress: progress})
	if err != nil {
		return err
	}
	r := fit.Report{Seed: c.Seed, Rows: len(all), Left: left, Folds: c.Folds, ReviewPrecision: c.ReviewPrecision}
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
	if c.Model != "" {
		bundle, err := classifier.LoadDir(c.Model)
		if err != nil {
			return err
		}
		all, err := dataset.ReadExamples(c.Data, bundle.Taxonomy(), progress)
		if err != nil {
			return err
		}
		return c.print(stdout, evaluate.Of(bundle.Taxonomy(), evaluate.Bundle(bundle, all)))
	}
	taxonomy := schema.Bureau()
	all, err := dataset.ReadExamples(c.Data, taxonomy, progress)
	if err != nil {
		return err
	}
	examples, left := dataset.Clean(all)
	f, err := fit.New(examples, fit.Config{Library: c.LightGBMLib, Taxonomy: taxonomy, Recipe: fit.Recipes[c.Recipe], Seed: c.Seed, Progress: progress})
	if err != nil {
		return err
	}
	progress("left out %d copies and %d texts with two categories", left.Copies, left.Conflicting)
	kept, err := f.CrossValidate(ctx, c.Folds)
	if err != nil {
		return err
	}
	if err := c.print(stdout, evaluate.Of(taxonomy, kept)); err != nil {
		return err
	}
	if c.JSON {
		return nil
	}
	return evaluateByTime(ctx, f, examples, stdout)
}

func (c evaluateConfig) print(w io.Writer, e evaluate.Result) error {
	if c.JSON {
		return evaluate.PrintJSON(w, e)
	}
	return evaluate.Print(w, e)
}

// timeShare is the share of the dated rows, the newest, that the split by time judges.
const timeShare = 0.2

func evaluateByTime(ctx context.Context, f *fit.Fitter, examples []dataset.Example, stdout io.Writer) error {
	s, first := dataset.ByTime(examples, dataset.AllRows(len(examples)), timeShare)
	if first == "" {
		_, err := fmt.Fprintln(stdout, "\nno split by time: too few rows have a date")
		return err
	}
	kept, err := f.Judge(ctx, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\nsplit by time: fitted on %d dated rows before %s, judged on %d from then on\n\n", len(s.Fit), first, len(s.Judge))
	return evaluate.Print(stdout, evaluate.Of(f.Taxonomy(), kept))
}
