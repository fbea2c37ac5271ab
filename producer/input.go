package main

import (
	"bytes"
	"context"
	"io"
	"os"
)

// input is one file, or what stands for one.
type input struct {
	name string
	open func(ctx context.Context) (stream, error)
}

// stream is an input that is open.
type stream interface {
	io.Reader
	io.Closer
}

func inputsOf(cfg *config, stdin io.Reader) []input {
	if cfg.Sample {
		return []input{{"the built-in sample", func(context.Context) (stream, error) {
			return memoryStream{bytes.NewReader(sample)}, nil
		}}}
	}
	var in []input
	for _, path := range cfg.Files {
		if path == "-" {
			in = append(in, input{"standard input", func(ctx context.Context) (stream, error) {
				return &silentStream{ctx: ctx, src: io.NopCloser(stdin)}, nil
			}})
			continue
		}
		in = append(in, input{path, func(ctx context.Context) (stream, error) { return openFile(ctx, path) }})
	}
	return in
}

type memoryStream struct{ *bytes.Reader }

func (memoryStream) Close() error { return nil }

// openFile opens a file. What is no regular one, such as a FIFO, may keep who
// opens and reads it waiting for ever: both end with ctx.
func openFile(ctx context.Context, path string) (stream, error) {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return os.Open(path)
	}
	f, err := within(ctx, func() (*os.File, error) { return os.Open(path) })
	if err != nil {
		return nil, err
	}
	return &silentStream{ctx: ctx, src: f}, nil
}

// within returns what f returns, or ctx's error as soon as ctx ends. Nothing
// ends a call that the system holds: it is left behind, and goes with the process.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// silentStream reads a stream that may be silent for as long as it likes. One goroutine uses it.
type silentStream struct {
	ctx  context.Context //nolint:containedctx // a reader has no other way to know
	src  io.ReadCloser
	buf  []byte // a read that was left behind may still write to it
	rest []byte // what is read of it and not handed out
	err  error
}

func (s *silentStream) Read(b []byte) (int, error) {
	if len(s.rest) == 0 && s.err == nil {
		if s.buf == nil {
			s.buf = make([]byte, 64<<10)
		}
		var n int
		n, s.err = within(s.ctx, func() (int, error) { return s.src.Read(s.buf) })
		s.rest = s.buf[:n]
	}
	if len(s.rest) == 0 {
		return 0, s.err
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Close closes the stream, but not one that somebody still reads: that would wait too.
func (s *silentStream) Close() error {
	select {
	case <-s.ctx.Done():
		return nil
	default:
		return s.src.Close()
	}
}
