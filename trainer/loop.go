package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/internal/registry"
	"complaints/schema"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
	"complaints/trainer/fit"
	"complaints/trainer/gate"
)

// A training of the weekly loop, in this order: read what serves; read the rows;
// fit; judge the new model and the champion on the same rows; let the gate
// decide; publish the bundle; move the champion; keep the evidence. Only the
// last three change anything, each create-once or compare-and-swap: after a crash
// run it again, and the same lake and seed give the same bundle.

// source is where examples come from. Its name is for people.
type source interface {
	fmt.Stringer
	Read(ctx context.Context, t *schema.Taxonomy, progress dataset.Progress, use func(dataset.Example)) (rows int, err error)
}

// training is one run of the loop.
type training struct {
	cfg      *runConfig
	store    lake.Store
	source   source
	taxonomy *schema.Taxonomy // the champion's
	texts    *dataset.Spill   // of the rows that are kept
	examples []dataset.Example
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
		t.source = dataset.Files(c.Data)
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	if client != nil { // behind the lake, from whose files it can be done again
		t.record.List = append(t.record.List, newMLflowRecorder(client, c.Lake.URL, t.progress))
	}
	if t.texts, err = dataset.NewSpill(); err != nil {
		return err
	}
	return errors.Join(t.run(ctx, stdout), t.texts.Close())
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
	f, c, err := t.prepare(ctx)
	if err != nil {
		return nil, err
	}
	t.record.Do(func(r registry.Recorder) error {
		return r.Start(ctx, registry.RunStart{At: time.Now(), Params: t.params(fit.Recipes[fit.Default])})
	})
	t.stages.begin("fit")
	m, err := f.Fit(ctx, c.Fit)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	candidate, parts, err := t.finish(f, m, c)
	if err != nil {
		return nil, err
	}
	t.stages.begin("judge")
	if err := t.judge(c, candidate); err != nil {
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

// prepare reads the rows and cuts them.
func (t *training) prepare(ctx context.Context) (*fit.Fitter, dataset.Cut, error) {
	t.stages.begin("read")
	rows := dataset.NewCollector(t.texts)
	read, err := t.source.Read(ctx, t.taxonomy, t.progress, rows.Add)
	if err != nil {
		return nil, dataset.Cut{}, err
	}
	examples, left, err := rows.Finish(t.cfg.MaxRows, t.cfg.Seed)
	if err != nil {
		return nil, dataset.Cut{}, err
	}
	c := dataset.SplitByTime(examples, t.cfg.Seed)
	t.verdict.rows(t.source, read, left, c)
	t.progress("%s", t.verdict.Rows)
	if len(c.Fit) == 0 || len(c.Judge) == 0 {
		return nil, c, fmt.Errorf("%s: %d rows to fit on and %d to judge by are too few, of %d that were read and %d with a text of their own and a known product",
			t.source, len(c.Fit), len(c.Judge), read, len(examples))
	}
	t.stages.begin("terms")
	t.examples = examples
	f, err := fit.New(examples, fit.Config{Library: t.cfg.LightGBMLib, Taxonomy: t.taxonomy, Recipe: fit.Recipes[fit.Default], Seed: t.cfg.Seed, Progress: t.progress, Once: true})
	return f, c, err
}

// finish calibrates a fitted model by rows that were kept from its fit, and
// packs it with what it does on the test rows.
func (t *training) finish(f *fit.Fitter, m *fit.Model, c dataset.Cut) (*classifier.Classifier, map[string][]byte, error) {
	t.stages.begin("calibrate")
	heat, kept, err := f.Calibrate(m)
	if err != nil {
		return nil, nil, err
	}
	threshold, coverage := evaluate.ReviewThreshold(kept, t.cfg.ReviewPrecision)
	said, err := f.Predict(m, c.Judge)
	if err != nil {
		return nil, nil, err
	}
	e := evaluate.Of(t.taxonomy, said)
	t.verdict.Calibration = calibration{Temperature: heat, Before: evaluate.Of(t.taxonomy, fit.Scale(said, 1/heat)).ECE, After: e.ECE}
	t.verdict.Review = reviewOf(said, threshold)
	t.verdict.Review.Wanted, t.verdict.Review.KeptCoverage, t.verdict.Review.KeptRows = t.cfg.ReviewPrecision, coverage, len(kept)
	t.verdict.Candidate, t.verdict.losses = e, m.Search.Losses
	parts, err := f.Seal(m, "", c.Fit, e, threshold)
	if err != nil {
		return nil, nil, err
	}
	bundle, err := classifier.Load(parts)
	return bundle, parts, err
}

// judge lets both models say what the test rows are, as consumers would, and
// asks the gate.
func (t *training) judge(c dataset.Cut, candidate *classifier.Classifier) error {
	tests := make([]dataset.Example, len(c.Judge))
	in := gate.Input{Categories: t.taxonomy.Names(), Fitted: dataset.PerCategory(t.taxonomy, t.examples, c.Fit), Seed: t.cfg.Seed}
	for i, r := range c.Judge {
		tests[i] = t.examples[r]
		in.Truth = append(in.Truth, tests[i].Category)
	}
	side := func(b *classifier.Classifier) (gate.Model, evaluate.Result) {
		said := evaluate.Bundle(b, tests)
		e := evaluate.Of(t.taxonomy, said)
		m := gate.Model{ECE: e.ECE}
		for _, j := range said {
			k, _ := j.Top()
			m.Predicted = append(m.Predicted, k)
		}
		return m, e
	}
	in.Candidate, _ = side(candidate)
	in.Champion, t.verdict.ChampionEvaluation = side(t.serving)
	in.Candidate.Scoring, in.Champion.Scoring = scoringTimes(candidate, t.serving, tests)
	var err error
	t.verdict.Gate, err = gate.Decide(in, t.cfg.limits())
	return err
}

const (
	// timedTexts is how many texts are scored to see how long one takes.
	timedTexts = 1000
	// timedBlock is how many at a time: less than a millisecond, so that most
	// blocks see nothing of what else the machine does.
	timedBlock = 25
	// timedRounds is how often each block is timed; the fastest counts.
	timedRounds = 7
)

// scoringTimes is how long each model takes for a text, in turns.
func scoringTimes(a, b *classifier.Classifier, tests []dataset.Example) (ofA, ofB time.Duration) {
	tests = tests[:min(len(tests), timedTexts)]
	scratchA, scratchB := a.NewScratch(), b.NewScratch()
	for block := range slices.Chunk(tests, timedBlock) {
		once := func(c *classifier.Classifier, s *classifier.Scratch, best time.Duration) time.Duration {
			begin := time.Now()
			for _, e := range block {
				c.Predict([]byte(e.Text), s)
			}
			return min(best, time.Since(begin))
		}
		bestA, bestB := time.Hour, time.Hour
		for range timedRounds {
			bestA, bestB = once(a, scratchA, bestA), once(b, scratchB, bestB)
		}
		ofA, ofB = ofA+bestA, ofB+bestB
	}
	n := time.Duration(len(tests))
	return ofA / n, ofB / n
}

// force packs a bundle that the gate refused anew, with the reason to publish it
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
		v.keep("the new model is the champion, byte for byte: there is nothing new to learn from")
		return nil
	case len(failed) > 0 && !t.cfg.Force:
		v.keep(failed...)
		return nil
	case len(failed) > 0:
		v.promote("forced: "+t.cfg.Reason+"; the gate said no", failed...)
	default:
		v.promote("passed the gate")
	}
	err := registry.Promote(ctx, t.store, t.champion, v.Version, v.Why)
	switch {
	case errors.Is(err, registry.ErrMoved):
		v.keep(fmt.Sprintf("%v, so it was compared with one that no longer serves; run it again", err))
	case err != nil:
		return fmt.Errorf("%s is published, but does not serve: %w", v.Version, err)
	}
	return nil
}
