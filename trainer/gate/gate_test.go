package gate

import (
	"math"
	"strings"
	"testing"
	"time"

	"complaints/schema"
)

// perClass is how many rows of each category the tests have.
const perClass = 200

// rows are the true categories, and an answer that is wrong in every so manyth
// row of each category.
func rows(wrongEvery []int) (truth, predicted []int) {
	for c := range wrongEvery {
		for i := range perClass {
			truth = append(truth, c)
			answer := c
			if w := wrongEvery[c]; w > 0 && i%w == 0 {
				answer = (c + 1) % len(wrongEvery)
			}
			predicted = append(predicted, answer)
		}
	}
	return truth, predicted
}

func usual() (Input, Limits) {
	in := Input{Categories: schema.Bureau().Names(), Trained: make([]int, 5), Seed: 1}
	in.Truth, in.Candidate.Predicted = rows([]int{10, 10, 10, 10, 10})
	in.Champion.Predicted = in.Candidate.Predicted
	in.Candidate.ECE, in.Champion.ECE = 0.02, 0.03
	in.Candidate.Scoring, in.Champion.Scoring = 30*time.Microsecond, 25*time.Microsecond
	for k := range in.Trained {
		in.Trained[k] = 500
	}
	return in, Limits{MacroF1Margin: 0.005, RecallMargin: 0.05, MaxECE: 0.06, MaxSlowdown: 2, MinRows: 30}
}

func TestDecide(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Input, *Limits)
		failed string   // the rule that fails; none if empty
		says   []string // what it must say
	}{
		"equal":                   {func(*Input, *Limits) {}, "", nil},
		"better":                  {func(in *Input, _ *Limits) { in.Candidate.Predicted = in.Truth }, "", nil},
		"as many rows as wanted":  {func(_ *Input, l *Limits) { l.MinRows = perClass }, "", nil},
		"too few test rows":       {func(_ *Input, l *Limits) { l.MinRows = perClass + 1 }, "rows", []string{"200", "test rows", "201"}},
		"too few train rows":      {func(in *Input, _ *Limits) { in.Trained[2] = 29 }, "rows", []string{"Loans", "29", "train rows", "30"}},
		"a little worse":          {func(in *Input, _ *Limits) { in.Candidate.Predicted[1] = 3 }, "", nil},
		"macro F1 fell":           {worse([]int{7, 7, 7, 7, 7}), "macro_f1", []string{"0.8550", "0.9000", "-0.0450", "0.005"}},
		"macro F1 within margin":  {func(in *Input, l *Limits) { worse([]int{7, 7, 7, 7, 7})(in, l); l.MacroF1Margin = 0.05 }, "", nil},
		"one recall fell":         {func(in *Input, l *Limits) { worse([]int{0, 0, 5, 0, 0})(in, l) }, "recall", []string{"Loans", "0.9000", "0.8000", "200", "0.05"}},
		"badly calibrated":        {func(in *Input, _ *Limits) { in.Candidate.ECE = 0.0601 }, "calibration", []string{"0.0601", "0.0300", "0.06"}},
		"slow":                    {func(in *Input, _ *Limits) { in.Candidate.Scoring = 51 * time.Microsecond }, "speed", []string{"51µs", "2.04", "25µs"}},
		"as slow as it may be":    {func(in *Input, _ *Limits) { in.Candidate.Scoring = 50 * time.Microsecond }, "", nil},
		"not a number is no pass": {func(in *Input, _ *Limits) { in.Candidate.ECE = math.NaN() }, "calibration", nil},
	} {
		t.Run(name, func(t *testing.T) {
			in, limits := usual()
			in.Candidate.Predicted = append([]int(nil), in.Candidate.Predicted...)
			test.change(&in, &limits)
			d, err := Decide(in, limits)
			if err != nil {
				t.Fatal(err)
			}
			if d.Passed != (test.failed == "") {
				t.Errorf("passed is %t: %q", d.Passed, d.Failed())
			}
			for _, r := range d.Rules {
				if r.Passed != (r.Name != test.failed) {
					t.Errorf("rule %s passed is %t: %s", r.Name, r.Passed, r.Figures)
				}
				for _, w := range test.says {
					if r.Name == test.failed && !strings.Contains(r.Figures, w) {
						t.Errorf("rule %s says %q, which does not name %q", r.Name, r.Figures, w)
					}
				}
			}
		})
	}
}

// worse makes the candidate wrong in every so manyth row.
func worse(wrongEvery []int) func(*Input, *Limits) {
	return func(in *Input, _ *Limits) { _, in.Candidate.Predicted = rows(wrongEvery) }
}

func TestAllRulesAreAsked(t *testing.T) {
	in, limits := usual()
	_, in.Candidate.Predicted = rows([]int{2, 2, 2, 2, 2})
	in.Candidate.ECE, in.Candidate.Scoring, limits.MinRows = 0.5, time.Second, 1000
	d, err := Decide(in, limits)
	if err != nil || len(d.Failed()) != 5 {
		t.Errorf("failed %q, error %v; want all five rules", d.Failed(), err)
	}
}

func TestDifferentRowsAreAnError(t *testing.T) {
	in, limits := usual()
	in.Champion.Predicted = in.Champion.Predicted[1:]
	if _, err := Decide(in, limits); err == nil || !strings.Contains(err.Error(), "999") {
		t.Errorf("error is %v, want one that names 999", err)
	}
	if _, err := Decide(Input{}, limits); err == nil {
		t.Error("no rows are no error")
	}
}

func TestBootstrap(t *testing.T) {
	truth, worse := rows([]int{8, 8, 8, 8, 8})
	_, better := rows([]int{16, 16, 16, 16, 16})
	first := bootstrap(5, truth, better, worse, 1)
	if !(first.Low > 0 && first.Low < 0.065 && first.High > 0.065 && first.High < 0.1) {
		t.Errorf("the interval of a difference of about 0.065 is %v", first)
	}
	if again := bootstrap(5, truth, better, worse, 1); again != first {
		t.Errorf("equal seeds gave %v and %v", first, again)
	}
	if other := bootstrap(5, truth, better, worse, 2); other == first {
		t.Errorf("another seed gave the same %v", other)
	}
	// Both answers are drawn together: two equal models never differ.
	if same := bootstrap(5, truth, worse, worse, 1); same != (Interval{}) {
		t.Errorf("equal models differ by %v", same)
	}
}
