package dataset

import (
	"slices"
	"time"

	"complaints/schema"
)

const (
	// testShare is the share of the rows that a training is judged by.
	testShare = 0.2
	// testEnough is how many dated rows are enough to judge by, whatever their
	// share: the standard error of an accuracy of 0.87 is then 0.0024.
	testEnough = 20_000
	// leastDated is how many dated rows a split by time needs.
	leastDated = 100
)

// Cut is rows to fit on and rows to judge by, as places in a list.
type Cut struct {
	Split
	From, To string // first and last date of the dated rows to judge by; empty if all were drawn by hash
	Waiting  int    // rows of the newest week, which is not over, in neither list
}

// SplitByTime judges by the newest complete weeks, because a model serves on what
// comes after it was made, and the mix of subjects and words moves with time: a
// draw by chance flatters (see the README). A week is complete when a row of its
// Sunday, or of a later day, has come; of the one that is not, narratives are
// still being published, the quick subjects first, so it waits for the next
// training. As many weeks are taken as are needed for a fifth of the dated rows,
// or for enough of them. Rows without a date are drawn by the hash of their
// group; so are all, if there are too few dates or one week has most of them.
// Every group of near-copies has one row here, so none is on both sides.
func SplitByTime(examples []Example, seed uint64) Cut {
	var c Cut
	perWeek := map[string]int{}
	newest := ""
	for _, e := range examples {
		if e.Date != "" {
			perWeek[weekOf(e.Date)]++
			newest = max(newest, e.Date)
		}
	}
	first, end := newestWeeks(perWeek, newest)
	for i, e := range examples {
		switch {
		case first == "" || e.Date == "":
			if foldOf(e.Group, seed, int(1/testShare)) == 0 {
				c.Judge = append(c.Judge, i)
			} else {
				c.Fit = append(c.Fit, i)
			}
		case e.Date < first:
			c.Fit = append(c.Fit, i)
		case e.Date < end:
			c.Judge = append(c.Judge, i)
			c.To = max(c.To, e.Date)
			if c.From == "" || e.Date < c.From {
				c.From = e.Date
			}
		default:
			c.Waiting++
		}
	}
	return c
}

// newestWeeks returns the Monday with which the weeks to judge by begin, and the
// one with which they end, or twice "" if there is no good split by time.
func newestWeeks(perWeek map[string]int, newest string) (first, end string) {
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
	judged := 0
	for i := len(weeks) - 1; i > 0; i-- {
		judged += perWeek[weeks[i]]
		if float64(judged) >= testShare*float64(total) || judged >= testEnough {
			if 2*judged > total {
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
