//go:build servers

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// cpuGroup is a control group of Linux whose processes get a share of a core: no more, also where nobody else wants it, and
// by the weight of the group no less either, as long as all groups together fit the machine.
type cpuGroup struct {
	dir     string
	parent  string
	seconds func() float64 // of processor time that the group took
}

const quotaPeriod = 100_000 // µs, the kernel's default

// newCPUGroup makes a group by version 2 of control groups, or by version 1. It needs root. 0 cores are no limit.
func newCPUGroup(tb testing.TB, name string, cores float64) *cpuGroup {
	tb.Helper()
	const root = "/sys/fs/cgroup"
	quota := strconv.Itoa(int(cores * quotaPeriod))
	name = fmt.Sprintf("complaints-%d-%s", os.Getpid(), name)
	var g *cpuGroup
	var settings map[string]string
	if _, err := os.Stat(root + "/cgroup.controllers"); err == nil {
		_ = os.WriteFile(root+"/cgroup.subtree_control", []byte("+cpu"), 0) // most have it on
		g = &cpuGroup{dir: filepath.Join(root, name), parent: root}
		if cores == 0 {
			quota = "max"
		}
		settings = map[string]string{"cpu.max": fmt.Sprintf("%s %d", quota, quotaPeriod), "cpu.weight": "10000"}
		g.seconds = func() float64 { return g.number(tb, g.dir, "cpu.stat", "usage_usec ") / 1e6 }
	} else {
		g = &cpuGroup{dir: filepath.Join(root, "cpu", name), parent: filepath.Join(root, "cpu")}
		if cores == 0 {
			quota = "-1"
		}
		settings = map[string]string{"cpu.cfs_period_us": strconv.Itoa(quotaPeriod), "cpu.cfs_quota_us": quota, "cpu.shares": "102400"}
		account := filepath.Join(root, "cpuacct", name)
		if err := os.MkdirAll(account, 0o755); err == nil && account != g.dir {
			tb.Cleanup(func() { _ = os.Remove(account) })
		}
		g.seconds = func() float64 { return g.number(tb, account, "cpuacct.usage", "") / 1e9 }
	}
	if err := os.MkdirAll(g.dir, 0o755); err != nil {
		tb.Fatalf("a share of a core is held by a control group, which takes root: %v", err)
	}
	tb.Cleanup(func() { _ = os.Remove(g.dir) })
	for file, value := range settings {
		if err := os.WriteFile(filepath.Join(g.dir, file), []byte(value), 0); err != nil {
			tb.Fatalf("limit the group %s: %v", g.dir, err)
		}
	}
	return g
}

// enter puts this process, and all that it starts from now on, into the group until the end of the test.
func (g *cpuGroup) enter(tb testing.TB) {
	tb.Helper()
	pid := []byte(strconv.Itoa(os.Getpid()))
	if err := os.WriteFile(filepath.Join(g.dir, "cgroup.procs"), pid, 0); err != nil {
		tb.Fatalf("enter the group %s: %v", g.dir, err)
	}
	tb.Cleanup(func() { _ = os.WriteFile(filepath.Join(g.parent, "cgroup.procs"), pid, 0) })
}

// command starts a program inside of the group.
func (g *cpuGroup) command(name string, args ...string) *exec.Cmd {
	account := strings.Replace(g.dir, "/cpu/", "/cpuacct/", 1)
	const enter = `for g in "$1" "$2"; do echo $$ >"$g/cgroup.procs"; done; shift 2; exec "$@"`
	return exec.Command("sh", append([]string{"-euc", enter, "enter", g.dir, account, name}, args...)...)
}

// number reads the number behind a prefix.
func (g *cpuGroup) number(tb testing.TB, dir, file, prefix string) float64 {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
			if n, err := strconv.ParseFloat(rest, 64); err == nil {
				return n
			}
		}
	}
	tb.Fatalf("%s says no number: %q", file, b)
	return 0
}
