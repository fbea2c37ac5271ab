//go:build servers && failpoint

package chaos

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// mutation is a guarantee that is taken out by the patch of its name, and the fault
// that shows it.
type mutation struct {
	what, patch string
	run         func(*rowEnv) error
	tries       int                // where the order of events is a race
	shows       func(outcome) bool // whether a failure comes of this
}

func mutations() []mutation {
	return []mutation{
		{"an object is created once", "plain-put", sleepAt("sink/before-claim", 0), 5, says(`"ok":false`)},
		{"the lake says where to resume", "trust-offsets", offsetsTo(middleOfAClaim), 1, repeats},
		{"the claim comes before the data", "data-first", killAt("sink/before-claim"), 2, says("parquet footer")},
		{"results and offsets are one transaction", "plain-commit", afterAWhile(killAt("classify/before-commit")), 1, repeats},
		{"an ambiguous answer is no success", "trust-answers", answerWith(answers()[1]), 1, loses},
	}
}

func repeats(o outcome) bool { return o.repeated > 0 }
func loses(o outcome) bool   { return o.lost > 0 }

func says(text string) func(outcome) bool {
	return func(o outcome) bool { return strings.Contains(o.failure().Error(), text) }
}

// afterAWhile lets consumers commit offsets of all partitions before a fault:
// where there are none, results without them are noticed at the start.
func afterAWhile(run func(*rowEnv) error) func(*rowEnv) error {
	return func(s *rowEnv) error {
		w, err := s.start("a", "")
		if err != nil {
			return err
		}
		if err := errors.Join(s.members(1), s.sleep(4*time.Second), w.stop()); err != nil {
			return err
		}
		return run(s)
	}
}

// TestMutations takes each guarantee out, and wants a row of the matrix to fail
// for that.
func TestMutations(t *testing.T) {
	if !*long {
		t.Skip("takes two minutes: -chaos.long")
	}
	w := newSharedEnv(t)
	var all sync.WaitGroup
	for _, m := range mutations() {
		flags, _ := mutate(t, filepath.Join("mutations", m.patch+".patch"))
		program := filepath.Join(t.TempDir(), m.patch)
		build(t, append(flags, "-o", program, "./consumer")...)
		all.Go(func() {
			switch o := w.performWithout(t.Context(), m, program); {
			case o.failure() == nil:
				t.Errorf("nothing fails without this: %s (%s)", m.what, m.patch)
			case !m.shows(o):
				t.Errorf("without this it fails for another reason: %s (%s): %v", m.what, m.patch, o.failure())
			}
		})
	}
	all.Wait()
}

// performWithout runs the row with a mutated program until it fails for the reason that
// is wanted, or the tries are over.
func (w *sharedEnv) performWithout(ctx context.Context, m mutation, program string) (o outcome) {
	for try := range m.tries {
		o = w.attempt(ctx, fault{name: fmt.Sprintf("without %s, try %d", m.patch, try+1), run: m.run}, program, 0)
		if o.failure() != nil && m.shows(o) {
			break
		}
	}
	return o
}
