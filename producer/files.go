package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"complaints/internal/complaintfile"
	"complaints/schema"
)

//go:embed sample/complaints.csv.gz
var sample []byte

// errStrict says that --strict met a broken row.
var errStrict = errors.New("a broken row (--strict)")

// maxBrokenLogged bounds what a file full of broken rows writes to the log.
const maxBrokenLogged = 20

// maxCachedBytes is how much of the encoded input --repeat keeps in memory; a
// larger one is read again each time.
const maxCachedBytes = 512 << 20

// input is one file, or what stands for one.
type input struct {
	name string
	open func() (stream, error)
}

// stream is an input that is open.
type stream interface {
	io.Reader
	io.Closer
}

// filePublisher reads inputs and publishes their rows. One goroutine uses it.
type filePublisher struct {
	pub    *publisher
	counts *counts
	log    *slog.Logger
	meter  *meter
	strict bool
	resume *resumeFile // nil without --resume

	cache   []encoded
	cached  int  // bytes
	caching bool // the first pass of several, as long as it fits
}

// encoded is a message; its id ends at value[idEnd].
type encoded struct {
	key, value []byte
	idEnd      int
}

func inputsOf(cfg *config, stdin io.Reader) []input {
	if cfg.Sample {
		return []input{{"the built-in sample", func() (stream, error) {
			return memoryStream{bytes.NewReader(sample)}, nil
		}}}
	}
	var in []input
	for _, path := range cfg.Files {
		if path == "-" {
			in = append(in, input{"standard input", func() (stream, error) { return io.NopCloser(stdin), nil }})
			continue
		}
		in = append(in, input{path, func() (stream, error) { return os.Open(path) }})
	}
	return in
}

type memoryStream struct{ *bytes.Reader }

func (memoryStream) Close() error { return nil }

// run publishes all inputs, as often as asked.
func (f *filePublisher) run(ctx context.Context, inputs []input, repeat int) error {
	f.caching = repeat != 1
	for pass := 1; repeat == 0 || pass <= repeat; pass++ {
		before := f.pub.sent
		if err := f.pass(ctx, inputs, pass); err != nil {
			return err
		}
		if f.pub.sent == before {
			return nil // nothing in it to repeat
		}
	}
	return nil
}

func (f *filePublisher) pass(ctx context.Context, inputs []input, pass int) error {
	if pass > 1 && f.caching {
		return f.replay(ctx, pass)
	}
	for _, in := range inputs {
		if err := f.file(ctx, in, pass); err != nil {
			return err
		}
	}
	return nil
}

// file publishes one input.
func (f *filePublisher) file(ctx context.Context, in input, pass int) (err error) {
	s, err := in.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	done, err := f.resume.begin(in.name, s)
	if err != nil {
		return err
	}
	rows, err := complaintfile.NewReader(f.meter.watch(s), in.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if done.skip > 0 {
		f.log.Info("going on behind what an earlier run published", "file", in.name, "row", done.skip)
	}
	for n := int64(1); ; n++ {
		if err := f.pub.full(); err != nil {
			return err
		}
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err := f.row(ctx, row.Complaint, err, n, pass, done); err != nil {
			return err
		}
	}
}

// row publishes one row, or counts why not. n is its number in the file.
func (f *filePublisher) row(ctx context.Context, c schema.Complaint, err error, n int64, pass int, done *progressOf) error {
	f.counts.read.Add(1)
	if broken, ok := errors.AsType[*complaintfile.RowError](err); ok {
		if f.strict {
			return fmt.Errorf("%w: %w", errStrict, broken)
		}
		if f.counts.broken.Add(1); f.counts.broken.Load() <= maxBrokenLogged {
			f.log.Warn("a row cannot be read", "file", broken.File, "line", broken.Line, "row", broken.Row, "err", broken.Err)
		}
		done.done(n)
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	if n <= done.skip {
		f.counts.resumed.Add(1)
		return ctx.Err()
	}
	if strings.TrimSpace(c.Narrative) == "" {
		f.counts.noNarrative.Add(1)
		done.done(n)
		return ctx.Err()
	}
	if c.ComplaintID == "" {
		c.ComplaintID = c.DerivedID()
	}
	m := encode(&c)
	f.keep(m)
	key, value := m.message(pass)
	if err := f.pub.publish(ctx, key, value, func() { done.done(n) }); err != nil {
		return err
	}
	return nil
}

// keep remembers a message for the next pass.
func (f *filePublisher) keep(m encoded) {
	if !f.caching {
		return
	}
	f.cache = append(f.cache, m)
	if f.cached += len(m.key) + len(m.value); f.cached > maxCachedBytes {
		f.cache, f.caching = nil, false
	}
}

// replay publishes what the first pass remembered.
func (f *filePublisher) replay(ctx context.Context, pass int) error {
	for _, m := range f.cache {
		if err := f.pub.full(); err != nil {
			return err
		}
		f.counts.read.Add(1)
		key, value := m.message(pass)
		if err := f.pub.publish(ctx, key, value, nil); err != nil {
			return err
		}
	}
	return nil
}

// emptyJSON is as long as a message is without its id.
var emptyJSON = len((&schema.Complaint{ComplaintID: "x"}).AppendJSON(nil)) - len("x")

// encode makes a message of a complaint that has an id.
func encode(c *schema.Complaint) encoded {
	only := schema.Complaint{ComplaintID: c.ComplaintID}
	idLen := len(only.AppendJSON(nil)) - emptyJSON
	value := c.AppendJSON(make([]byte, 0, len(c.Narrative)+len(c.Narrative)/16+640))
	return encoded{[]byte(c.ComplaintID), value, len(`{"complaint_id":"`) + idLen}
}

// message returns key and value for a pass; from the second on the id gets a
// suffix, so that repeated complaints stay distinct.
func (m encoded) message(pass int) (key, value []byte) {
	if pass == 1 {
		return m.key, m.value
	}
	var digits [20]byte
	suffix := strconv.AppendInt(append(digits[:0], '-'), int64(pass), 10)
	key = append(append(make([]byte, 0, len(m.key)+len(suffix)), m.key...), suffix...)
	value = append(make([]byte, 0, len(m.value)+len(suffix)), m.value[:m.idEnd]...)
	return key, append(append(value, suffix...), m.value[m.idEnd:]...)
}
