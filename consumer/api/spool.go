package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// spoolMemory is how many bytes a spool holds in memory before it takes a file.
const spoolMemory = 1 << 20

// spool keeps what its writer wrote until its reader takes it: in memory, and what
// is more in a scratch file, so that a reader who waits for the writer to end does
// not stop the writer. Where the file is full, or cannot be written, the writer
// waits for the reader after all.
//
// One goroutine writes and one reads.
type spool struct {
	limit int64 // bytes of the scratch file

	mu      sync.Mutex // guards all below
	changed *sync.Cond
	memory  bytes.Buffer // older than what the file has
	file    *os.File     // nil until the memory was full
	remains bool         // the file has a name still
	from    int64        // where in the file the reader is
	to      int64        // where the next bytes go; the file is empty where both are equal, and begins anew
	full    error        // why the writer waits for the reader
	ended   bool         // the writer's end
	err     error        // of the reader, which ends the writer
}

func newSpool(limit int64) *spool {
	s := &spool{limit: limit}
	s.changed = sync.NewCond(&s.mu)
	return s
}

var errSpoolFull = errors.New("the scratch file has its full size")

// Write takes all of p, or none and the reader's error.
func (s *spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.err == nil {
		if s.take(p) {
			s.changed.Signal()
			return len(p), nil
		}
		s.changed.Wait()
	}
	return 0, s.err
}

// take says whether there was room for p.
func (s *spool) take(p []byte) bool {
	if s.from == s.to && (s.memory.Len() == 0 || s.memory.Len()+len(p) <= spoolMemory) {
		s.memory.Write(p)
		return true
	}
	if s.to+int64(len(p)) > s.limit {
		s.full = errSpoolFull
		return false
	}
	if s.file == nil {
		if s.file, s.full = os.CreateTemp("", "complaints-results-"); s.full != nil {
			return false
		}
		s.remains = os.Remove(s.file.Name()) != nil // what has no name leaves nothing after a crash; not every system can
	}
	if _, s.full = s.file.WriteAt(p, s.to); s.full != nil {
		return false
	}
	s.to += int64(len(p))
	return true
}

// end says that nothing more is written.
func (s *spool) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.changed.Signal()
}

// Read waits for bytes; io.EOF follows the last ones.
func (s *spool) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.memory.Len() == 0 && s.from == s.to {
		if s.ended {
			return 0, io.EOF
		}
		s.changed.Wait()
	}
	defer s.changed.Signal()
	if s.memory.Len() > 0 {
		return s.memory.Read(p)
	}
	n, err := s.file.ReadAt(p[:min(int64(len(p)), s.to-s.from)], s.from)
	if s.from += int64(n); s.from == s.to {
		s.from, s.to = 0, 0
	}
	if n == 0 {
		return 0, fmt.Errorf("read results back: %w", err)
	}
	return n, nil
}

// empty says whether a Read would wait, or end.
func (s *spool) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory.Len() == 0 && s.from == s.to
}

// fail ends the writer: nobody reads any more.
func (s *spool) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	s.changed.Signal()
}

// waits says why the writer had to wait for the reader, if it had to.
func (s *spool) waits() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full
}

// close removes the scratch file, when neither side uses the spool any more.
func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()
	}
	if s.remains {
		_ = os.Remove(s.file.Name())
	}
}
