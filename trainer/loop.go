package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/internal/lightgbm"
	"complaints/internal/registry"
	"complaints/schema"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
	"complaints/trainer/fit"
	"complaints/trainer/gate"
)

// A training of the weekly loop, in this order: read what serves; read the rows;
// fit the candidate; compare it with the champion on the same rows; let the gate
// decide; publish the bundle; move the champion; keep the evidence. Only the
// last three change anything, each create-once or compare-and-swap: after a crash
// run it again, and the same lake and seed give the same bundle.

// training is one run of the loop.
type training struct {
	cfg      *runConfig
	store    lake.Store
	source   dataset.Source
	taxonomy *schema.Taxonomy // the champion's
	set      *dataset.Set     // nil until it is read
	record   *registry.Recorders
	progress dataset.Progress
	champion *registry.Pointer
	serving  *classifier.Classifier // the champion
	stages   *stages
	verdict  verdict
}

func runRun(ctx context.Context, c *runConfig, stdout, stderr io.Writer) error {
	once := func(ctx context.Context) error { return runOnce(ctx, c, stdout, stderr) }
	if c.schedule == nil {
		return once(ctx)
	}
	return everySoOften(ctx, c.schedule, once, func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) })
}

func runOnce(ctx context.Context, c *runConfig, stdout, stderr io.Writer) error {
	store, err := lake.Open(ctx, c.Lake)
	if err != nil {
		return err
	}
	t := &training{
		cfg: c, store: store, source: dataset.Silver{Store: store, Window: c.Window}, progress: c.progress(stderr), stages: newStages(),
		record: &registry.Recorders{List: []registry.Recorder{registry.NewLakeRecorder(store)}},
	}
	if len(c.Data) > 0 {
		t.source = c.files()
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	if client != nil { // behind the lake, from whose files it can be done again
		t.record.List = append(t.record.List, newMLflowRecorder(client, c.Lake.URL, t.progress))
	}
	err = t.run(ctx, stdout)
	if t.set != nil {
		err = errors.Join(err, t.set.Close())
	}
	return err
}

// run trains, keeps the evidence, and prints the verdict.
func (t *training) run(ctx context.Context, stdout io.Writer) error {
	parts, err := t.train(ctx)
	t.verdict.Stages = t.stages.done()
	if err != nil {
		t.verdict.Outcome, t.verdict.Why = registry.Failed, err.Error()
	}
	// Also a run that was stopped gets its end.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err == nil {
		err = t.keepEvidence(end, parts)
	}
	t.record.Do(func(r registry.Recorder) error { return r.End(end, t.verdict.end(time.Now())) })
	if err != nil {
		return err
	}
	if err := t.verdict.print(stdout, t.cfg.JSON); err != nil {
		return err
	}
	return errors.Join(t.rescore(ctx, parts), t.verdict.status(t.record.Failed))
}

// rescore classifies the stored complaints again by the model of the parts, if it
// was promoted and that is wanted.
func (t *training) rescore(ctx context.Context, parts map[string][]byte) error {
	if !t.cfg.Rescore || t.verdict.Outcome != registry.Promoted {
		return nil
	}
	bundle, err := classifier.Load(parts)
	if err == nil {
		err = newScoring(t.store, bundle, t.progress).run(ctx, dataset.Silver{Store: t.store})
	}
	if err != nil {
		return fmt.Errorf("%s serves, but the stored complaints were not all classified again: %w; to go on: trainer score --model %s", t.verdict.Version, err, t.verdict.Version)
	}
	return nil
}

// recordTimeout is how long the evidence may take after the verdict.
const recordTimeout = 2 * time.Minute

// train does all but the telling. It returns the parts of the published bundle.
func (t *training) train(ctx context.Context) (map[string][]byte, error) {
	var err error
	if t.champion, t.serving, err = registry.LoadChampion(ctx, t.store); err != nil {
		return nil, err
	}
	t.verdict.champion(t.champion, t.serving)
	t.taxonomy = t.serving.Taxonomy()
	if t.cfg.Taxonomy != "" {
		if t.taxonomy, err = readTaxonomy(t.cfg.Taxonomy); err != nil {
			return nil, err
		}
	}
	f, c, err := t.prepare(ctx)
	if err != nil {
		return nil, err
	}
	t.record.Do(func(r registry.Recorder) error {
		return r.Start(ctx, registry.RunStart{At: time.Now(), Params: t.params(fit.Recipes[fit.Default])})
	})
	t.stages.begin("fit")
	m, err := f.Fit(ctx, c.Train)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	candidate, parts, err := t.finish(f, m, c)
	if err != nil {
		return nil, err
	}
	t.stages.begin("compare")
	if err := t.compare(c, candidate); err != nil {
		return nil, err
	}
	if t.cfg.Force && !t.verdict.Gate.Passed {
		if candidate, parts, err = force(parts, t.cfg.Reason); err != nil {
			return nil, err
		}
	}
	t.stages.begin("publish")
	return parts, t.publish(ctx, candidate.Version(), parts)
}

// prepare reads the rows and splits them.
func (t *training) prepare(ctx context.Context) (*fit.Fitter, dataset.TimeSplit, error) {
	t.stages.begin("read")
	var s dataset.TimeSplit
	lib, err := lightgbm.Open(t.cfg.LightGBMLib) // before minutes of reading
	if err != nil {
		return nil, s, err
	}
	if t.set, err = dataset.Collect(ctx, t.taxonomy, t.source, dataset.Draw{MaxRows: t.cfg.MaxRows, Seed: t.cfg.Seed}, t.progress); err != nil {
		return nil, s, err
	}
	examples := t.set.Examples
	s = dataset.SplitByTime(examples, dataset.AllRows(len(examples)), t.cfg.Seed)
	t.verdict.rows(t.set, s)
	t.progress("%s", t.verdict.Rows)
	if len(s.Train) == 0 || len(s.Test) == 0 {
		return nil, s, fmt.Errorf("%s: %d train rows and %d test rows are too few, of %d that were read and %d with a text of their own and a known category",
			t.source, len(s.Train), len(s.Test), t.set.Read, len(examples))
	}
	t.stages.begin("terms")
	f, err := fit.New(examples, fit.Config{Library: lib, Taxonomy: t.taxonomy, Recipe: fit.Recipes[fit.Default], Seed: t.cfg.Seed, Progress: t.progress, Once: true})
	return f, s, err
}

// finish calibrates a model by its held-out rows, and packs it with its metrics on
// the test rows.
func (t *training) finish(f *fit.Fitter, m *fit.Model, c dataset.TimeSplit) (*classifier.Classifier, map[string][]byte, error) {
	t.stages.begin("calibrate")
	factor, heldOut, err := f.Calibrate(m)
	if err != nil {
		return nil, nil, err
	}
	threshold, coverage := evaluate.ReviewThreshold(heldOut, m.Mix, t.cfg.ReviewPrecision)
	predictions, err := f.Predict(m, c.Test)
	if err != nil {
		return nil, nil, err
	}
	e := evaluate.Of(t.taxonomy, predictions)
	t.verdict.Calibration = calibration{Temperature: factor, Before: evaluate.Of(t.taxonomy, fit.Scale(predictions, 1/factor)).ECE, After: e.ECE}
	evaluate.MarkReview(predictions, m.Mix, threshold)
	t.verdict.Review = reviewOf(predictions, threshold)
	t.verdict.Review.Wanted, t.verdict.Review.HeldOutCoverage, t.verdict.Review.HeldOutRows = t.cfg.ReviewPrecision, coverage, len(heldOut)
	t.verdict.Candidate, t.verdict.losses = e, m.Search.Losses
	parts, err := f.Seal(m, "", e, threshold)
	if err != nil {
		return nil, nil, err
	}
	bundle, err := classifier.Load(parts)
	return bundle, parts, err
}

// compare lets both models predict the test rows, as consumers would, and asks the
// gate.
func (t *training) compare(c dataset.TimeSplit, candidate *classifier.Classifier) error {
	tests := make([]dataset.Example, len(c.Test))
	in := gate.Input{Categories: t.taxonomy.Names(), Trained: dataset.PerCategory(t.taxonomy, t.set.Examples, c.Train), Seed: t.cfg.Seed}
	for i, r := range c.Test {
		tests[i] = t.set.Examples[r]
		in.Truth = append(in.Truth, tests[i].Category)
	}
	side := func(b *classifier.Classifier) (gate.Model, evaluate.Result) {
		predictions := evaluate.Bundle(b, tests)
		e := evaluate.Of(t.taxonomy, predictions)
		m := gate.Model{ECE: e.ECE}
		for _, p := range predictions {
			k, _ := p.Top()
			m.Predicted = append(m.Predicted, k)
		}
		return m, e
	}
	in.Candidate, _ = side(candidate)
	var err error
	if ours, theirs := t.taxonomy.ID(), t.serving.Taxonomy().ID(); ours != theirs {
		t.verdict.Gate, err = gate.DecideAlone(in, t.cfg.limits(), gate.Rule{
			Name: "taxonomy", Passed: t.cfg.NewTaxonomy,
			Figures: fmt.Sprintf("the categories are those of %s, and the champion's those of %s: the two do not compare, and only --new-taxonomy lets the new model serve", ours, theirs),
		})
		return err
	}
	in.Champion, t.verdict.ChampionEvaluation = side(t.serving)
	in.Candidate.Scoring, in.Champion.Scoring = scoringTimes(candidate, t.serving, tests)
	t.verdict.Gate, err = gate.Decide(in, t.cfg.limits())
	return err
}

// force packs a bundle that the gate rejected anew, with the reason to publish it
// all the same. So a bundle that was not forced has nothing of it, and equal
// data and seed give it byte for byte.
func force(parts map[string][]byte, reason string) (*classifier.Classifier, map[string][]byte, error) {
	forced, err := classifier.Force(parts, reason)
	if err != nil {
		return nil, nil, err
	}
	bundle, err := classifier.Load(forced)
	return bundle, forced, err
}

// publish keeps the new bundle, also one that will not serve, and moves the
// champion if it may.
func (t *training) publish(ctx context.Context, version string, parts map[string][]byte) error {
	v := &t.verdict
	v.Version = version
	if err := registry.Publish(ctx, t.store, v.Version, parts); err != nil {
		return err
	}
	switch failed := v.Gate.Failed(); {
	case v.Version == t.champion.Version:
		v.reject("the new model is the champion, byte for byte: there is nothing new to learn from")
		return nil
	case len(failed) > 0 && !t.cfg.Force:
		v.reject(failed...)
		return nil
	case len(failed) > 0:
		v.promote("forced: "+t.cfg.Reason+"; the gate said no", failed...)
	default:
		v.promote("passed the gate")
	}
	err := registry.Promote(ctx, t.store, t.champion, v.Version, v.Why)
	switch {
	case errors.Is(err, registry.ErrMoved):
		v.reject(fmt.Sprintf("%v, so it was compared with one that no longer serves; run it again", err))
	case err != nil:
		return fmt.Errorf("%s is published, but does not serve: %w", v.Version, err)
	}
	return nil
}
