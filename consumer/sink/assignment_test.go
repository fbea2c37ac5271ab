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
