//go:build servers

package servers

import (
	"os/exec"
	"syscall"
)

// endWithParent has the kernel kill the command when the test binary dies without its cleanups: a panic of another
// test, a time-out, a Ctrl-C. The group of its own keeps a Ctrl-C in a terminal from reaching it before the test.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
