package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"complaints/internal/failpoint"
	"complaints/schema"
)

// ErrDataLoss says that the log no longer has offsets that the lake lacks.
var ErrDataLoss = errors.New("data_loss")

// errBroken says that the lake, the log or an encoded object contradict each
// other, and that trying again is no use.
var errBroken = errors.New("inconsistent")

// topicLog is one partition as its reader sees it.
type topicLog interface {
	// Bounds returns the first offset that the log still has, and the first
	// that it does not have yet.
	Bounds(ctx context.Context) (start, end int64, err error)
	// Read calls each with the committed records of offsets from up to, but
	// not including, to. The record's bytes are the callee's.
	Read(ctx context.Context, from, to int64, each func(Record) error) error
	// Commit gives the group the offset up to which all layers are.
	Commit(ctx context.Context, next int64) error
}

// rolls says when a partition's buffer is flushed.
type rolls struct {
	rows  int
	bytes int64
	days  int // distinct days, each an object
}

// partition is what has been read of one partition and is not in the lake yet.
// One goroutine owns it.
type partition struct {
	log        topicLog
	chains     []*chain
	rolls      rolls
	acceptLoss bool
	logger     *slog.Logger
	metrics    *metrics

	committed int64    // the offset that the group has; negative if it has none
	pos       int64    // the first offset that was not read yet
	records   []Record // of offsets from the lowest next of the chains up to pos
	bytes     int64    // of the records
	days      map[int64]struct{}
}

// drop forgets what was read.
func (p *partition) drop() {
	p.records, p.bytes = nil, 0
	clear(p.days)
}

// add takes the next record, unless it was read before. Records come in the
// order of their offsets.
func (p *partition) add(r Record) bool {
	if r.Offset < p.pos {
		return false
	}
	p.pos = r.Offset + 1
	p.records = append(p.records, r)
	p.bytes += r.Size()
	p.days[dayNumber(r.Timestamp)] = struct{}{}
	return true
}

// pass takes note that no record comes before next: there was a marker.
func (p *partition) pass(next int64) { p.pos = max(p.pos, next) }

// full says whether the buffer has reached a size at which it is flushed.
func (p *partition) full() bool {
	return len(p.records) >= p.rolls.rows || p.bytes >= p.rolls.bytes || len(p.days) >= p.rolls.days
}

// pending says whether something was read that is not in the lake: records, or
// markers alone.
func (p *partition) pending() bool { return p.pos > p.lowest() }

// lowest is the first offset that some layer lacks.
func (p *partition) lowest() int64 {
	low := p.chains[0].next
	for _, c := range p.chains[1:] {
		low = min(low, c.next)
	}
	return low
}

// flush brings what was read into the lake, and then commits the offset. It may
// be called again after an error. The error is errTaken if another writer was
// faster: then only open helps.
func (p *partition) flush(ctx context.Context) error {
	for _, c := range p.chains {
		if c.next >= p.pos {
			continue
		}
		l, days := p.nextClaim(c)
		failpoint.Hit("sink/before-claim")
		if err := p.claim(ctx, c, l); err != nil {
			return err
		}
		failpoint.Hit("sink/after-claim")
		if err := p.put(ctx, c, l, days); err != nil {
			return err
		}
		c.next = l.Next
	}
	p.drop()
	failpoint.Hit("sink/before-commit")
	p.commit(ctx)
	failpoint.Hit("sink/after-commit")
	return nil
}

// claim creates a claim. One that fails counts as a put that failed: its objects are
// not tried.
func (p *partition) claim(ctx context.Context, c *chain, l *schema.Claim) error {
	began := time.Now()
	err := c.claim(ctx, l)
	if err == nil {
		return nil
	}
	if !errors.Is(err, errTaken) {
		p.metrics.of(c.layer.Name).seconds[false].Observe(time.Since(began).Seconds())
	}
	return fmt.Errorf("claim: %w", err)
}

// nextClaim is the claim of all that was read and that the layer lacks.
func (p *partition) nextClaim(c *chain) (*schema.Claim, map[schema.Day][]Record) {
	l := c.newClaim(c.next, p.pos)
	from := 0
	for from < len(p.records) && p.records[from].Offset < c.next {
		from++
	}
	days := byDay(p.records[from:])
	l.Rows = rowsOf(days)
	return l, days
}

func rowsOf(days map[schema.Day][]Record) map[schema.Day]int64 {
	rows := make(map[schema.Day]int64, len(days))
	for day, records := range days {
		rows[day] = int64(len(records))
	}
	return rows
}

// uncommitted says that the group does not have the position: a commit failed, or was
// lost. Nothing would be written twice, but the group's lag would not end.
func (p *partition) uncommitted() bool { return p.committed != p.lowest() }

// commit gives the group the position. Nothing depends on it but the number of
// requests of the next open, and who looks at the group's lag.
func (p *partition) commit(ctx context.Context) {
	if err := p.log.Commit(ctx, p.lowest()); err != nil {
		p.metrics.commitFailures.Inc()
		if ctx.Err() == nil {
			p.logger.Warn("offset commit failed; the lake says where to resume", "err", err)
		}
		return
	}
	p.committed = p.lowest()
}

// openAttempts is how often an open meets another writer before it gives up.
const openAttempts = 10

// open drops what was read and finds in the lake where to go on: pos. This is
// the one way to resume, after a start as after a collision.
func (p *partition) open(ctx context.Context) error {
	p.drop()
	var err error
	for range openAttempts {
		if err = p.resume(ctx); !errors.Is(err, errTaken) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("resume from the lake: %w", err)
	}
	p.pos = p.lowest()
	return nil
}

func (p *partition) resume(ctx context.Context) error {
	// The start is asked before the chains are read: the lake may be further
	// by then, but never behind what the log has dropped, unless that is lost.
	start, end, err := p.log.Bounds(ctx)
	if err != nil {
		return err
	}
	for _, c := range p.chains {
		if err := p.resumeChain(ctx, c, start, end); err != nil {
			return fmt.Errorf("%s: %w", c.layer.Name, err)
		}
	}
	return nil
}

func (p *partition) resumeChain(ctx context.Context, c *chain, start, end int64) error {
	last, err := c.find(ctx, p.committed, end)
	if err != nil {
		return err
	}
	c.next = 0
	if last == nil {
		if start == 0 {
			return nil
		}
		return p.lose(ctx, c, start) // what was before this lake is nobody's loss
	}
	if last.Next > end { // others may have gone on since we asked
		if _, end, err = p.log.Bounds(ctx); err != nil {
			return err
		}
	}
	if last.Next > end {
		return fmt.Errorf("%w: claim %s ends at %d, and the log at %d; was the log truncated?", errBroken, last.Key(), last.Next, end)
	}
	if err := p.complete(ctx, c, last, start); err != nil {
		return err
	}
	c.next = last.Next
	if start <= c.next {
		return nil
	}
	if !p.acceptLoss {
		return fmt.Errorf("%w: the lake needs offset %d next, and the log starts at %d now; --accept-loss goes on there, and --from start does for the role classify where that lacks them too", ErrDataLoss, c.next, start)
	}
	p.logger.Error("the log no longer has offsets that the lake lacks; the loss is accepted", "layer", c.layer.Name, "from", c.next, "to", start)
	return p.lose(ctx, c, start)
}

// lose claims the offsets up to start, which the log no longer has, as an empty claim.
func (p *partition) lose(ctx context.Context, c *chain, start int64) error {
	l := c.newClaim(c.next, start)
	l.Lost = true
	if err := c.claim(ctx, l); err != nil {
		return err
	}
	c.next = l.Next
	return nil
}

// complete writes the objects of the last claim that are missing: whoever
// claimed it died, or is still at it. Start is the first offset of the log.
func (p *partition) complete(ctx context.Context, c *chain, l *schema.Claim, start int64) error {
	missing, err := c.missing(ctx, l)
	if err != nil || len(missing) == 0 {
		return err
	}
	if start > l.Start {
		if p.acceptLoss {
			p.logger.Error("objects of a claim are missing and the log no longer has their offsets; the loss is accepted", "claim", l.Key())
			return nil
		}
		return fmt.Errorf("%w: claim %s lacks %s, and the log starts at %d now; --accept-loss goes on without", ErrDataLoss, l.Key(), l.ObjectKey(missing[0]), start)
	}
	var records []Record
	if err := p.log.Read(ctx, l.Start, l.Next, func(r Record) error {
		records = append(records, r)
		return nil
	}); err != nil {
		return fmt.Errorf("read %d to %d again: %w", l.Start, l.Next, err)
	}
	days := byDay(records)
	if rows := rowsOf(days); !maps.Equal(rows, l.Rows) {
		return fmt.Errorf("%w: claim %s claims the rows %v, and the log has %v", errBroken, l.Key(), l.Rows, rows)
	}
	again := make(map[schema.Day][]Record, len(missing))
	for _, day := range missing {
		again[day] = days[day]
	}
	p.logger.Info("completed the objects of a claim", "claim", l.Key(), "days", len(missing))
	return p.put(ctx, c, l, again)
}
