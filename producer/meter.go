package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// meter shows how far a run is: a bar that redraws itself on a terminal, a log
// line now and then elsewhere.
type meter struct {
	counts *counts
	screen *screen
	log    *slog.Logger

	read atomic.Int64 // bytes of the inputs
	size atomic.Int64 // bytes of the inputs; 0 if unknown
}

// watch counts what is read of s.
func (m *meter) watch(s io.Reader) io.Reader {
	file, ok := s.(seekingFile)
	if !ok {
		return s
	}
	return watched{file, m}
}

// seekingFile is what a zip needs to be read by its directory.
type seekingFile interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

type watched struct {
	seekingFile
	m *meter
}

func (w watched) Read(b []byte) (int, error) {
	n, err := w.seekingFile.Read(b)
	w.m.read.Add(int64(n))
	return n, err
}

func (w watched) ReadAt(b []byte, at int64) (int, error) {
	n, err := w.seekingFile.ReadAt(b, at)
	w.m.read.Add(int64(n))
	return n, err
}

// run shows progress until ctx ends.
func (m *meter) run(ctx context.Context) {
	every := 10 * time.Second
	if m.screen.terminal {
		every = 200 * time.Millisecond
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	start := time.Now()
	for {
		select {
		case <-ctx.Done():
			m.screen.draw("")
			return
		case <-tick.C:
		}
		s := m.counts.summary(start, false)
		if m.screen.terminal {
			m.screen.draw(m.line(s))
			continue
		}
		m.log.Info("publishing", "rows_read", s.RowsRead, "published", s.Published, "per_second", int(s.PerSecond), "percent", int(100*m.share()))
	}
}

// share is how much of the inputs is read, 0 to 1; 0 also where it is unknown.
func (m *meter) share() float64 {
	size := m.size.Load()
	if size == 0 {
		return 0
	}
	return min(1, float64(m.read.Load())/float64(size))
}

func (m *meter) line(s summary) string {
	const width = 24
	numbers := fmt.Sprintf("%d rows read, %d published, %.0f/s", s.RowsRead, s.Published, s.PerSecond)
	share := m.share()
	if share == 0 {
		return numbers
	}
	full := int(share * width)
	left := time.Duration(s.Seconds * (1 - share) / share * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("[%s%s] %3.0f%%  %s, %s left", strings.Repeat("=", full), strings.Repeat(" ", width-full), 100*share, numbers, left)
}

// screen is the error stream: log lines and, on a terminal, one line at the
// bottom that is drawn over.
type screen struct {
	terminal bool

	mu  sync.Mutex // guards all below
	w   io.Writer
	bar string
}

func newScreen(w io.Writer) *screen {
	f, ok := w.(*os.File)
	return &screen{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

const clearLine = "\r\x1b[K"

// Write writes a log line above the bar.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == "" {
		return s.w.Write(b)
	}
	if _, err := fmt.Fprintf(s.w, "%s%s%s", clearLine, b, s.bar); err != nil {
		return 0, err
	}
	return len(b), nil
}

// draw replaces the bar.
func (s *screen) draw(bar string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != bar {
		_, _ = fmt.Fprint(s.w, clearLine, bar) // a bar that cannot be drawn is no reason to stop
	}
	s.bar = bar
}
