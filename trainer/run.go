package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"complaints/internal/classifier"
	"complaints/internal/lightgbm"
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
	f, err := fit.New(set.Examples, fit.Config{Library: lib, Taxonomy: taxonomy, Recipe: fit.Recipes[fit.Default], Seed: c.Seed, ReviewPrecision: c.ReviewPrecision, Progress: progress})
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
		return c.evaluateRecipe(ctx, stdout, progress)
	}
	bundle, err := classifier.LoadDir(c.Model)
	if err != nil {
		return err
	}
	all, err := c.files().Examples(ctx, bundle.Taxonomy(), progress)
	if err != nil {
		return err
	}
	return c.print(stdout, bundle.Taxonomy(), fit.Predictions{Rows: evaluate.Bundle(bundle, all)})
}

// evaluateRecipe evaluates a recipe by folds and by time, or on other files.
func (c evaluateConfig) evaluateRecipe(ctx context.Context, stdout io.Writer, progress dataset.Progress) (err error) {
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
	examples := set.Examples
	if len(c.Test) > 0 {
		others := c.files()
		others.Paths = c.Test
		tests, err := dataset.Collect(ctx, taxonomy, others, dataset.Draw{}, progress)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, tests.Close()) }()
		examples = slices.Concat(examples, tests.Examples)
	}
	f, err := fit.New(examples, fit.Config{
		Library: lib, Taxonomy: taxonomy, Recipe: fit.Recipes[c.Recipe], Seed: c.Seed, ReviewPrecision: c.ReviewPrecision, Progress: progress,
	})
	if err != nil {
		return err
	}
	progress("left out %d copies and %d texts with two categories", set.Left.Copies, set.Left.Conflicting)
	var predictions fit.Predictions
	if len(c.Test) > 0 {
		predictions, err = f.HoldOut(ctx, dataset.BySource(examples, len(set.Examples)))
	} else {
		predictions, err = f.CrossValidate(ctx, c.Folds)
	}
	if err != nil {
		return err
	}
	if err := c.print(stdout, taxonomy, predictions); err != nil || c.JSON || len(c.Test) > 0 {
		return err
	}
	return evaluateByTime(ctx, f, examples, stdout)
}

// print writes the metrics of all rows and of groups of them, and those of all with
// their fields taken away.
func (c evaluateConfig) print(w io.Writer, t *schema.Taxonomy, predictions fit.Predictions) error {
	all := evaluate.Of(t, predictions.Rows)
	if c.JSON {
		return evaluate.PrintJSON(w, all)
	}
	if err := evaluate.Print(w, all); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := evaluate.PrintGroups(w, evaluate.Groups(t, predictions.Rows)); err != nil || predictions.Bare == nil {
		return err
	}
	fmt.Fprintln(w, "\nthe same with all fields but the text taken away:")
	return evaluate.PrintGroups(w, evaluate.Groups(t, predictions.Bare)[:1])
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
	return evaluate.Print(stdout, evaluate.Of(f.Taxonomy(), predictions.Rows))
}
