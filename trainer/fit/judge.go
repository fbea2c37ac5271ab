package fit

import (
	"context"
	"fmt"

	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
)

// Judge fits on one side of a split and predicts the other.
func (f *Fitter) Judge(ctx context.Context, s dataset.Split) ([]evaluate.Prediction, error) {
	switch f.recipe.Method {
	case linear:
		return f.judgeLinear(s)
	case tfidfTree:
		return f.judgeTFIDF(ctx, s)
	case boosted:
	}
	m, err := f.Fit(ctx, s.Fit)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return f.Predict(m, s.Judge)
}

// CrossValidate judges every row by a model that was fitted without it and its
// near-copies.
func (f *Fitter) CrossValidate(ctx context.Context, n int) ([]evaluate.Prediction, error) {
	var all []evaluate.Prediction
	for i, s := range dataset.Folds(f.groups, dataset.AllRows(len(f.examples)), n, f.seed) {
		f.progress("fold %d of %d: fitting on %d rows, judging %d", i+1, n, len(s.Fit), len(s.Judge))
		one, err := f.Judge(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("fold %d of %d: %w", i+1, n, err)
		}
		e := evaluate.Of(f.taxonomy, one)
		f.progress("fold %d of %d: accuracy %.4f, macro F1 %.4f, log loss %.4f", i+1, n, e.Accuracy, e.MacroF1, e.LogLoss)
		all = append(all, one...)
	}
	return all, nil
}

// Train judges the recipe on all rows by folds, then fits all of them.
func (f *Fitter) Train(ctx context.Context, name string, r Report) (map[string][]byte, Report, error) {
	kept, err := f.CrossValidate(ctx, r.Folds)
	if err != nil {
		return nil, r, err
	}
	r.Recipe, r.Result = f.recipe.Name, evaluate.Of(f.taxonomy, kept)
	r.ReviewThreshold, r.ReviewCoverage = evaluate.ReviewThreshold(kept, r.ReviewPrecision)
	rows := dataset.AllRows(len(f.examples))
	f.progress("fitting all %d rows", len(rows))
	m, err := f.Fit(ctx, rows)
	if err != nil {
		return nil, r, err
	}
	defer m.Close()
	parts, err := f.Seal(m, name, rows, r.Result, r.ReviewThreshold)
	return parts, r, err
}
