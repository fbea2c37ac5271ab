package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progress shows how far a run is: a bar on a terminal, a log line now and then
// elsewhere.
type progress struct {
	counts *counts
	screen *screen
	log    *slog.Logger

	read atomic.Int64 // bytes of the inputs
	size atomic.Int64 // bytes of the inputs; 0 if unknown
}

// watch counts what is read of s.
func (p *progress) watch(s io.Reader) io.Reader {
	file, ok := s.(seekingFile)
	if !ok {
		return s
	}
	return watched{file, p}
}

// seekingFile is what a zip needs to be read by its directory.
type seekingFile interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

type watched struct {
	seekingFile
	p *progress
}

func (w watched) Read(b []byte) (int, error) {
	n, err := w.seekingFile.Read(b)
	w.p.read.Add(int64(n))
	return n, err
}

func (w watched) ReadAt(b []byte, at int64) (int, error) {
	n, err := w.seekingFile.ReadAt(b, at)
	w.p.read.Add(int64(n))
	return n, err
}

// run shows progress until ctx ends.
func (p *progress) run(ctx context.Context) {
	start := time.Now()
	if p.screen.terminal {
		p.drawBar(ctx, start, mpb.WithOutput(p.screen.w))
		return
	}
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s := p.counts.summary(start, false)
			p.log.Info("publishing", "rows_read", s.RowsRead, "published", s.Published, "per_second", int(s.PerSecond), "percent", int(100*p.share()))
		}
	}
}

// drawBar shows a bar, as wide as the terminal, until ctx ends, and removes it.
func (p *progress) drawBar(ctx context.Context, start time.Time, options ...mpb.ContainerOption) {
	bars := mpb.New(append(options, mpb.WithRefreshRate(200*time.Millisecond))...)
	style := mpb.NopStyle()
	if p.size.Load() > 0 {
		style = mpb.BarStyle().Lbound("[").Filler("=").Tip("=").Padding(" ").Rbound("]")
	}
	numbers := func(decor.Statistics) string { return p.numbers(p.counts.summary(start, false)) }
	// The bar is complete when ctx ends, and not when all is read: acknowledgements come later.
	bar := bars.New(p.size.Load()+1, style, mpb.AppendDecorators(decor.Any(numbers)))
	p.screen.above(bars)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			bar.SetCurrent(min(p.read.Load(), p.size.Load()))
		}
	}
	p.screen.above(nil)
	bar.Abort(true)
	bars.Wait()
}

// share is how much of the inputs is read, 0 to 1; 0 also where it is unknown.
func (p *progress) share() float64 {
	size := p.size.Load()
	if size == 0 {
		return 0
	}
	return min(1, float64(p.read.Load())/float64(size))
}

// numbers stand beside the bar.
func (p *progress) numbers(s summary) string {
	text := fmt.Sprintf("%d read, %d published, %.0f/s", s.RowsRead, s.Published, s.PerSecond)
	share := p.share()
	if share == 0 {
		return text
	}
	left := time.Duration(s.Seconds * (1 - share) / share * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%.0f%% %s, %s left", 100*share, text, left)
}

// screen is the error stream: log lines and, on a terminal, a bar below them.
type screen struct {
	terminal bool
	w        io.Writer
	bars     atomic.Pointer[mpb.Progress] // nil: there is no bar
}

func newScreen(w io.Writer) *screen {
	f, ok := w.(*os.File)
	return &screen{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// above lets what is written stand above the bars; nil: there are none.
func (s *screen) above(bars *mpb.Progress) { s.bars.Store(bars) }

// Write writes a log line.
func (s *screen) Write(b []byte) (int, error) {
	if bars := s.bars.Load(); bars != nil {
		n, err := bars.Write(b)
		if _, over := errors.AsType[mpb.ErrDone[*mpb.Progress]](err); !over {
			return n, err
		}
	}
	return s.w.Write(b)
}
