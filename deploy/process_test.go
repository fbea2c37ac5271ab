//go:build servers

package deploy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// programs builds the three programs once a test binary and gives the directory.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "complaints-programs-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir, "../consumer", "../producer", "../trainer")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := programs(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

func program(t *testing.T, name string) string {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// safeBuffer takes what a process writes while a test reads it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// background runs a command until the test ends, asks it to stop then, and shows its log if the test failed. env comes on
// top of the test's own.
func background(t *testing.T, name string, env []string, command ...string) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), command[0], command[1:]...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), isOurs), env...)
	log := new(safeBuffer)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		select {
		case err := <-exited:
			t.Errorf("%s ended although nobody asked it to: %v", name, err)
			exited <- err
		default:
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
		select {
		case <-exited:
		case <-time.After(30 * time.Second):
			t.Errorf("%s did not stop", name)
			_ = cmd.Process.Kill()
			<-exited
		}
		if t.Failed() {
			out := log.String()
			t.Logf("the last of %s's log:\n%s", name, out[max(0, len(out)-4000):])
		}
	})
}

// isOurs tells variables that would configure the programs from outside.
func isOurs(variable string) bool {
	return len(variable) > 11 && variable[:11] == "COMPLAINTS_" || len(variable) > 4 && variable[:4] == "AWS_"
}

// foreground runs a command to its end.
func foreground(t *testing.T, env []string, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), isOurs), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return string(out)
}

// get is nil if the address answers with 200.
func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}

func body(s string) io.Reader { return strings.NewReader(s) }
