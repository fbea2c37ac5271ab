package bureau

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Window remembers the complaints that were published and received on the last
// days. The days before are over: they are not asked for again. Its JSON is the
// state between runs. One goroutine uses it.
type Window struct {
	from string            // the first day it knows all of, YYYY-MM-DD; empty: it is new
	last string            // the last day a complaint was received on
	days map[string]string // the day of each id
}

// NewWindow returns one that knows nothing.
func NewWindow() *Window { return &Window{days: map[string]string{}} }

// Since returns the day to ask from: overlap days before the last one seen, but
// none that the window no longer knows. A new window begins at first.
func (w *Window) Since(first string, overlap int) string {
	if w.last == "" {
		w.from = first
		return first
	}
	return max(w.from, daysBefore(w.last, overlap))
}

// Has says whether a complaint was published.
func (w *Window) Has(id string) bool {
	_, ok := w.days[id]
	return ok
}

// Add notes a complaint that was published.
func (w *Window) Add(id, day string) { w.days[id] = day }

// Reached notes that all complaints up to a day were met, and forgets those
// that were received more than overlap days before it.
func (w *Window) Reached(day string, overlap int) {
	if day <= w.last {
		return
	}
	w.last = day
	if from := daysBefore(day, overlap); from > w.from {
		w.from = from
		for id, d := range w.days {
			if d < from {
				delete(w.days, id)
			}
		}
	}
}

func daysBefore(day string, n int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, -n).Format(time.DateOnly)
}

type windowState struct {
	From string              `json:"from"`
	Last string              `json:"last_date"`
	Days map[string][]string `json:"published"` // ids by day
}

// MarshalJSON writes the ids by day, sorted.
func (w *Window) MarshalJSON() ([]byte, error) {
	s := windowState{w.from, w.last, map[string][]string{}}
	for id, day := range w.days {
		s.Days[day] = append(s.Days[day], id)
	}
	for _, ids := range s.Days {
		slices.Sort(ids)
	}
	return json.Marshal(s)
}

// UnmarshalJSON reads what MarshalJSON wrote, and nothing else: what it does not
// know would be lost with the next write.
func (w *Window) UnmarshalJSON(b []byte) error {
	var s windowState
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return err
	}
	for _, day := range []string{s.From, s.Last} {
		if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
			return fmt.Errorf("%q is no day", day)
		}
	}
	if s.Last == "" && len(s.Days) > 0 || s.From == "" && s.Last != "" {
		return fmt.Errorf("the state of a window has from %q and last_date %q, want both", s.From, s.Last)
	}
	*w = Window{s.From, s.Last, map[string]string{}}
	for day, ids := range s.Days {
		for _, id := range ids {
			w.days[id] = day
		}
	}
	return nil
}
