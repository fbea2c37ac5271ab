//go:build servers && unix && !linux

package servers

import (
	"os/exec"
	"syscall"
)

// endWithParent only separates the command from the terminal: ending a child with its parent is known to Linux alone.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
