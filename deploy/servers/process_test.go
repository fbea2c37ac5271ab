//go:build servers

package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorder stands in for a test that is expected to fail.
type recorder struct {
	testing.TB
	cleanups []func()
	said     strings.Builder
	failed   bool
}

func (r *recorder) Cleanup(f func())             { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Failed() bool                 { return r.failed }
func (r *recorder) Errorf(f string, args ...any) { r.failed = true; r.Logf(f, args...) }
func (r *recorder) Logf(f string, args ...any)   { fmt.Fprintf(&r.said, f, args...) }
func (r *recorder) Fatalf(f string, args ...any) { r.Errorf(f, args...); panic(r) }

// end runs the cleanups as the end of a test would.
func (r *recorder) end() {
	for _, cleanup := range slices.Backward(r.cleanups) {
		cleanup()
	}
}

func sh(script string) func() *exec.Cmd {
	return func() *exec.Cmd { return exec.Command("sh", "-c", script) }
}

func TestServerThatDiesFailsItsTestAndShowsItsLog(t *testing.T) {
	r := &recorder{TB: t}
	p := &process{
		name: "short", within: time.Minute, command: sh("echo out of luck; exit 3"),
		ready: func(context.Context) error { return nil },
	}
	p.launch(r)
	<-p.exited
	r.end()
	for _, want := range []string{"short ended although nobody asked it to: exit status 3", "out of luck"} {
		if !strings.Contains(r.said.String(), want) {
			t.Errorf("the failed test does not say %q:\n%s", want, r.said.String())
		}
	}
}

func TestServerThatNeverAnswersEndsTheTestAtOnceWhenItDies(t *testing.T) {
	r := &recorder{TB: t}
	p := &process{
		name: "short", within: time.Hour, command: sh("exit 3"),
		ready: func(context.Context) error { return os.ErrNotExist },
	}
	defer func() {
		if recover() != any(r) || !strings.Contains(r.said.String(), "ended before it was ready: exit status 3") {
			t.Errorf("the test was not ended with the reason: %s", r.said.String())
		}
	}()
	p.launch(r)
}

func TestServerEndsWithItsTest(t *testing.T) {
	r := &recorder{TB: t}
	p := &process{
		name: "long", within: time.Minute, command: sh("exec sleep 1000"),
		ready: func(context.Context) error { return nil },
	}
	p.launch(r)
	p.Pause()
	r.end()
	if p.running() || r.failed {
		t.Errorf("running %v after the test; it said %s", p.running(), r.said.String())
	}
}

func TestMissingServerNamesItsTarget(t *testing.T) {
	t.Setenv("COMPLAINTS_CACHE", t.TempDir())
	r := &recorder{TB: t}
	defer func() {
		if recover() != any(r) || !strings.Contains(r.said.String(), "run `make kafka`") {
			t.Errorf("a missing server says %q", r.said.String())
		}
	}()
	Kafka(r)
}
