package api

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"complaints/schema"
)

// Stream is what the stream roles of this process do, for the live page.
type Stream interface {
	Activity() Activity
}

// Activity is what the stream roles did so far. Counters only grow; the page makes
// rates of them.
type Activity struct {
	Classified  map[string]int64 // by category
	DeadLetters map[schema.Reason]int64
	Partitions  []Partition // held now
	Lag         int64       // messages of those partitions that wait; -1 where it is not known
	Latest      []Sample    // newest first
}

// Partition is one that the process holds.
type Partition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

// Sample is a classified complaint, its text shortened and masked.
type Sample struct {
	ID          string      `json:"id"`
	Category    string      `json:"category"`
	Code        int         `json:"code"`
	Probability float64     `json:"probability"`
	NeedsReview bool        `json:"needs_review"`
	Text        string      `json:"text"`
	At          schema.Time `json:"at"`
}

// ActivityLog collects what the stream roles do. Its methods may be called by
// any goroutine; the zero value is ready.
type ActivityLog struct {
	mu          sync.Mutex // guards all below
	classified  map[string]int64
	deadLetters map[schema.Reason]int64
	held        []Partition
	lag         int64
	latest      []Sample // oldest first
	sampled     time.Time
}

const (
	maxLatest = 12
	// excerptBytes is how much of a text the page shows.
	excerptBytes = 160
	// sampleEvery keeps the list readable, and its cost off a fast stream.
	sampleEvery = time.Second
)

// Committed counts a committed micro-batch. Now and then the page shows its first
// complaints, one a category; one without an id is none.
func (l *ActivityLog) Committed(taxonomy *schema.Taxonomy, classified []int, deadLetters map[schema.Reason]int, first []schema.Classified) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.classified == nil {
		l.classified, l.deadLetters = map[string]int64{}, map[schema.Reason]int64{}
	}
	for code, n := range classified {
		if n > 0 {
			l.classified[taxonomy.CategoryName(code)] += int64(n)
		}
	}
	for reason, n := range deadLetters {
		l.deadLetters[reason] += int64(n)
	}
	now := time.Now()
	if now.Sub(l.sampled) < sampleEvery {
		return
	}
	for i := range first {
		if first[i].ComplaintID != "" {
			l.sampled = now
			l.latest = append(l.latest, sampleOf(&first[i]))
		}
	}
	l.latest = l.latest[max(0, len(l.latest)-maxLatest):]
}

// sampleOf keeps nothing of the batch of messages that the texts are parts of.
func sampleOf(c *schema.Classified) Sample {
	return Sample{
		ID: strings.Clone(shorten(c.ComplaintID, 40)), Category: c.Category, Code: c.CategoryCode, Probability: c.Probability,
		NeedsReview: c.NeedsReview, Text: strings.Clone(excerpt(c.Narrative, excerptBytes)), At: c.ClassifiedAt,
	}
}

// SetAssignment notes which partitions the process holds now, and how many messages wait
// there; -1 where that is not known.
func (l *ActivityLog) SetAssignment(partitions []Partition, lag int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held, l.lag = partitions, lag
}

// Activity returns what was collected.
func (l *ActivityLog) Activity() Activity {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := Activity{
		Classified: maps.Clone(l.classified), DeadLetters: maps.Clone(l.deadLetters), Latest: slices.Clone(l.latest),
		Partitions: slices.Clone(l.held), Lag: l.lag,
	}
	slices.Reverse(a.Latest)
	return a
}
