package trace

import (
	"context"
	"errors"
	"math"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/internal/registry"
	"complaints/schema"
)

// maxTerms is how many terms an explanation names.
const maxTerms = 20

// model is a version that gave answers.
type model struct {
	facts      modelFacts
	champion   *registry.Pointer
	classifier *classifier.Classifier // nil if it could not be loaded
}

// model loads a version and what is known of it, once.
func (t *tracer) model(ctx context.Context, version string) (*model, error) {
	if m := t.models[version]; m != nil {
		return m, nil
	}
	m := &model{facts: modelFacts{Version: version}}
	t.models[version] = m
	var err error
	if m.champion, err = registry.Champion(ctx, t.store); err != nil {
		return nil, err
	}
	if m.facts.Runs, err = registry.Runs(ctx, t.store, version); err != nil {
		return nil, err
	}
	if err := m.load(ctx, t.store); err != nil {
		m.facts.Fault = err.Error()
		return m, ctx.Err()
	}
	manifest := m.classifier.Manifest()
	m.facts.Training, m.facts.Metrics, m.facts.Forced = manifest.Training, manifest.Metrics, manifest.Forced
	return m, nil
}

// load loads the very version, from the lake or, where it was never published, from
// this program.
func (m *model) load(ctx context.Context, store lake.Store) error {
	builtIn, err := classifier.Bootstrap()
	if err != nil {
		return err
	}
	m.facts.BuiltIn = builtIn.Version() == m.facts.Version
	bundle, err := registry.Load(ctx, store, m.facts.Version)
	if err == nil {
		m.classifier, m.facts.Bundle = bundle, schema.ModelPrefix(m.facts.Version)
		return nil
	}
	if !errors.Is(err, lake.ErrNotFound) {
		return err
	}
	if m.facts.BuiltIn {
		m.classifier, m.facts.Bundle = builtIn, "built into this program"
		return nil
	}
	return err
}

// service is the time of serving in which an answer was given.
func (m *model) service(a *Answer) *registry.Service {
	return m.champion.ServiceAt(m.facts.Version, time.UnixMilli(int64(a.ClassifiedAt)))
}

// predict lets the model predict again, from the text as it was received, or from
// silver's where that is all there is.
func (t *tracer) predict(d *Decision, model *classifier.Classifier) {
	complaint, from := d.received, d.from
	if complaint == nil {
		complaint, from = d.silver, FromSilver
	}
	switch {
	case model == nil:
		t.note("offset %d of %s/%d is not predicted again: its model could not be loaded", d.Message.Offset, d.Message.Topic, d.Message.Partition)
		return
	case complaint == nil:
		t.note("offset %d of %s/%d is not predicted again: no text of it is left", d.Message.Offset, d.Message.Topic, d.Message.Partition)
		return
	}
	text, scratch := []byte(complaint.Narrative), model.NewScratch()
	fields := classifier.FieldsOf(complaint)
	p := model.PredictWith(text, fields, scratch)
	again := &Again{From: from, Masked: from == FromSilver, Probabilities: model.Taxonomy().AppendProbabilities(nil, p.Probabilities)}
	again.Equal, again.Difference = compare(again.Probabilities, d.Answer.Probabilities)
	if code := d.Answer.CategoryCode; code >= 0 && code < model.Taxonomy().Len() {
		again.Explanation = explanationOf(model.Explain(text, fields, code, scratch))
	}
	if t.Text {
		again.Text = complaint.Narrative
	}
	d.Again = again
}

// compare says whether both have the same categories with the same bits, and how far
// apart they are at most; categories that only one has count in full.
func compare(a, b schema.Probabilities) (equal bool, difference float64) {
	other := map[string]float64{}
	for _, c := range b {
		other[c.Category] = c.Probability
	}
	equal = len(a) == len(b)
	for _, c := range a {
		p, ok := other[c.Category]
		equal = equal && ok && math.Float64bits(p) == math.Float64bits(c.Probability)
		difference = max(difference, math.Abs(p-c.Probability))
		delete(other, c.Category)
	}
	for _, p := range other {
		difference = max(difference, p)
	}
	return equal, difference
}

func explanationOf(e classifier.Explanation) Explanation {
	out := Explanation{Base: e.Base, Score: e.Score}
	for i, p := range e.Parts {
		if i < maxTerms {
			out.Terms = append(out.Terms, Term{p.Kind.String(), p.Name, p.InText, p.Weight})
		} else {
			out.Rest += p.Weight
		}
	}
	return out
}
