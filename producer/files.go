package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"complaints/internal/complaintfile"
	"complaints/schema"
)

//go:embed sample/complaints.csv.gz
var sample []byte

// errStrict says that --strict met a broken row or value.
var errStrict = errors.New("a broken row or value (--strict)")

// maxLogged bounds what a file full of broken rows writes to the log.
const maxLogged = 20

// maxCachedBytes is how much of the encoded input --repeat keeps in memory; a
// larger one is read again each time.
const maxCachedBytes = 512 << 20

// filePublisher reads inputs and publishes their rows. One goroutine uses it.
type filePublisher struct {
	*admission
	pub      *publisher
	progress *progress
	options  complaintfile.Options
	resume   *resumeFile // nil without --resume

	cache   []encoded
	cached  int  // bytes
	caching bool // the first pass of several, as long as it fits
}

// encoded is a message; its id ends at value[idEnd].
type encoded struct {
	key, value []byte
	idEnd      int
}

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
	s, err := in.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	done, other, err := f.resume.begin(ctx, in.name, s)
	if err != nil {
		return err
	}
	f.options.Digest = f.resume != nil
	rows, err := f.options.NewReader(f.progress.watch(s), in.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	done.greet(f.log, other)
	for n := int64(1); ; n++ {
		if err := f.pub.full(); err != nil {
			return err
		}
		row, err := rows.Next()
		broken, isBroken := errors.AsType[*complaintfile.RowError](err)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !isBroken:
			return err
		case f.resume != nil:
			if row.OpenEnded || isBroken && broken.OpenEnded {
				f.unfinished(in.name)
				return nil
			}
			done.met(n, rows.Digest(), strings.TrimSpace(row.Complaint.Narrative) != "")
		}
		f.counts.read.Add(1)
		if isBroken {
			err = f.broken(ctx, broken, n, done)
		} else {
			err = f.row(ctx, &fileRow{Row: row, file: in.name, n: n, pass: pass, done: done})
		}
		if err != nil {
			return err
		}
	}
}

// broken counts a row that cannot be read.
func (f *filePublisher) broken(ctx context.Context, why *complaintfile.RowError, n int64, done *progressOf) error {
	if f.strict {
		return fmt.Errorf("%w: %w", errStrict, why)
	}
	if f.counts.broken.Add(1); f.counts.broken.Load() <= maxLogged {
		f.log.Warn("a row cannot be read", "file", why.File, "line", why.Line, "last_line", why.LastLine, "row", why.Row, "err", why.Err)
	}
	done.done(n)
	return ctx.Err()
}

// fileRow is a row on its way to the topic.
type fileRow struct {
	complaintfile.Row
	file string
	n    int64 // from 1
	pass int
	done *progressOf
}

// row publishes one row, or counts why not.
func (f *filePublisher) row(ctx context.Context, row *fileRow) error {
	c := &row.Complaint
	if row.n <= row.done.skip {
		f.counts.resumed.Add(1)
		return ctx.Err()
	}
	publish, err := f.admit(c, row.Dropped, "file", row.file, "line", row.Line)
	if err != nil || !publish {
		if err == nil {
			row.done.done(row.n)
		}
		return errors.Join(err, ctx.Err())
	}
	m := encode(c)
	f.keep(m)
	key, value := m.message(row.pass)
	return f.pub.publish(ctx, key, value, func() { row.done.done(row.n) })
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
