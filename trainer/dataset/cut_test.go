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
		for range n {
			out = append(out, Example{Date: d, Group: Mix(uint64(len(out)))})
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

func TestCutByTime(t *testing.T) {
	tenWeeks := weeksFrom("2026-01-07", 10) // Wednesdays; the last is 2026-03-11
	for name, test := range map[string]struct {
		examples          []Example
		from, to          string
		fit, judge, waits int // judge below 0: by hash
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
			c := SplitByTime(test.examples, 1)
			if test.judge < 0 {
				n := len(test.examples)
				if c.From != "" || c.Waiting != 0 || len(c.Fit)+len(c.Judge) != n || len(c.Judge) < n/10 || len(c.Judge) > n/3 {
					t.Errorf("%d to fit, %d to judge from %q, %d wait; want all of %d, a fifth by hash", len(c.Fit), len(c.Judge), c.From, c.Waiting, n)
				}
				return
			}
			if c.From != test.from || c.To != test.to || len(c.Fit) != test.fit || len(c.Judge) != test.judge || c.Waiting != test.waits {
				t.Errorf("%d to fit, %d to judge from %s to %s, %d wait; want %+v", len(c.Fit), len(c.Judge), c.From, c.To, c.Waiting, test)
			}
			for _, r := range c.Fit {
				if test.examples[r].Date >= c.From {
					t.Fatalf("fitted on %s, judged from %s on", test.examples[r].Date, c.From)
				}
			}
		})
	}
}

func TestUndatedRowsAreCutByTheirGroup(t *testing.T) {
	examples := append(dated(30, weeksFrom("2026-01-07", 10)...), dated(500, "")...)
	first := SplitByTime(examples, 1)
	if n := len(first.Judge); n < 60+60 || n > 60+150 {
		t.Errorf("%d rows to judge by, want 60 with a date and about 100 without", n)
	}
	slices.Reverse(examples)
	sides := func(c Cut, reversed bool) map[uint64]bool {
		out := map[uint64]bool{}
		for _, r := range c.Judge {
			if reversed {
				out[examples[r].Group] = true
			} else {
				out[examples[len(examples)-1-r].Group] = true
			}
		}
		return out
	}
	if a, b := sides(first, false), sides(SplitByTime(examples, 1), true); fmt.Sprint(a) != fmt.Sprint(b) {
		t.Error("another order of the rows gives another cut")
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
