//go:build failpoint

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Env is the variable that says what happens.
const Env = "COMPLAINTS_FAILPOINT"

type action struct {
	signal syscall.Signal
	at     int // the hit that triggers, from 1
	hits   int
}

var (
	mu      sync.Mutex
	actions = sync.OnceValue(func() map[string]*action {
		m, err := parse(os.Getenv(Env))
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", Env, err)
			os.Exit(2)
		}
		return m
	})
)

func parse(spec string) (map[string]*action, error) {
	m := map[string]*action{}
	for part := range strings.SplitSeq(spec, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, what, _ := strings.Cut(part, "=")
		verb, count, _ := strings.Cut(what, ":")
		a := &action{at: 1}
		switch verb {
		case "kill":
			a.signal = syscall.SIGKILL
		case "pause":
			a.signal = syscall.SIGSTOP
		default:
			return nil, fmt.Errorf("%q: want name=kill:N or name=pause:N", part)
		}
		if count != "" {
			n, err := strconv.Atoi(count)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("%q: %q is not a positive number", part, count)
			}
			a.at = n
		}
		m[name] = a
	}
	return m, nil
}

// Hit marks a step at which a test may kill or stop the process.
func Hit(name string) {
	all := actions()
	mu.Lock()
	defer mu.Unlock()
	a := all[name]
	if a == nil {
		return
	}
	if a.hits++; a.hits != a.at {
		return
	}
	fmt.Fprintf(os.Stderr, "failpoint %s: %s at hit %d\n", name, a.signal, a.hits)
	_ = syscall.Kill(os.Getpid(), a.signal)
	// The signal takes a moment, in which no step may follow.
	if a.signal == syscall.SIGKILL {
		select {}
	}
	waitStopped()
}

// waitStopped returns right after the stopped process was continued: it looks at
// the clock until that jumps, or gives up after a second.
func waitStopped() {
	last := time.Now()
	for deadline := last.Add(time.Second); last.Before(deadline); {
		time.Sleep(100 * time.Microsecond)
		now := time.Now()
		if now.Sub(last) > 500*time.Millisecond {
			return
		}
		last = now
	}
}
