package main

import (
	"context"
	"fmt"

	"complaints/internal/classifier"
	"complaints/trainer/dataset"
)

// judge fits on one side of a split and predicts the other.
func (f *fitter) judge(ctx context.Context, s dataset.Split) ([]judged, error) {
	switch f.recipe.Method {
	case linear:
		return f.judgeLinear(s)
	case tfidfTree:
		return f.judgeTFIDF(ctx, s)
	case boosted:
	}
	m, err := f.fit(ctx, s.Fit)
	if err != nil {
		return nil, err
	}
	defer m.booster.Close()
	return f.predict(m, s.Judge)
}

// crossValidate judges every row by a model that was fitted without it and its
// near-copies.
func (f *fitter) crossValidate(ctx context.Context, rows []int, n int) ([]judged, error) {
	var all []judged
	for i, s := range dataset.Folds(f.groups, rows, n, f.seed) {
		f.progress("fold %d of %d: fitting on %d rows, judging %d", i+1, n, len(s.Fit), len(s.Judge))
		one, err := f.judge(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("fold %d of %d: %w", i+1, n, err)
		}
		e := evaluate(one)
		f.progress("fold %d of %d: accuracy %.4f, macro F1 %.4f, log loss %.4f", i+1, n, e.Accuracy, e.MacroF1, e.LogLoss)
		all = append(all, one...)
	}
	return all, nil
}

// judgeBundle predicts examples with a loaded bundle, as the consumer does.
func judgeBundle(c *classifier.Classifier, examples []dataset.Example) []judged {
	out := make([]judged, len(examples))
	s := c.NewScratch()
	for i, e := range examples {
		p := c.Predict([]byte(e.Text), s)
		out[i] = judged{truth: e.Category, probabilities: p.Probabilities, length: len(e.Text), unknownWords: p.UnknownWords}
	}
	return out
}
