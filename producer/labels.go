package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"complaints/schema"
)

// labelsPublisher reads files of labels and publishes them. One goroutine uses it.
type labelsPublisher struct {
	*admission
	pub      *publisher
	progress *progress
	resume   *resumeFile // nil without --resume
	taxonomy *schema.Taxonomy
}

// run publishes all inputs.
func (p *labelsPublisher) run(ctx context.Context, inputs []input) error {
	for _, in := range inputs {
		if err := p.file(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// file publishes one input.
func (p *labelsPublisher) file(ctx context.Context, in input) (err error) {
	s, err := in.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	done, other, err := p.resume.begin(ctx, in.name, s)
	if err != nil {
		return err
	}
	done.greet(p.log, other)
	rows, err := newLabelReader(p.progress.watch(s), in.name)
	if err != nil {
		return err
	}
	for n := int64(1); ; n++ {
		if err := p.pub.full(); err != nil {
			return err
		}
		label, err := rows.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, errBrokenLabel):
			return fmt.Errorf("%s: after row %d: %w", in.name, n-1, err)
		case p.resume != nil && rows.openEnded():
			p.unfinished(in.name)
			return nil
		}
		p.counts.read.Add(1)
		done.met(n, rows.Digest(), true)
		if n <= done.skip {
			p.counts.resumed.Add(1)
			continue
		}
		if err == nil {
			err = label.Complete(p.taxonomy, time.Now())
		}
		if err != nil {
			err = p.broken(err, rows.line, func() { done.done(n) })
		} else {
			err = p.pub.publish(ctx, []byte(label.ComplaintID), label.AppendJSON(nil), func() { done.done(n) })
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
}

// broken counts a row that is no label, or one that cannot be published.
func (p *labelsPublisher) broken(why error, line int, done func()) error {
	if p.strict {
		return fmt.Errorf("%w: line %d: %w", errStrict, line, why)
	}
	if p.counts.broken.Add(1); p.counts.broken.Load() <= maxLogged {
		p.log.Warn("a row is no label that can be published", "line", line, "err", why)
	}
	done()
	return nil
}
