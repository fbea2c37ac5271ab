package sink

import (
	"slices"
	"testing"
	"time"
)

// Partitions that begin together flush one after the other, and none later than
// the age allows.
func TestFlushesAreStaggered(t *testing.T) {
	const age, n = 5 * time.Minute, 12
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var due []time.Duration
	for p := range int32(n) {
		a := &assignment{timing: timing{since: noon, early: stagger(p, age)}, p: &partition{chains: []*chain{{}}, pos: 1}}
		due = append(due, a.dueAt(&Config{RollAge: age}).Sub(noon))
	}
	slices.Sort(due)
	if due[0] <= 0 || due[n-1] != age {
		t.Errorf("the first flushes are due from %s to %s, want above 0 and up to %s", due[0], due[n-1], age)
	}
	for i := 1; i < n; i++ {
		if gap := due[i] - due[i-1]; gap < age/(2*n) {
			t.Errorf("two partitions are due within %s, want at least %s", gap, age/(2*n))
		}
	}
}

// What becomes due between two looks at the clock ends the next poll at once: nothing
// else may come that does.
func TestNextPollEndsWhenABufferIsDue(t *testing.T) {
	r := fakeRig(t, 1)
	cfg := r.config().withDefaults()
	cfg.RollAge = time.Minute
	s := &session{cfg: cfg, metrics: newMetrics(nil, cfg.Layers), budget: newBudget(cfg.Budget, newMetrics(nil, cfg.Layers)), assigned: map[tp]*assignment{}}
	now := time.Now()
	if next := s.advance(now); next != now.Add(dueAtLeast) {
		t.Errorf("without partitions the next poll ends at %s", next)
	}
	a := s.newAssignment(tp{topic, 0}, 0)
	s.assigned[tp{topic, 0}] = a
	a.state, a.timing.early = reading, 0
	a.deliver([]Record{{Offset: 0}}, 1, 1)
	// A minute ago but for a nanosecond: due before the poll has begun.
	if next := s.advance(now.Add(time.Nanosecond - time.Minute)); next != now.Add(time.Nanosecond) || a.state != reading {
		t.Errorf("the next poll ends at %s, want %s", next, now.Add(time.Nanosecond))
	}
	// Due, and not admitted: another's report ends the poll.
	busy := s.newAssignment(tp{topic, 1}, 0)
	busy.state, busy.job.bytes = flushing, s.budget.flushes
	s.assigned[tp{topic, 1}] = busy
	if next := s.advance(now.Add(time.Second)); next != now.Add(time.Second+dueAtLeast) || a.state != reading {
		t.Errorf("the next poll ends at %s for a buffer that waits for another", next)
	}
}
