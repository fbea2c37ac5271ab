package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"complaints/internal/classifier"
	"complaints/internal/registry"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
	"complaints/trainer/fit"
	"complaints/trainer/gate"
)

// verdict is what a training of the loop found, and how it ended.
type verdict struct {
	Outcome            registry.Outcome `json:"verdict"`
	Why                string           `json:"why"`
	Version            string           `json:"version"`
	Champion           string           `json:"champion"`          // the version that it was compared with
	ChampionBuiltIn    bool             `json:"champion_built_in"` // none was published: consumers serve theirs
	ChampionTo         string           `json:"champion_to"`       // last date that the champion was trained on, if any has a date
	Rows               rowCounts        `json:"rows"`
	Candidate          evaluate.Result  `json:"candidate"`
	ChampionEvaluation evaluate.Result  `json:"champion_on_the_same_rows"`
	Calibration        calibration      `json:"calibration"`
	Review             review           `json:"review"`
	Gate               gate.Decision    `json:"gate"`
	Stages             stageList        `json:"stages"`
	NotRecorded        []string         `json:"not_recorded,omitempty"`
	losses             []float64        // log loss on held-out rows, by round
}

// rowCounts is where the rows of a training went: all but the first number add up
// to that.
type rowCounts struct {
	Source string `json:"source"`
	Read   int    `json:"read"`
	dataset.Left
	NearCopies int    `json:"near_copies"` // test rows left out, because train rows or other test rows begin as they do
	Train      int    `json:"train"`
	Test       int    `json:"test"`
	From       string `json:"test_from"` // first and last date of the dated test rows
	To         string `json:"test_to"`
	Waiting    int    `json:"waiting"` // of the newest week, which is not over
}

func (r rowCounts) String() string {
	how := "drawn by hash: too few rows have a date for a split by time, or one week has most of them"
	if r.From != "" {
		how = fmt.Sprintf("of the weeks from %s to %s, and a fifth of those without a date; %d of the week that is not over wait", r.From, r.To, r.Waiting)
	}
	return fmt.Sprintf("%s: %d rows read; left out %d without a text or a known category, %d copies, %d texts with two categories, %d over --max-rows, %d near-copies; %d train rows, %d test rows (%s)",
		r.Source, r.Read, r.Unusable, r.Copies, r.Conflicting, r.OverMaxRows, r.NearCopies, r.Train, r.Test, how)
}

// calibration is how the probabilities were corrected. Before and After are the
// expected calibration error on the test rows.
type calibration struct {
	Temperature float64 `json:"temperature"` // raw scores were divided by it
	Before      float64 `json:"ece_before"`
	After       float64 `json:"ece_after"`
}

// review is what the threshold for needs_review gives on the test rows; it was
// chosen on held-out rows.
type review struct {
	Threshold       float64 `json:"threshold"`
	Wanted          float64 `json:"precision_wanted"`
	HeldOutRows     int     `json:"chosen_on_rows"`
	HeldOutCoverage float64 `json:"coverage_there"`
	Coverage        float64 `json:"coverage"`  // share of the test rows that need no review
	Precision       float64 `json:"precision"` // share of those that are right
}

func reviewOf(rows []evaluate.Prediction, threshold float64) review {
	r := review{Threshold: threshold}
	above, right := 0, 0
	for _, j := range rows {
		if !j.NeedsReview {
			above++
			if c, _ := j.Top(); c == j.Truth {
				right++
			}
		}
	}
	r.Coverage, r.Precision = evaluate.Ratio(float64(above), float64(len(rows))), evaluate.Ratio(float64(right), float64(above))
	return r
}

func (v *verdict) champion(p *registry.Pointer, serving *classifier.Classifier) {
	v.Champion, v.ChampionBuiltIn, v.ChampionTo = serving.Version(), !p.Exists(), serving.Manifest().Training.To
}

func (v *verdict) rows(set *dataset.Set, s dataset.TimeSplit) {
	v.Rows = rowCounts{
		Source: set.Source, Read: set.Read, Left: set.Left, NearCopies: s.NearCopies,
		Train: len(s.Train), Test: len(s.Test), From: s.From, To: s.To, Waiting: s.Waiting,
	}
}

func (v *verdict) reject(why ...string) {
	v.Outcome, v.Why = registry.Rejected, strings.Join(why, "; ")
}

func (v *verdict) promote(why string, failed ...string) {
	if v.Outcome, v.Why = registry.Promoted, why; len(failed) > 0 {
		v.Why += ": " + strings.Join(failed, "; ")
	}
}

func (v *verdict) end(at time.Time) registry.RunEnd {
	return registry.RunEnd{At: at.UTC(), Outcome: v.Outcome, Why: v.Why, Version: v.Version, Champion: v.Champion}
}

// line is the verdict in one line.
func (v *verdict) line() string {
	if v.Outcome == registry.Promoted {
		return fmt.Sprintf("promoted %s in place of %s: %s", v.Version, v.Champion, v.Why)
	}
	return fmt.Sprintf("rejected %s, %s goes on serving: %s", v.Version, v.Champion, v.Why)
}

// print writes the verdict for people; its last line, or the last but one with
// JSON, says how it ended.
func (v *verdict) print(w io.Writer, asJSON bool) error {
	fmt.Fprintf(w, "%s\n\n", v.Rows)
	if v.ChampionBuiltIn {
		fmt.Fprintf(w, "No model was published yet: compared with the one that is built into the programs, %s.\n", v.Champion)
	}
	if v.Rows.From != "" && v.ChampionTo >= v.Rows.From {
		fmt.Fprintf(w, "The champion was trained on complaints up to %s and may know some of these test rows.\n", v.ChampionTo)
	}
	fmt.Fprintln(w, "The candidate on the test rows:")
	fmt.Fprintln(w)
	if err := evaluate.Print(w, v.Candidate); err != nil {
		return err
	}
	if c := v.ChampionEvaluation; c.Rows > 0 {
		fmt.Fprintf(w, "\nThe champion on the same rows: accuracy %.4f, macro F1 %.4f, log loss %.4f, ECE %.4f\n", c.Accuracy, c.MacroF1, c.LogLoss, c.ECE)
	} else {
		fmt.Fprintln(w, "\nThe champion has other categories, so it was not asked.")
	}
	fmt.Fprintf(w, "Calibration: raw scores divided by %.4f; ECE on the test rows %.4f before, %.4f after\n", v.Calibration.Temperature, v.Calibration.Before, v.Calibration.After)
	r := v.Review
	fmt.Fprintf(w, "Review: below a probability of %.2f, chosen on %d held-out rows for a precision of %g; on the test rows %.1f%% are above it, %.1f%% of those right\n\n",
		r.Threshold, r.HeldOutRows, r.Wanted, 100*r.Coverage, 100*r.Precision)
	for _, rule := range v.Gate.Rules {
		answer := "no "
		if rule.Passed {
			answer = "yes"
		}
		fmt.Fprintf(w, "gate: %s  %-11s  %s\n", answer, rule.Name, rule.Figures)
	}
	fmt.Fprintf(w, "\n%s\n%s\n", v.Stages, v.line())
	if !asJSON {
		return nil
	}
	return json.NewEncoder(w).Encode(v)
}

// rejectedStatus is the exit status of a training whose candidate was rejected.
const rejectedStatus = 3

// rejectedError says that the candidate was rejected, and the champion goes on
// serving. It is no failure, but scripts want to know.
type rejectedError struct{ line string }

func (e *rejectedError) Error() string { return e.line }

// status is the error of a training that came to a verdict: nil for promoted.
func (v *verdict) status(notRecorded []error) error {
	if err := errors.Join(notRecorded...); err != nil {
		return fmt.Errorf("%s. The model is published, but its evidence is not complete: %w", v.line(), err)
	}
	if v.Outcome == registry.Rejected {
		return &rejectedError{v.line()}
	}
	return nil
}

// params are the parameters of a run for its record.
func (t *training) params(r fit.Recipe) map[string]string {
	l := t.cfg.limits()
	return map[string]string{
		"source": t.source.String(), "window_days": strconv.Itoa(int(t.cfg.Window)), "max_rows": strconv.Itoa(t.cfg.MaxRows),
		"seed": strconv.FormatUint(t.cfg.Seed, 10), "recipe": r.Name, "leaves": strconv.Itoa(r.Leaves),
		"learning_rate": number(r.LearningRate), "feature_fraction": number(r.FeatureFraction), "bagging_fraction": number(r.BaggingFraction),
		"l2": number(r.L2), "min_rows_leaf": strconv.Itoa(r.MinRowsLeaf), "chosen_terms": strconv.Itoa(r.Chosen),
		"rows_read": strconv.Itoa(t.verdict.Rows.Read), "rows_train": strconv.Itoa(t.verdict.Rows.Train), "rows_test": strconv.Itoa(t.verdict.Rows.Test),
		"test_from": t.verdict.Rows.From, "test_to": t.verdict.Rows.To, "review_precision": number(t.cfg.ReviewPrecision),
		"gate_macro_f1_margin": number(l.MacroF1Margin), "gate_recall_margin": number(l.RecallMargin), "gate_max_ece": number(l.MaxECE),
		"gate_max_slowdown": number(l.MaxSlowdown), "gate_min_class_rows": strconv.Itoa(l.MinRows),
		"champion": t.verdict.Champion,
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// keepEvidence hands all that is known to the recorders. The verdict has come by
// then: one that is slow delays nothing, and one that fails loses nothing.
func (t *training) keepEvidence(ctx context.Context, parts map[string][]byte) error {
	v := &t.verdict
	metrics := slices.Concat(v.roundMetrics(), metricsOf("", v.Candidate), v.championMetrics(), []registry.Metric{
		{Name: "temperature", Value: v.Calibration.Temperature},
		{Name: "ece_before_calibration", Value: v.Calibration.Before},
		{Name: "review_threshold", Value: v.Review.Threshold},
		{Name: "review_coverage", Value: v.Review.Coverage},
		{Name: "review_precision", Value: v.Review.Precision},
		{Name: "macro_f1_difference_low", Value: v.Gate.MacroF1Difference.Low},
		{Name: "macro_f1_difference_high", Value: v.Gate.MacroF1Difference.High},
	})
	t.record.Do(func(r registry.Recorder) error { return r.Log(ctx, metrics) })
	picture, err := evaluate.Picture(v.Candidate)
	if err != nil {
		return err
	}
	found, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	t.record.Do(func(r registry.Recorder) error { return r.Artifact(ctx, "confusion_matrix.png", picture) })
	t.record.Do(func(r registry.Recorder) error { return r.Artifact(ctx, "verdict.json", append(found, '\n')) })
	names, err := classifier.PartNames(parts[classifier.ManifestPart])
	if err != nil {
		return err
	}
	for _, name := range names {
		t.record.Do(func(r registry.Recorder) error { return r.Artifact(ctx, registry.BundleFolder+name, parts[name]) })
	}
	return nil
}

// championMetrics are none where the champion is of another taxonomy.
func (v *verdict) championMetrics() []registry.Metric {
	if v.ChampionEvaluation.Rows == 0 {
		return nil
	}
	return metricsOf("champion_", v.ChampionEvaluation)
}

func (v *verdict) roundMetrics() []registry.Metric {
	out := make([]registry.Metric, len(v.losses))
	for i, l := range v.losses {
		out[i] = registry.Metric{Name: "round_log_loss", Value: l, Step: i + 1}
	}
	return out
}

// metricsOf are the metrics of an evaluation, the categories' too.
func metricsOf(prefix string, e evaluate.Result) []registry.Metric {
	m := e.Metrics
	out := []registry.Metric{
		{Name: prefix + "accuracy", Value: m.Accuracy},
		{Name: prefix + "macro_f1", Value: m.MacroF1},
		{Name: prefix + "log_loss", Value: m.LogLoss},
		{Name: prefix + "ece", Value: m.ECE},
	}
	for _, c := range e.Classes {
		name := prefix + metricName(c.Name)
		out = append(out, registry.Metric{Name: name + "_precision", Value: c.Precision}, registry.Metric{Name: name + "_recall", Value: c.Recall}, registry.Metric{Name: name + "_f1", Value: c.F1})
	}
	return out
}

// metricName is a category's name as a part of the name of a metric: MLflow takes
// letters, digits, spaces and some signs.
func metricName(category string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '.':
			return unicode.ToLower(r)
		}
		return '_'
	}, category)
}
