//go:build servers

package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// stopWithin bounds an orderly stop; what is still there then is killed and the test fails.
	stopWithin = 60 * time.Second
	// shownLog is how much of the end of a log a failed test shows, in bytes.
	shownLog = 16 << 10
)

// process is one server as an operating system process that a test can stop in all the ways a machine would. Its
// methods may be called from any goroutine of the test, but for Start, which may end the test.
type process struct {
	tb      testing.TB
	name    string
	command func() *exec.Cmd            // a fresh one for every start
	ready   func(context.Context) error // nil once the server answers
	within  time.Duration               // until it must be ready
	log     string                      // path of its standard output and error, over all starts

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd was waited for
	exit   error         // of cmd; read after exited
	asked  bool          // the end of cmd was asked for
}

// Server is a server of which this package knows no more than how a test starts it.
type Server struct{ process }

// Start starts a server with its test's own command and waits until ready is nil.
func Start(tb testing.TB, name string, ready func(context.Context) error, command func() *exec.Cmd) *Server {
	tb.Helper()
	s := &Server{process{name: name, within: 4 * time.Minute, ready: ready, command: command}}
	s.launch(tb)
	return s
}

// launch starts a server and ties its life to the test's.
func (p *process) launch(tb testing.TB) {
	tb.Helper()
	p.tb = tb
	p.log = filepath.Join(tb.TempDir(), p.name+".log")
	tb.Cleanup(p.cleanup)
	p.Start()
}

// Start starts the server and waits until it answers. After Stop or Kill it comes back on the same port and data.
func (p *process) Start() {
	p.tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		p.tb.Fatalf("start %s: it is running", p.name)
	}
	if err := p.spawn(); err != nil {
		p.tb.Fatalf("start %s: %v", p.name, err)
	}
	if err := p.waitReady(); err != nil {
		p.tb.Fatalf("start %s: %v", p.name, err)
	}
}

// spawn starts the command, in a process group of its own: a signal reaches what the command starts too.
func (p *process) spawn() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the command has its own copy
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	unguard, err := Guard(cmd.Process.Pid)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return err
	}
	p.cmd, p.exited, p.asked = cmd, make(chan struct{}), false
	go func(exited chan struct{}) {
		defer close(exited)
		p.exit = cmd.Wait()
		unguard()
	}(p.exited)
	return nil
}

// Guard has a shell kill the process group as soon as this process is gone, also when it dies without cleanups: a
// panic of another test, a time-out, a Ctrl-C. The shell waits on a pipe whose other end only this process holds.
func Guard(group int) (stop func(), err error) {
	shell := exec.Command("sh", "-c", `read -r _; kill -s KILL -- "-$1"`, "guard", strconv.Itoa(group))
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := shell.Start(); err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	return func() {
		_ = shell.Process.Kill()
		_ = shell.Wait()
		_ = pipe.Close()
	}, nil
}

func (p *process) waitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), p.within)
	defer cancel()
	for {
		attempt, cancelAttempt := context.WithTimeout(ctx, 5*time.Second)
		err := p.ready(attempt)
		cancelAttempt()
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("it ended before it was ready: %w", exitError(p.exit))
		case <-ctx.Done():
			return fmt.Errorf("not ready after %v: %w", p.within, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// exitError names the exit that has no error of its own.
func exitError(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// Stop asks the server to end (SIGTERM) and waits until it has.
func (p *process) Stop() { p.end(syscall.SIGTERM) }

// Kill ends the server at once (SIGKILL), as a crash would. A paused server can be killed too.
func (p *process) Kill() { p.end(syscall.SIGKILL) }

// Pause freezes the server (SIGSTOP): its connections stay open and nothing answers.
func (p *process) Pause() { p.signal(syscall.SIGSTOP) }

// Continue lets a paused server go on (SIGCONT).
func (p *process) Continue() { p.signal(syscall.SIGCONT) }

// Log is what the server has written so far.
func (p *process) Log() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (p *process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

func (p *process) signal(s syscall.Signal) {
	p.tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		p.tb.Errorf("signal %v: %s is not running", s, p.name)
		return
	}
	if err := p.send(s); err != nil {
		p.tb.Errorf("signal %v to %s: %v", s, p.name, err)
	}
}

// send signals the whole group of the server, because some start processes of their own.
func (p *process) send(s syscall.Signal) error {
	err := syscall.Kill(-p.cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return nil // it just ended
	}
	return err
}

func (p *process) end(s syscall.Signal) {
	p.tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return
	}
	p.asked = true
	if err := p.send(s); err != nil {
		p.tb.Errorf("signal %v to %s: %v", s, p.name, err)
	}
	select {
	case <-p.exited:
	case <-time.After(stopWithin):
		p.tb.Errorf("%s did not end within %v of signal %v", p.name, stopWithin, s)
		_ = p.send(syscall.SIGKILL)
		<-p.exited
	}
}

// cleanup ends the server with its test. Nobody reads its data after that, so there is no need for an orderly stop.
func (p *process) cleanup() {
	p.mu.Lock()
	died := p.cmd != nil && !p.running() && !p.asked
	p.mu.Unlock()
	if died {
		p.tb.Errorf("%s ended although nobody asked it to: %v", p.name, exitError(p.exit))
	}
	p.Kill()
	if p.tb.Failed() {
		log := p.Log()
		p.tb.Logf("the last of %s's log:\n%s", p.name, log[max(0, len(log)-shownLog):])
	}
}
