package fit

import (
	"context"
	"fmt"

	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
)

// Predictions are of rows that the models were not trained on.
type Predictions struct {
	Rows []evaluate.Prediction
	Bare []evaluate.Prediction // of the same with the fields taken away; nil if the models use none
}

// HoldOut trains on the train rows of a split and predicts its test rows.
func (f *Fitter) HoldOut(ctx context.Context, s dataset.Split) (out Predictions, err error) {
	switch f.recipe.Method {
	case linear:
		out.Rows, err = f.predictLinear(s)
		return out, err
	case tfidfTree:
		out.Rows, err = f.predictTFIDF(ctx, s)
		return out, err
	case boosted:
	}
	m, err := f.Fit(ctx, s.Train)
	if err != nil {
		return out, err
	}
	defer m.Close()
	threshold, _ := evaluate.ReviewThreshold(m.Search.HeldOut, m.Mix, f.precision)
	if out.Rows, err = f.Predict(m, s.Test); err != nil {
		return out, err
	}
	evaluate.MarkReview(out.Rows, m.Mix, threshold)
	if len(f.fields) > 0 {
		out.Bare, err = f.predict(m, s.Test, false)
		evaluate.MarkReview(out.Bare, m.Mix, threshold)
	}
	return out, err
}

// CrossValidate predicts every row by a model that was trained without it and its
// near-copies.
func (f *Fitter) CrossValidate(ctx context.Context, n int) (all Predictions, err error) {
	for i, s := range dataset.Folds(f.groups, dataset.AllRows(len(f.examples)), n, f.seed) {
		f.progress("fold %d of %d: %d train rows, %d test rows", i+1, n, len(s.Train), len(s.Test))
		one, err := f.HoldOut(ctx, s)
		if err != nil {
			return all, fmt.Errorf("fold %d of %d: %w", i+1, n, err)
		}
		e := evaluate.Of(f.taxonomy, one.Rows)
		f.progress("fold %d of %d: accuracy %.4f, macro F1 %.4f, log loss %.4f", i+1, n, e.Accuracy, e.MacroF1, e.LogLoss)
		all.Rows, all.Bare = append(all.Rows, one.Rows...), append(all.Bare, one.Bare...)
	}
	return all, nil
}

// Train cross-validates the recipe, then trains on all rows.
func (f *Fitter) Train(ctx context.Context, name string, r Report) (map[string][]byte, Report, error) {
	heldOut, err := f.CrossValidate(ctx, r.Folds)
	if err != nil {
		return nil, r, err
	}
	r.Recipe, r.Result = f.recipe.Name, evaluate.Of(f.taxonomy, heldOut.Rows)
	rows := dataset.AllRows(len(f.examples))
	f.progress("training on all %d rows", len(rows))
	m, err := f.Fit(ctx, rows)
	if err != nil {
		return nil, r, err
	}
	defer m.Close()
	r.ReviewThreshold, r.ReviewCoverage = evaluate.ReviewThreshold(heldOut.Rows, m.Mix, f.precision)
	parts, err := f.Seal(m, name, r.Result, r.ReviewThreshold)
	return parts, r, err
}
