package main

import (
	"context"
	"fmt"

	"complaints/internal/classifier"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
)

// judge fits on one side of a split and predicts the other.
func (f *fitter) judge(ctx context.Context, s dataset.Split) ([]evaluate.Prediction, error) {
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
func (f *fitter) crossValidate(ctx context.Context, rows []int, n int) ([]evaluate.Prediction, error) {
	var all []evaluate.Prediction
	for i, s := range dataset.Folds(f.groups, rows, n, f.seed) {
		f.progress("fold %d of %d: fitting on %d rows, judging %d", i+1, n, len(s.Fit), len(s.Judge))
		one, err := f.judge(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("fold %d of %d: %w", i+1, n, err)
		}
		e := evaluate.Of(one)
		f.progress("fold %d of %d: accuracy %.4f, macro F1 %.4f, log loss %.4f", i+1, n, e.Accuracy, e.MacroF1, e.LogLoss)
		all = append(all, one...)
	}
	return all, nil
}

// judgeBundle predicts examples with a loaded bundle, as the consumer does.
func judgeBundle(c *classifier.Classifier, examples []dataset.Example) []evaluate.Prediction {
	out := make([]evaluate.Prediction, len(examples))
	s := c.NewScratch()
	for i, e := range examples {
		p := c.Predict([]byte(e.Text), s)
		out[i] = evaluate.Prediction{Truth: e.Category, Probabilities: p.Probabilities, Length: len(e.Text), UnknownWords: p.UnknownWords}
	}
	return out
}
