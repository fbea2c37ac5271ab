//go:build failpoint

package failpoint

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestKillsAtTheChosenHit(t *testing.T) {
	if os.Getenv(Env) != "" {
		for range 3 {
			_, _ = os.Stdout.WriteString("step\n")
			Hit("here")
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillsAtTheChosenHit$")
	cmd.Env = append(os.Environ(), Env+"=elsewhere=kill, here=kill:2")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL || string(out) != "step\nstep\n" {
		t.Fatalf("ended with %v after %q, want SIGKILL after two steps", err, out)
	}
}

func TestParse(t *testing.T) {
	m, err := parse("a=kill:2,b=pause")
	if err != nil || m["a"].at != 2 || m["b"].signal != syscall.SIGSTOP {
		t.Fatalf("got %v, %v", m, err)
	}
	for _, bad := range []string{"a", "a=kil:1", "a=on", "a=kill:0", "a=kill:x"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}
