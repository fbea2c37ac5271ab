// Package logdedup keeps a log from repeating itself.
//
// In come the lines of a logger. Out go all of them but warnings that repeat: a
// loop that tries again warns each time, and a store that is away for an hour
// would fill the log with one sentence. A crash loses the count of what was left
// out since the last line.
package logdedup

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Every is how often a warning is written at most.
const Every = time.Minute

// Warnings returns a handler that writes each warning at most once a minute,
// whatever its attributes, with the number of those left out before it
// (suppressed). Other levels pass: what must be seen each time is information or
// an error. Messages must be constant, for they are remembered.
func Warnings(to slog.Handler) slog.Handler {
	return handler{to, &seen{last: map[string]*repeats{}}}
}

type handler struct {
	slog.Handler
	seen *seen // of all handlers made of one
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level != slog.LevelWarn {
		return h.Handler.Handle(ctx, r)
	}
	suppressed, ok := h.seen.write(r.Message, r.Time)
	if !ok {
		return nil
	}
	if suppressed > 0 {
		r.AddAttrs(slog.Int("suppressed", suppressed))
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.seen}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.seen}
}

// seen is what was written of late.
type seen struct {
	mu   sync.Mutex          // guards last
	last map[string]*repeats // by message
}

type repeats struct {
	written time.Time
	left    int // out, since then
}

// write says whether a message is due, and how many were left out before it.
func (s *seen) write(message string, now time.Time) (suppressed int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.last[message]
	if r != nil && now.Sub(r.written) < Every {
		r.left++
		return 0, false
	}
	if r != nil {
		suppressed = r.left
	}
	s.last[message] = &repeats{written: now}
	return suppressed, true
}
