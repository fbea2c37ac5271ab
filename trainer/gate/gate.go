// Package gate decides whether a new model, the candidate, may take the place
// of the one that serves, the champion.
//
// In come what both predicted of the same rows, and the limits; out comes a decision
// with the figures that each rule went by. It is arithmetic alone: equal input
// gives an equal decision, and nothing is lost in a crash.
package gate

import (
	"fmt"
	"time"

	"complaints/trainer/evaluate"
)

// Limits are how much worse a candidate may be, and what it must be in itself.
type Limits struct {
	MacroF1Margin float64 `json:"macro_f1_margin"` // fall of the macro F1, absolute
	RecallMargin  float64 `json:"recall_margin"`   // fall of any one category's recall, absolute
	MaxECE        float64 `json:"max_ece"`         // expected calibration error
	MaxSlowdown   float64 `json:"max_slowdown"`    // scoring time of a text, times the champion's
	MinRows       int     `json:"min_rows"`        // of each category, among the train rows and among the test rows
}

// Model is what a model did on the test rows.
type Model struct {
	Predicted []int // category code, by row
	ECE       float64
	Scoring   time.Duration // of a text
}

// Input is all that a decision goes by. Truth and both Predicted are of the same
// rows, in the same order.
type Input struct {
	Categories []string // their names, by code
	Truth      []int    // category code, by row
	Trained    []int    // train rows of each category
	Candidate  Model
	Champion   Model
	Seed       uint64 // of the resamples
}

// Rule is one question of the gate and its answer.
type Rule struct {
	Name    string `json:"name"`
	Passed  bool   `json:"passed"`
	Figures string `json:"figures"` // for people
}

// Decision is the answers to all questions. Passed says that all were passed.
type Decision struct {
	Passed            bool     `json:"passed"`
	MacroF1           float64  `json:"macro_f1"`          // the candidate's
	ChampionMacroF1   float64  `json:"champion_macro_f1"` // on the same rows
	MacroF1Difference Interval `json:"macro_f1_difference"`
	Rules             []Rule   `json:"rules"`
}

// Failed are the answers of the rules that were not passed.
func (d Decision) Failed() []string {
	var out []string
	for _, r := range d.Rules {
		if !r.Passed {
			out = append(out, r.Figures)
		}
	}
	return out
}

// Decide asks all rules; it does not stop at the first that fails.
func Decide(in Input, limits Limits) (Decision, error) {
	n := len(in.Truth)
	if n == 0 || len(in.Candidate.Predicted) != n || len(in.Champion.Predicted) != n {
		return Decision{}, fmt.Errorf("gate: %d test rows, of which the candidate predicted %d and the champion %d; need the same number above zero",
			n, len(in.Candidate.Predicted), len(in.Champion.Predicted))
	}
	categories := len(in.Categories)
	candidate, champion := evaluate.NewConfusion(categories, in.Truth, in.Candidate.Predicted), evaluate.NewConfusion(categories, in.Truth, in.Champion.Predicted)
	d := Decision{
		MacroF1: candidate.MacroF1(), ChampionMacroF1: champion.MacroF1(),
		MacroF1Difference: bootstrap(categories, in.Truth, in.Candidate.Predicted, in.Champion.Predicted, in.Seed),
	}
	d.Rules = []Rule{
		limits.rows(&in, candidate),
		limits.macroF1(d),
		limits.recall(&in, candidate, champion),
		limits.calibration(in.Candidate.ECE, in.Champion.ECE),
		limits.speed(in.Candidate.Scoring, in.Champion.Scoring),
	}
	d.Passed = len(d.Failed()) == 0
	return d, nil
}

// DecideAlone asks what can be asked of a candidate by itself, where there is no
// champion of its taxonomy to compare it with: rows and calibration. Another is what
// the caller asks besides.
func DecideAlone(in Input, limits Limits, another Rule) (Decision, error) {
	n := len(in.Truth)
	if n == 0 || len(in.Candidate.Predicted) != n {
		return Decision{}, fmt.Errorf("gate: %d test rows, of which the candidate predicted %d; need the same number above zero", n, len(in.Candidate.Predicted))
	}
	candidate := evaluate.NewConfusion(len(in.Categories), in.Truth, in.Candidate.Predicted)
	d := Decision{MacroF1: candidate.MacroF1()}
	d.Rules = []Rule{another, limits.rows(&in, candidate), {
		Name: "calibration", Passed: in.Candidate.ECE <= limits.MaxECE,
		Figures: fmt.Sprintf("the expected calibration error is %.4f; it may be %g", in.Candidate.ECE, limits.MaxECE),
	}}
	d.Passed = len(d.Failed()) == 0
	return d, nil
}

// rows asks for enough rows of each category, without which no other figure
// means much.
func (l Limits) rows(in *Input, t evaluate.Confusion) Rule {
	least, where, side := -1, "", ""
	for c, name := range in.Categories {
		for _, s := range []struct {
			rows int
			side string
		}{{in.Trained[c], "train rows"}, {t.Class(c).Rows, "test rows"}} {
			if least < 0 || s.rows < least {
				least, where, side = s.rows, name, s.side
			}
		}
	}
	return Rule{
		Name: "rows", Passed: least >= l.MinRows,
		Figures: fmt.Sprintf("%s has %d %s, the fewest of all categories; at least %d are needed", where, least, side, l.MinRows),
	}
}

func (l Limits) macroF1(d Decision) Rule {
	difference := d.MacroF1 - d.ChampionMacroF1
	return Rule{
		Name: "macro_f1", Passed: difference >= -l.MacroF1Margin,
		Figures: fmt.Sprintf("macro F1 is %.4f against the champion's %.4f, %+.4f (95%% interval %+.4f to %+.4f); it may fall by %g",
			d.MacroF1, d.ChampionMacroF1, difference, d.MacroF1Difference.Low, d.MacroF1Difference.High, l.MacroF1Margin),
	}
}

// recall asks for the category that lost most. One that has no test row has no
// recall; rows asks for that.
func (l Limits) recall(in *Input, candidate, champion evaluate.Confusion) Rule {
	worst, at := 0.0, 0
	for c := range in.Categories {
		if fall := champion.Class(c).Recall - candidate.Class(c).Recall; c == 0 || fall > worst {
			worst, at = fall, c
		}
	}
	return Rule{
		Name: "recall", Passed: worst <= l.RecallMargin,
		Figures: fmt.Sprintf("%s has the worst change of recall, from %.4f to %.4f on %d rows; it may fall by %g",
			in.Categories[at], champion.Class(at).Recall, candidate.Class(at).Recall, champion.Class(at).Rows, l.RecallMargin),
	}
}

func (l Limits) calibration(candidate, champion float64) Rule {
	return Rule{
		Name: "calibration", Passed: candidate <= l.MaxECE,
		Figures: fmt.Sprintf("the expected calibration error is %.4f, the champion's %.4f; it may be %g", candidate, champion, l.MaxECE),
	}
}

func (l Limits) speed(candidate, champion time.Duration) Rule {
	times := float64(candidate) / float64(max(champion, 1))
	return Rule{
		Name: "speed", Passed: times <= l.MaxSlowdown,
		Figures: fmt.Sprintf("a text takes %s, %.2f times the champion's %s; it may be %g times",
			candidate.Round(100*time.Nanosecond), times, champion.Round(100*time.Nanosecond), l.MaxSlowdown),
	}
}
