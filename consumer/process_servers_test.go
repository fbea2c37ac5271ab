//go:build servers && failpoint

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"complaints/deploy/servers"
	"complaints/internal/failpoint"
)

// program builds the consumer once, with failpoints.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "consumer")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "consumer")
	out, err := exec.Command("go", "build", "-tags", "failpoint", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the consumer: %w\n%s", err, out)
	}
	return path, nil
})

// system is a broker, an S3 gateway, and the consumers that work on them.
type system struct {
	t     *testing.T
	kafka *servers.KafkaServer
	s3    *servers.S3Server
}

// flags point a command at the system's lake and broker.
func (s *system) flags() []string {
	return []string{"--brokers", s.kafka.Brokers[0], "--lake", "s3://" + s.s3.Bucket, "--s3-endpoint", s.s3.URL, "--s3-region", s.s3.Region}
}

// worker is a consumer process.
type worker struct {
	t      *testing.T
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
	err    error // of Wait, once exited is closed
}

// start runs a consumer of the given name; fail says what its failpoints do.
func (s *system) start(name, fail string, args ...string) *worker {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(s.t.TempDir(), name+".log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	args = append(append([]string{
		"run", "--instance", name, "--roles", "classify,sink", "--allow-bootstrap", "--sessions", "2", "--session-timeout", "6s",
		"--batch-records", "200", "--roll-age", "500ms", "--idle-flush", "500ms",
	}, s.flags()...), args...)
	w := &worker{t: s.t, cmd: exec.Command(path, args...), log: log.Name(), exited: make(chan struct{})}
	w.cmd.Env = append(append(os.Environ(), s.s3.Env()...), failpoint.Env+"="+fail)
	w.cmd.Stdout, w.cmd.Stderr = log, log
	if err := w.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { w.err = w.cmd.Wait(); close(w.exited) }()
	s.t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		<-w.exited
		if s.t.Failed() {
			s.t.Logf("last lines of %s:\n%s", name, w.tail())
		}
	})
	return w
}

func (w *worker) tail() string {
	b, _ := os.ReadFile(w.log)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// waitKilled waits until the process was killed by its failpoint.
func (w *worker) waitKilled(within time.Duration) {
	w.t.Helper()
	select {
	case <-w.exited:
	case <-time.After(within):
		w.t.Fatalf("the process was not killed within %s:\n%s", within, w.tail())
	}
	if status, ok := w.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		w.t.Fatalf("the process ended with %v, want SIGKILL by its failpoint:\n%s", w.err, w.tail())
	}
}

// waitPaused waits until the process was stopped by its failpoint.
func (w *worker) waitPaused(within time.Duration) {
	w.t.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", w.cmd.Process.Pid))
		if err != nil {
			w.t.Fatalf("the process is gone: %v:\n%s", err, w.tail())
		}
		if _, after, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(after, "T") {
			return
		}
	}
	w.t.Fatalf("the process was not paused within %s:\n%s", within, w.tail())
}

func (w *worker) resume() {
	if err := w.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		w.t.Fatal(err)
	}
}

// stop ends the process in order.
func (w *worker) stop() {
	w.t.Helper()
	_ = w.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-w.exited:
		if w.err != nil {
			w.t.Fatalf("the process ended with %v:\n%s", w.err, w.tail())
		}
	case <-time.After(40 * time.Second):
		w.t.Fatalf("the process did not end:\n%s", w.tail())
	}
}
