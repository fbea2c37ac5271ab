package fit

import (
	"context"
	"fmt"

	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
)

// HoldOut trains on the train rows of a split and predicts its test rows.
func (f *Fitter) HoldOut(ctx context.Context, s dataset.Split) ([]evaluate.Prediction, error) {
	switch f.recipe.Method {
	case linear:
		return f.predictLinear(s)
	case tfidfTree:
		return f.predictTFIDF(ctx, s)
	case boosted:
	}
	m, err := f.Fit(ctx, s.Train)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return f.Predict(m, s.Test)
}

// CrossValidate predicts every row by a model that was trained without it and its
// near-copies.
func (f *Fitter) CrossValidate(ctx context.Context, n int) ([]evaluate.Prediction, error) {
	var all []evaluate.Prediction
	for i, s := range dataset.Folds(f.groups, dataset.AllRows(len(f.examples)), n, f.seed) {
		f.progress("fold %d of %d: %d train rows, %d test rows", i+1, n, len(s.Train), len(s.Test))
		one, err := f.HoldOut(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("fold %d of %d: %w", i+1, n, err)
		}
		e := evaluate.Of(f.taxonomy, one)
		f.progress("fold %d of %d: accuracy %.4f, macro F1 %.4f, log loss %.4f", i+1, n, e.Accuracy, e.MacroF1, e.LogLoss)
		all = append(all, one...)
	}
	return all, nil
}

// Train cross-validates the recipe, then trains on all rows.
func (f *Fitter) Train(ctx context.Context, name string, r Report) (map[string][]byte, Report, error) {
	heldOut, err := f.CrossValidate(ctx, r.Folds)
	if err != nil {
		return nil, r, err
	}
	r.Recipe, r.Result = f.recipe.Name, evaluate.Of(f.taxonomy, heldOut)
	r.ReviewThreshold, r.ReviewCoverage = evaluate.ReviewThreshold(heldOut, r.ReviewPrecision)
	rows := dataset.AllRows(len(f.examples))
	f.progress("training on all %d rows", len(rows))
	m, err := f.Fit(ctx, rows)
	if err != nil {
		return nil, r, err
	}
	defer m.Close()
	parts, err := f.Seal(m, name, r.Result, r.ReviewThreshold)
	return parts, r, err
}
