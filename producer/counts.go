package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
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
}

// skipped are the reasons in the order of the summary.
type skipped struct {
	NoNarrative      int64 `json:"no_narrative"`
	Broken           int64 `json:"broken"`
	TooLarge         int64 `json:"too_large"`
	PublishedEarlier int64 `json:"published_earlier"`
	SeenAgain        int64 `json:"seen_again"`
}

// summary is what a run did. RowsRead = Published + the skipped of all reasons +
// what was in flight when a run broke off.
type summary struct {
	RowsRead  int64   `json:"rows_read"`
	Published int64   `json:"published"`
	Skipped   skipped `json:"skipped"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"` // published
	Complete  bool    `json:"complete"`   // the input ended, or the limit was reached
}

func (c *counts) summary(since time.Time, complete bool) summary {
	s := summary{
		RowsRead: c.read.Load(), Published: c.published.Load(), Complete: complete, Seconds: time.Since(since).Seconds(),
		Skipped: skipped{
			NoNarrative: c.noNarrative.Load(), Broken: c.broken.Load(), TooLarge: c.tooLarge.Load(),
			PublishedEarlier: c.resumed.Load(), SeenAgain: c.seen.Load(),
		},
	}
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
	_, err := fmt.Fprintf(w, "%d rows read, %d %s, skipped: %s; %.1f s, %.0f/s\n",
		s.RowsRead, s.Published, state, s.Skipped, s.Seconds, s.PerSecond)
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
