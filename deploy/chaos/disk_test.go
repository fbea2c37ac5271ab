//go:build servers && failpoint

package chaos

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

const diskSize = "96m"

// errNoDisk says that no small disk can be had here, so that the row says nothing.
var errNoDisk = errors.New("a small disk cannot be mounted here: run as root, or let sudo mount without a password")

// smallDisk mounts a file system in memory that ends with the row.
func (s *rowEnv) smallDisk() (string, error) {
	dir := filepath.Join(s.dir, "disk")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	var become []string
	if os.Geteuid() != 0 {
		become = []string{"sudo", "-n"}
	}
	options := fmt.Sprintf("size=%s,uid=%d,mode=700", diskSize, os.Geteuid())
	mount := append(append([]string{}, become...), "mount", "-t", "tmpfs", "-o", options, "complaints-chaos", dir)
	if out, err := exec.Command(mount[0], mount[1:]...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %w: %s", errNoDisk, err, out)
	}
	s.atEnd = append(s.atEnd, func() error {
		unmount := append(append([]string{}, become...), "umount", dir)
		out, err := exec.Command(unmount[0], unmount[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("unmount %s: %w: %s", dir, err, out)
		}
		return nil
	})
	return dir, nil
}

// fill writes a file until the disk is full.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	block := make([]byte, 64<<10)
	for {
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
