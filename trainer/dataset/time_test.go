package dataset

import (
	"fmt"
	"slices"
	"testing"
)

// dated are n examples of each date, all of different groups.
func dated(n int, dates ...string) []Example {
	var out []Example
	for _, d := range dates {
		for i := range n {
			out = append(out, Example{Date: d, Group: rawKey(fmt.Sprint(d, i))})
		}
	}
	return out
}

// weeksFrom are n dates, a week apart.
func weeksFrom(date string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, addDays(date, 7*i))
	}
	return out
}

func TestSplitByTime(t *testing.T) {
	tenWeeks := weeksFrom("2026-01-07", 10) // Wednesdays; the last is 2026-03-11
	for name, test := range map[string]struct {
		examples           []Example
		from, to           string
		train, test, waits int // test below 0: by hash
	}{
		"the newest week is not over": {dated(30, tenWeeks...), "2026-02-25", "2026-03-04", 210, 60, 30},
		"its Sunday has come":         {dated(30, append(tenWeeks, "2026-03-15")...), "2026-03-04", "2026-03-15", 240, 90, 0},
		"its Saturday has come":       {dated(30, append(tenWeeks, "2026-03-14")...), "2026-02-25", "2026-03-04", 210, 60, 60},
		"enough rows in one week":     {dated(testEnough, append(slices.Clone(tenWeeks), "2026-03-15")...), "2026-03-11", "2026-03-15", 9 * testEnough, 2 * testEnough, 0},
		"too few dates":               {dated(9, tenWeeks...), "", "", 0, -1, 0},
		"no dates":                    {dated(300, ""), "", "", 0, -1, 0},
		"one week has most": {
			append(dated(400, "2026-03-04"), dated(20, append(weeksFrom("2026-01-07", 5), "2026-03-11")...)...), "", "", 0, -1, 0,
		},
		"all in one week": {dated(200, "2026-03-04"), "", "", 0, -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := SplitByTime(test.examples, AllRows(len(test.examples)), 1)
			if test.test < 0 {
				n := len(test.examples)
				if c.From != "" || c.Waiting != 0 || len(c.Train)+len(c.Test) != n || len(c.Test) < n/10 || len(c.Test) > n/3 {
					t.Errorf("%d train rows, %d test rows from %q, %d wait; want all of %d, a fifth by hash", len(c.Train), len(c.Test), c.From, c.Waiting, n)
				}
				return
			}
			if c.From != test.from || c.To != test.to || len(c.Train) != test.train || len(c.Test) != test.test || c.Waiting != test.waits {
				t.Errorf("%d train rows, %d test rows from %s to %s, %d wait; want %+v", len(c.Train), len(c.Test), c.From, c.To, c.Waiting, test)
			}
			for _, r := range c.Train {
				if test.examples[r].Date >= c.From {
					t.Fatalf("trained on %s, tested from %s on", test.examples[r].Date, c.From)
				}
			}
		})
	}
}

func TestSplitByTimeDrawsUndatedRowsByTheirGroup(t *testing.T) {
	examples := append(dated(30, weeksFrom("2026-01-07", 10)...), dated(500, "")...)
	first := SplitByTime(examples, AllRows(len(examples)), 1)
	if n := len(first.Test); n < 60+60 || n > 60+150 {
		t.Errorf("%d test rows, want 60 with a date and about 100 without", n)
	}
	slices.Reverse(examples)
	sides := func(c TimeSplit, reversed bool) map[uint64]bool {
		out := map[uint64]bool{}
		for _, r := range c.Test {
			if reversed {
				out[examples[r].Group] = true
			} else {
				out[examples[len(examples)-1-r].Group] = true
			}
		}
		return out
	}
	if a, b := sides(first, false), sides(SplitByTime(examples, AllRows(len(examples)), 1), true); fmt.Sprint(a) != fmt.Sprint(b) {
		t.Error("another order of the rows gives another split")
	}
}

func TestWeekOf(t *testing.T) {
	for date, want := range map[string]string{
		"2026-11-22": "2026-11-16", "2026-11-23": "2026-11-23", "2026-11-24": "2026-11-23", "2026-01-01": "2025-12-29", "2024-02-29": "2024-02-26",
	} {
		if got := weekOf(date); got != want {
			t.Errorf("the Monday of %s is %s, want %s", date, got, want)
		}
	}
}

// A near-copy of a train row says nothing new of a model, nor does a second one of
// a test row.
func TestSplitByTimeTestsOnNoNearCopies(t *testing.T) {
	examples := dated(30, append(weeksFrom("2026-01-07", 10), "2026-03-15")...)
	for _, undated := range []uint64{1, 2, 3} {
		examples = append(examples, Example{Group: undated}, Example{Group: undated})
	}
	old, last := examples[0].Group, len(examples)
	examples = append(examples, Example{Date: "2026-03-12", Group: old}, Example{Date: "2026-03-12", Group: 77}, Example{Date: "2026-03-13", Group: 77})
	s := SplitByTime(examples, AllRows(len(examples)), 1)
	if len(s.Train)+len(s.Test)+s.NearCopies+s.Waiting != len(examples) || s.NearCopies < 2 {
		t.Errorf("%d train rows, %d test rows, %d near-copies and %d that wait are not all of %d", len(s.Train), len(s.Test), s.NearCopies, s.Waiting, len(examples))
	}
	sides := map[uint64]string{}
	for _, r := range s.Train {
		sides[examples[r].Group] = "train"
	}
	for _, r := range s.Test {
		if side := sides[examples[r].Group]; side != "" {
			t.Errorf("row %d is a test row, and a near-copy of a %s row", r, side)
		}
		sides[examples[r].Group] = "test"
	}
	if !slices.Contains(s.Test, last+1) || slices.Contains(s.Test, last) || slices.Contains(s.Test, last+2) {
		t.Errorf("of the rows from %d on these are test rows: %v", last, s.Test)
	}
}
