package main

import (
	"context"
	"fmt"
	"io"

	"complaints/internal/classifier"
	"complaints/internal/lightgbm"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
)

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, command, err := parse(args, stdout, stderr)
	if err != nil {
		return err
	}
	switch command {
	case "run":
		return runRun(ctx, &c.Run, stdout, stderr)
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

// newFitter opens the library and prepares the examples.
func newFitter(l libraryConfig, r recipe, examples []dataset.Example, seed uint64, progress dataset.Progress) (*fitter, error) {
	lib, err := lightgbm.Open(l.LightGBMLib)
	if err != nil {
		return nil, err
	}
	if r.Tidy != nil {
		examples = r.Tidy(examples)
	}
	progress("%d texts, counting their terms", len(examples))
	return &fitter{
		lib: lib, recipe: r, seed: seed, corpus: newCorpus(examples, min(r.MinDocuments, r.MinChosen)),
		examples: examples, groups: dataset.Groups(examples), progress: progress,
	}, nil
}

func (l libraryConfig) progress(w io.Writer) dataset.Progress {
	if l.Quiet {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
}

func runTrain(ctx context.Context, c trainConfig, stdout, stderr io.Writer) error {
	progress := c.progress(stderr)
	all, err := dataset.ReadExamples(c.Data, progress)
	if err != nil {
		return err
	}
	examples, left := dataset.Clean(all)
	f, err := newFitter(c.libraryConfig, recipes[defaultRecipe], examples, c.Seed, progress)
	if err != nil {
		return err
	}
	r := report{Seed: c.Seed, Rows: len(all), Left: left, Folds: c.Folds, ReviewPrecision: c.ReviewPrecision}
	parts, r, err := f.train(ctx, dataset.AllRows(len(examples)), "", r)
	if err != nil {
		return err
	}
	if err := writeBundle(c.Out, parts); err != nil {
		return err
	}
	if err := writeReport(c.Out, r); err != nil {
		return err
	}
	if err := evaluate.WritePicture(c.Out, r.Result); err != nil {
		return err
	}
	return evaluate.Print(stdout, r.Result)
}

// train judges the recipe on the rows by folds, then fits all of them.
func (f *fitter) train(ctx context.Context, rows []int, name string, r report) (map[string][]byte, report, error) {
	kept, err := f.crossValidate(ctx, rows, r.Folds)
	if err != nil {
		return nil, r, err
	}
	r.Recipe, r.Result = f.recipe.Name, evaluate.Of(kept)
	r.ReviewThreshold, r.ReviewCoverage = evaluate.ReviewThreshold(kept, r.ReviewPrecision)
	f.progress("fitting all %d rows", len(rows))
	m, err := f.fit(ctx, rows)
	if err != nil {
		return nil, r, err
	}
	defer m.booster.Close()
	parts, err := f.seal(m, name, rows, r.Result, r.ReviewThreshold)
	return parts, r, err
}

func runEvaluate(ctx context.Context, c evaluateConfig, stdout, stderr io.Writer) error {
	progress := c.progress(stderr)
	all, err := dataset.ReadExamples(c.Data, progress)
	if err != nil {
		return err
	}
	if c.Model != "" {
		bundle, err := classifier.LoadDir(c.Model)
		if err != nil {
			return err
		}
		return c.print(stdout, evaluate.Of(judgeBundle(bundle, all)))
	}
	examples, left := dataset.Clean(all)
	f, err := newFitter(c.libraryConfig, recipes[c.Recipe], examples, c.Seed, progress)
	if err != nil {
		return err
	}
	f.progress("left out %d copies and %d texts with two categories", left.Copies, left.Conflicting)
	rows := dataset.AllRows(len(examples))
	kept, err := f.crossValidate(ctx, rows, c.Folds)
	if err != nil {
		return err
	}
	if err := c.print(stdout, evaluate.Of(kept)); err != nil {
		return err
	}
	return f.judgeByTime(ctx, c, rows, stdout)
}

func (c evaluateConfig) print(w io.Writer, e evaluate.Result) error {
	if c.JSON {
		return evaluate.PrintJSON(w, e)
	}
	return evaluate.Print(w, e)
}

// timeShare is the share of the dated rows, the newest, that the split by time judges.
const timeShare = 0.2

func (f *fitter) judgeByTime(ctx context.Context, c evaluateConfig, rows []int, stdout io.Writer) error {
	if c.JSON {
		return nil
	}
	s, first := dataset.ByTime(f.examples, rows, timeShare)
	if first == "" {
		_, err := fmt.Fprintln(stdout, "\nno split by time: too few rows have a date")
		return err
	}
	kept, err := f.judge(ctx, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\nsplit by time: fitted on %d dated rows before %s, judged on %d from then on\n\n", len(s.Fit), first, len(s.Judge))
	return evaluate.Print(stdout, evaluate.Of(kept))
}
