//go:build servers && failpoint

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// TestMatrix injects each fault and wants each message to stand once in each place.
func TestMatrix(t *testing.T) {
	pattern, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	w := newSharedEnv(t)
	var together, alone []fault
	for _, f := range faults() {
		switch {
		case (f.long && !*long && *only == "") || !pattern.MatchString(f.name):
		case f.alone:
			alone = append(alone, f)
		default:
			together = append(together, f)
		}
	}
	outcomes := w.performAll(t.Context(), together)
	for _, f := range alone {
		outcomes = append(outcomes, w.perform(t.Context(), f, w.program))
	}
	t.Logf("\n%s", table(outcomes))
	for _, o := range outcomes {
		err := o.failure()
		switch {
		case errors.Is(err, errNoDisk) && os.Getenv("CI") == "":
			t.Logf("%s: says nothing here: %v", o.fault, err)
		case err != nil:
			t.Errorf("%s: %v", o.fault, err)
		}
	}
}

// performAll runs rows, some at once, and keeps their order.
func (w *sharedEnv) performAll(ctx context.Context, rows []fault) []outcome {
	outcomes := make([]outcome, len(rows))
	slots := make(chan struct{}, max(1, *parallel))
	var all sync.WaitGroup
	for i, f := range rows {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			outcomes[i] = w.perform(ctx, f, w.program)
		})
	}
	all.Wait()
	return outcomes
}

// injectTries is how often a row is run whose fault could not be injected.
const injectTries = 3

// perform runs a row with consumers of a program, and once more if its fault could
// not be injected: that says nothing of the program.
func (w *sharedEnv) perform(ctx context.Context, f fault, program string) (o outcome) {
	for try := range injectTries {
		o = w.attempt(ctx, f, program, try)
		if !o.notInjected() {
			break
		}
		w.tb.Logf("%s: the fault was not injected (try %d of %d): %.1000v", f.name, try+1, injectTries, o.failure())
	}
	return o
}

func (w *sharedEnv) attempt(ctx context.Context, f fault, program string, try int) (o outcome) {
	o.fault = f.name
	s, end, err := w.newRowEnv(ctx, f, program, try)
	if err != nil {
		o.err = err
		return o
	}
	began := time.Now()
	o.err = s.play(f, &o)
	o.err = errors.Join(o.err, end())
	o.injected, o.restarts = s.injected.Load(), s.restarts.Load()
	w.tb.Logf("%-45s %6s  %.1000v", f.name, time.Since(began).Round(time.Second), o.failure())
	return o
}

func (s *rowEnv) play(f fault, o *outcome) error {
	go s.messages.run()
	err := f.run(s)
	over := time.Now()
	err = errors.Join(err, s.messages.finish())
	o.messages = s.messages.count
	if err != nil {
		// Nobody was left to process the messages: what is not there is not lost.
		return err
	}
	if err = s.caughtUp(); err != nil {
		err = fmt.Errorf("%w\n%s", err, s.tails())
	}
	o.recovered = time.Since(over)
	err = errors.Join(err, s.stopAll())
	if s.ctx.Err() != nil {
		return err
	}
	// What is there is counted also where the system came to a halt.
	var verified, counted error
	o.counted = true
	o.report, verified = s.verify(s.ctx)
	o.lost, o.repeated, counted = s.count(o.messages)
	return errors.Join(err, verified, counted)
}

func table(outcomes []outcome) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "fault\ttimes injected\tmessages\tlost\trepeated\tseconds to recover\trestarts\t")
	for _, o := range outcomes {
		verdict := ""
		if o.failure() != nil {
			verdict = "FAILED"
		}
		lost, repeated := "not counted", "not counted"
		if o.counted {
			lost, repeated = fmt.Sprint(o.lost), fmt.Sprint(o.repeated)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%.1f\t%d\t%s\n", o.fault, o.injected, o.messages, lost, repeated, o.recovered.Seconds(), o.restarts, verdict)
	}
	_ = t.Flush()
	return b.String()
}

// TestRowWhoseFaultIsNotInjected wants such a row to be run again, and not to count what
// nobody has processed as lost.
func TestRowWhoseFaultIsNotInjected(t *testing.T) {
	w, tries := newSharedEnv(t), 0
	never := fault{name: "never injected", run: func(*rowEnv) error {
		tries++
		return fmt.Errorf("%w: the group is not stable", errNotInjected)
	}}
	o := w.perform(t.Context(), never, w.program)
	if tries != injectTries || !errors.Is(o.failure(), errNotInjected) || o.counted || o.lost > 0 || o.messages == 0 {
		t.Errorf("after %d tries, want %d: %d of %d messages lost, counted %t, %v", tries, injectTries, o.lost, o.messages, o.counted, o.failure())
	}
	if out := table([]outcome{o}); !strings.Contains(out, "not counted") || !strings.Contains(out, "FAILED") {
		t.Errorf("the table says\n%s", out)
	}
}
