//go:build servers

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticks are processor times since the start of the machine, to see how quiet it
// was. They are Linux's; elsewhere all are 0.
type ticks struct {
	at      time.Time
	busy    time.Duration // of all processes
	servers time.Duration // of Kafka and the S3 gateway
	bench   time.Duration // of this process
}

const tick = 10 * time.Millisecond // USER_HZ, 100 on all of Linux's machines

func readTicks() ticks {
	t := ticks{at: time.Now()}
	stat, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(stat), "\n")
	for i, field := range strings.Fields(line) {
		// user, nice, system; then idle and iowait, irq, softirq
		if n, err := strconv.ParseInt(field, 10, 64); err == nil && i != 4 && i != 5 && i <= 7 {
			t.busy += time.Duration(n) * tick
		}
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		t.servers += serverTime(file)
	}
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		t.bench = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return t
}

// serverTime is what a process took if it is a server that this one started.
func serverTime(file string) time.Duration {
	stat, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	name, rest, _ := strings.Cut(string(stat), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 || f[1] != fmt.Sprint(os.Getpid()) || !strings.HasSuffix(name, "(java") && !strings.HasSuffix(name, "(versitygw") {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * tick
}

func (t ticks) minus(before ticks) ticks {
	return ticks{at: time.Time{}.Add(t.at.Sub(before.at)), busy: t.busy - before.busy, servers: t.servers - before.servers, bench: t.bench - before.bench}
}

// others is how many cores went to processes that the bench has not started.
func (t ticks) others(contender time.Duration) float64 {
	return max(0, (t.busy-t.servers-t.bench-contender).Seconds()/t.at.Sub(time.Time{}).Seconds())
}
