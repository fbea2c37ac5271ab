//go:build servers && failpoint

package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"complaints/deploy/servers"
	"complaints/internal/failpoint"
)

// maxRestarts is how often a consumer may end by itself before the row has failed.
const maxRestarts = 10

// worker is a consumer process.
type worker struct {
	rowEnv *rowEnv
	name   string
	fail   string // what its failpoints do
	log    string // of all processes of that name
	logged int64  // size of the log before this process
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // of Wait, once exited is closed

	mu    sync.Mutex
	asked bool // to end
}

// start runs a consumer of the given name; fail says what its failpoints do. If it
// ends although nobody asked it to, it is started again without that.
func (s *rowEnv) start(name, fail string) (*worker, error) {
	w := &worker{rowEnv: s, name: name, fail: fail, log: filepath.Join(s.dir, name+".log"), exited: make(chan struct{})}
	if info, err := os.Stat(w.log); err == nil {
		w.logged = info.Size()
	}
	log, err := os.OpenFile(w.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	w.cmd = exec.Command(s.program, append(append([]string{"run", "--instance", name}, s.flags...), s.where(s.shared.kafka.Brokers[0], s.endpoint)...)...)
	w.cmd.Env = append(append(os.Environ(), s.shared.s3.Env()...), failpoint.Env+"="+fail)
	w.cmd.Stdout, w.cmd.Stderr = log, log
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil, context.Cause(s.ctx)
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	unguard, err := servers.Guard(w.cmd.Process.Pid)
	if err != nil {
		return nil, errors.Join(err, w.cmd.Process.Kill(), w.cmd.Wait())
	}
	s.workers[name] = w
	s.running.Go(func() {
		w.err = w.cmd.Wait()
		unguard()
		close(w.exited)
		s.ended(w)
	})
	return w, nil
}

// ended starts a consumer again that ended by itself, as a supervisor does.
func (s *rowEnv) ended(w *worker) {
	if w.wasAsked() || w.killedItself() {
		return
	}
	n := s.restarts.Add(1)
	if n > maxRestarts || s.ctx.Err() != nil {
		s.fail(fmt.Errorf("consumers ended %d times by themselves, the last time %s with %w:\n%s", n, w.name, errOr(w.err), w.tail()))
		return
	}
	lines := strings.Split(w.tail(), "\n")
	s.shared.tb.Logf("%s: consumer %s ended by itself, and is started again: %.300s", s.name, w.name, lines[len(lines)-1])
	time.Sleep(time.Duration(min(n, 5)) * time.Second)
	if w.wasAsked() {
		return
	}
	if _, err := s.start(w.name, ""); err != nil {
		s.fail(err)
	}
}

func errOr(err error) error {
	if err == nil {
		return errors.New("status 0")
	}
	return err
}

func (w *worker) wasAsked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

// killedItself says whether the process died at its failpoint.
func (w *worker) killedItself() bool {
	status, ok := w.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signal() == syscall.SIGKILL && strings.Contains(w.fail, "=kill:")
}

// tail is the end of what the process wrote.
func (w *worker) tail() string {
	lines := strings.Split(strings.TrimSpace(w.said()), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

func (w *worker) said() string {
	b, _ := os.ReadFile(w.log)
	return string(b[min(w.logged, int64(len(b))):])
}

// waitKilled waits until the process was killed by its failpoint.
func (w *worker) waitKilled() error {
	select {
	case <-w.exited:
	case <-w.rowEnv.ctx.Done():
		return fmt.Errorf("the process was not killed at %s: %w:\n%s", w.fail, w.rowEnv.ctx.Err(), w.tail())
	case <-time.After(time.Minute):
		return fmt.Errorf("%w: the process was not killed at %s:\n%s", errNotInjected, w.fail, w.tail())
	}
	if !w.killedItself() {
		return fmt.Errorf("the process ended with %w, want SIGKILL at %s:\n%s", errOr(w.err), w.fail, w.tail())
	}
	w.rowEnv.injected.Add(1)
	return nil
}

// waitPaused waits until the process was stopped by its failpoint.
func (w *worker) waitPaused() error {
	err := w.rowEnv.bringAbout(time.Minute, "the process sleeps", func() (bool, error) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", w.cmd.Process.Pid))
		_, after, _ := bytes.Cut(stat, []byte(") "))
		return bytes.HasPrefix(after, []byte("T")), err
	})
	if err != nil {
		return fmt.Errorf("%s: %w:\n%s", w.fail, err, w.tail())
	}
	w.rowEnv.injected.Add(1)
	return nil
}

// waitSaid waits until the process has logged a text.
func (w *worker) waitSaid(text string) error {
	return w.rowEnv.bringAbout(time.Minute, "the process says "+text, func() (bool, error) { return strings.Contains(w.said(), text), nil })
}

func (w *worker) resume() error { return w.cmd.Process.Signal(syscall.SIGCONT) }

// kill ends the process at once.
func (w *worker) kill() {
	w.mu.Lock()
	w.asked = true
	w.mu.Unlock()
	_ = w.cmd.Process.Kill()
	<-w.exited
}

// stop ends the process in order.
func (w *worker) stop() error {
	w.mu.Lock()
	w.asked = true
	w.mu.Unlock()
	_ = w.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-w.exited:
		if w.err != nil {
			return fmt.Errorf("consumer %s ended with %w:\n%s", w.name, w.err, w.tail())
		}
		return nil
	case <-time.After(60 * time.Second):
		return fmt.Errorf("consumer %s did not end:\n%s", w.name, w.tail())
	}
}

// verify runs consumer verify past all proxies.
func (s *rowEnv) verify(ctx context.Context) (report []byte, err error) {
	args := append([]string{"verify", "--json"}, s.where(s.shared.kafka.Internal[0], s.shared.s3.URL)...)
	cmd := exec.CommandContext(ctx, s.shared.program, args...)
	cmd.Env = append(os.Environ(), s.shared.s3.Env()...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		_, faults, _ := strings.Cut(out.String(), `"counts":`)
		return out.Bytes(), fmt.Errorf("verify: %w: %.16s… %.400s %.400s", err, out.String(), faults, errOut.String())
	}
	return out.Bytes(), nil
}
