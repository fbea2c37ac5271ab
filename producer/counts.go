package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// counts are what a run did so far. Any goroutine may read and add.
type counts struct {
	read, published atomic.Int64

	// The reasons why a row that was read was not published.
	noNarrative atomic.Int64 // it has no text
	broken      atomic.Int64 // it cannot be read
	tooLarge    atomic.Int64 // the topic does not take a message of its size
	resumed     atomic.Int64 // an earlier run published it (--resume)
	seen        atomic.Int64 // the API gave it again
	unfinished  atomic.Int64 // the file ends within it (--resume): the next run publishes it

	refused atomic.Int64 // published, and the consumer will not classify it: its text is too long, or masked all over

	mu      sync.Mutex
	leftOut map[string]int64 // values that were no date or no text, by field
}

// leaveOut counts a value, and returns how many there were before.
func (c *counts) leaveOut(field string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leftOut == nil {
		c.leftOut = map[string]int64{}
	}
	var before int64
	for _, n := range c.leftOut {
		before += n
	}
	c.leftOut[field]++
	return before
}

// nothing says that rows were read, and none of them is classified, now or later.
func (c *counts) nothing() bool {
	return c.read.Load() > 0 && max(c.published.Load()-c.refused.Load(), 0)+c.resumed.Load()+c.seen.Load()+c.unfinished.Load() == 0
}

// skipped are the reasons in the order of the summary.
type skipped struct {
	NoNarrative      int64 `json:"no_narrative"`
	Broken           int64 `json:"broken"`
	TooLarge         int64 `json:"too_large"`
	PublishedEarlier int64 `json:"published_earlier"`
	SeenAgain        int64 `json:"seen_again"`
	Unfinished       int64 `json:"unfinished"`
}

// summary is what a run did. RowsRead = Published + the skipped of all reasons +
// what was in flight when a run broke off.
type summary struct {
	RowsRead  int64   `json:"rows_read"`
	Published int64   `json:"published"`
	Refused   int64   `json:"will_be_dead_lettered"` // of the published ones
	Skipped   skipped `json:"skipped"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"` // published
	Complete  bool    `json:"complete"`   // the input ended, or the limit was reached

	LeftOut map[string]int64 `json:"values_left_out,omitempty"` // by field
}

func (c *counts) summary(since time.Time, complete bool) summary {
	s := summary{
		RowsRead: c.read.Load(), Published: c.published.Load(), Complete: complete, Seconds: time.Since(since).Seconds(),
		Skipped: skipped{
			NoNarrative: c.noNarrative.Load(), Broken: c.broken.Load(), TooLarge: c.tooLarge.Load(),
			PublishedEarlier: c.resumed.Load(), SeenAgain: c.seen.Load(),
		},
	}
	s.Refused, s.Skipped.Unfinished = c.refused.Load(), c.unfinished.Load()
	c.mu.Lock()
	s.LeftOut = maps.Clone(c.leftOut)
	c.mu.Unlock()
	s.PerSecond = float64(s.Published) / max(s.Seconds, 1e-9)
	return s
}

func (s summary) write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(s)
	}
	state := "published"
	if !s.Complete {
		state = "published before the run was ended"
	}
	if s.Refused > 0 {
		state += fmt.Sprintf(" (%d of them the consumer will not classify)", s.Refused)
	}
	leftOut := ""
	for _, field := range slices.Sorted(maps.Keys(s.LeftOut)) {
		leftOut += fmt.Sprintf(", %d of %s", s.LeftOut[field], field)
	}
	if leftOut != "" {
		leftOut = "; values left out:" + leftOut[1:]
	}
	_, err := fmt.Fprintf(w, "%d rows read, %d %s, skipped: %s%s; %.1f s, %.0f/s\n",
		s.RowsRead, s.Published, state, s.Skipped, leftOut, s.Seconds, s.PerSecond)
	return err
}

// String names the reasons that occurred.
func (s skipped) String() string {
	var parts []string
	for _, reason := range []struct {
		n    int64
		what string
	}{
		{s.NoNarrative, "without a narrative"},
		{s.Broken, "broken"},
		{s.TooLarge, "too large for the topic"},
		{s.PublishedEarlier, "published by an earlier run"},
		{s.SeenAgain, "given again by the API"},
		{s.Unfinished, "unfinished at the end of a file"},
	} {
		if reason.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", reason.n, reason.what))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
