package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"complaints/schema"
)

// admission decides which complaints go to the topic, and counts the others.
// The goroutine that publishes owns it.
type admission struct {
	counts       *counts
	log          *slog.Logger
	strict       bool
	maxTextBytes int
}

// admit says whether to publish a complaint, and gives it an id if it has none.
// leftOut are fields whose value could not be used; where are attributes of the
// log that say where the complaint stands. Its error ends the run.
func (a *admission) admit(c *schema.Complaint, leftOut []string, where ...any) (bool, error) {
	for _, field := range leftOut {
		if a.strict {
			return false, fmt.Errorf("%w: %v: field %s holds no %s", errStrict, where, field, schema.KindOf(field))
		}
		if a.counts.leaveOut(field) < maxLogged {
			a.log.Warn("a value cannot be used and is left out", append(where, "field", field, "want", schema.KindOf(field))...)
		}
	}
	if strings.TrimSpace(c.Narrative) == "" {
		a.counts.noNarrative.Add(1)
		return false, nil
	}
	// What is known to become a dead letter is no success.
	if err := c.Check(a.maxTextBytes); err != nil {
		if a.strict {
			return false, fmt.Errorf("%w: %v: %w", errStrict, where, err)
		}
		if a.counts.refused.Add(1); a.counts.refused.Load() <= maxLogged {
			a.log.Warn("the consumer will not classify this complaint: it becomes a dead letter", append(where, "err", err)...)
		}
	}
	if c.ComplaintID == "" {
		c.ComplaintID = c.DerivedID()
	}
	return true, nil
}

// unfinished leaves the last row of a file to the next run, since it may still be written.
func (a *admission) unfinished(name string) {
	a.counts.read.Add(1)
	a.counts.unfinished.Add(1)
	a.log.Warn("the last row has no line end and may still be written; it is left to the next run, or to one without --resume", "file", name)
}

// shownID is an id for logs and errors. Where columns are shifted, it is the complaint's text, which is not shown.
func shownID(id string) string {
	if len(id) > 64 || strings.ContainsAny(id, " \t\n") {
		return fmt.Sprintf("with an id of %d bytes", len(id))
	}
	return id
}

// errNothing says that nothing of what was read is on the topic.
var errNothing = errors.New("no complaint is published that can be classified (--allow-empty takes that for a success)")

// noNarratives is what became of the Bureau's data.
const noNarratives = "the Bureau has published no narratives since August 2026, and complaints without one cannot be classified"

// checkEmpty returns an error if there were rows, and nothing came of them.
func (a *app) checkEmpty() error {
	s := a.counts.summary(a.start, true)
	switch {
	case a.cfg.AllowEmpty || !a.counts.nothing():
		return nil
	case a.cfg.Labels:
		return fmt.Errorf("no label is published (--allow-empty takes that for a success): %d rows read, skipped: %s", s.RowsRead, s.Skipped)
	case s.Skipped.NoNarrative == s.RowsRead:
		return fmt.Errorf("%w: none of %d rows has a narrative; %s", errNothing, s.RowsRead, noNarratives)
	}
	return fmt.Errorf("%w: %d rows read, %d published that the consumer will not classify, skipped: %s", errNothing, s.RowsRead, s.Refused, s.Skipped)
}
