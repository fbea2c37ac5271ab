package dataset

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// spill keeps texts in a scratch file and not in memory. The file has no name
// from the start, so a process that dies leaves nothing; it is mapped once all is
// written, and the kernel then holds of it what there is room for.
type spill struct {
	file   *os.File
	w      *bufio.Writer
	size   int64
	mapped []byte
}

// newSpill makes the scratch file in the directory for temporary files ($TMPDIR).
func newSpill() (*spill, error) {
	f, err := os.CreateTemp("", "complaints-texts-")
	if err != nil {
		return nil, fmt.Errorf("a scratch file for texts: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("a scratch file for texts: %w", err), f.Close())
	}
	return &spill{file: f, w: bufio.NewWriterSize(f, 1<<20)}, nil
}

// put appends a text and says where it is.
func (s *spill) put(text string) (at int64, err error) {
	at = s.size
	n, err := s.w.WriteString(text)
	s.size += int64(n)
	if err != nil {
		return 0, fmt.Errorf("write %d bytes of texts to %s: %w", s.size, os.TempDir(), err)
	}
	return at, nil
}

// seal ends the writing and maps the file.
func (s *spill) seal() error {
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("write %d bytes of texts to %s: %w", s.size, os.TempDir(), err)
	}
	if s.size == 0 {
		return nil
	}
	var err error
	if s.mapped, err = syscall.Mmap(int(s.file.Fd()), 0, int(s.size), syscall.PROT_READ, syscall.MAP_SHARED); err != nil {
		return fmt.Errorf("map %d bytes of texts: %w", s.size, err)
	}
	return nil
}

// text is a text that was put before seal. It is valid until Close.
func (s *spill) text(at int64, length int) string {
	if length == 0 {
		return ""
	}
	return unsafe.String(&s.mapped[at], length) //nolint:gosec // the mapping is read-only, and outlives the training that reads it
}

// Close gives the file up. No text may be used any more.
func (s *spill) Close() error {
	var err error
	if s.mapped != nil {
		err = syscall.Munmap(s.mapped)
		s.mapped = nil
	}
	return errors.Join(err, s.file.Close())
}
