//go:build servers

package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
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

// Killed in the middle of this test, a test binary takes the server and what that started with it.
func TestServerEndsWithItsTestBinary(t *testing.T) {
	const pids = "SERVERS_SELF_TEST_PIDS"
	if file := os.Getenv(pids); file != "" {
		p := &process{
			name: "long", within: time.Minute, command: sh("sleep 1000 & echo $$ $! >" + file + "; wait"),
			ready: func(context.Context) error {
				_, err := os.Stat(file)
				return err
			},
		}
		p.launch(t)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	file := filepath.Join(t.TempDir(), "pids")
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithItsTestBinary$")
	cmd.Env = append(os.Environ(), pids+"="+file)
	_ = cmd.Run() // it is killed
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for field := range strings.FieldsSeq(string(b)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d outlives the test binary", pid)
			}
		}
	}
}

// alive says whether a process runs: one that has ended and that nobody waited for does not.
func alive(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(string(out), "Z")
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
