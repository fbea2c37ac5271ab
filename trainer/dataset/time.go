package dataset

import (
	"slices"
	"time"

	"complaints/schema"
)

const (
	// testShare is the share of the rows that are tested on.
	testShare = 0.2
	// testEnough is how many dated rows are enough to test on, whatever their
	// share: the standard error of an accuracy of 0.87 is then 0.0024.
	testEnough = 20_000
	// leastDated is how many dated rows a split by time needs.
	leastDated = 100
)

// TimeSplit is train rows and newer test rows. The test rows have one of each
// group of near-copies, and none of those that the train rows have.
type TimeSplit struct {
	Split
	From, To   string // first and last date of the dated test rows; empty if all were drawn by hash
	NearCopies int    // of train rows, or of other test rows, in neither list
	Waiting    int    // of the newest week, which is not over, in neither list
}

// SplitByTime tests on the newest complete weeks, because a model serves on what
// comes after it was made, and the mix of subjects and words moves with time: a
// draw by chance flatters (see the README). A week is complete when a row of its
// Sunday, or of a later day, has come; of the one that is not, narratives are
// still being published, the quick subjects first, so it waits for the next
// training. As many weeks are taken as are needed for a fifth of the dated rows,
// or for enough of them. Rows without a date are drawn by the hash of their
// group; so are all, if there are too few dates or one week has most of them.
func SplitByTime(examples []Example, rows []int, seed uint64) TimeSplit {
	first, end := testWeeks(examples, rows)
	var s TimeSplit
	var newer []int
	seen := map[uint64]bool{}
	for _, r := range rows {
		e := &examples[r]
		dated := first != "" && e.Date != ""
		switch {
		case dated && e.Date >= end:
			s.Waiting++
		case dated && e.Date >= first, !dated && foldOf(e.Group, seed, int(1/testShare)) == 0:
			newer = append(newer, r)
		default:
			s.Train = append(s.Train, r)
			seen[e.Group] = true
		}
	}
	for _, r := range newer {
		e := &examples[r]
		if seen[e.Group] {
			s.NearCopies++
			continue
		}
		seen[e.Group] = true
		s.Test = append(s.Test, r)
		if first != "" && e.Date != "" {
			s.To = max(s.To, e.Date)
			if s.From == "" || e.Date < s.From {
				s.From = e.Date
			}
		}
	}
	return s
}

// testWeeks returns the Monday with which the test weeks begin, and the one with
// which they end, or twice "" if there is no good split by time.
func testWeeks(examples []Example, rows []int) (first, end string) {
	perWeek, newest := map[string]int{}, ""
	for _, r := range rows {
		if date := examples[r].Date; date != "" {
			perWeek[weekOf(date)]++
			newest = max(newest, date)
		}
	}
	weeks, total := make([]string, 0, len(perWeek)), 0
	for w, n := range perWeek {
		weeks = append(weeks, w)
		total += n
	}
	slices.Sort(weeks)
	if total < leastDated {
		return "", ""
	}
	last := weeks[len(weeks)-1]
	end = addDays(last, 7)
	if addDays(newest, 1) < end {
		end, total = last, total-perWeek[last]
		weeks = weeks[:len(weeks)-1]
	}
	tested := 0
	for i := len(weeks) - 1; i > 0; i-- {
		tested += perWeek[weeks[i]]
		if float64(tested) >= testShare*float64(total) || tested >= testEnough {
			if 2*tested > total {
				return "", ""
			}
			return weeks[i], end
		}
	}
	return "", ""
}

// weekOf is the Monday of a date's week.
func weekOf(date string) string {
	t, _ := schema.ParseDate(date) // the dates of examples were parsed
	return addDays(date, -(int(t.Weekday())+6)%7)
}

func addDays(date string, n int) string {
	t, _ := schema.ParseDate(date)
	return t.AddDate(0, 0, n).Format(time.DateOnly)
}
