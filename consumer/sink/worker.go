package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"complaints/schema"
)

// worker is the goroutine of an assigned partition. It alone touches the
// partition's buffers; the poll loop leaves records in its inbox.
type worker struct {
	session   *session
	topic     string
	partition int32
	p         *partition
	stop      context.CancelFunc
	done      chan struct{}
	committed int64             // what the group had when the partition came; all that is known of it until it is opened
	wake      chan struct{}     // holds one: look at the inbox and the flags
	flushNow  chan chan<- error // from outside; the answer's channel holds one

	since   time.Time     // when the oldest that is not in the lake came; the worker's
	arrived time.Time     // when the newest came; the worker's
	early   time.Duration // how much sooner than its age the first buffer is flushed; the worker's
	noteAt  time.Time     // when to note the position again, if the group does not have it; the worker's

	mu         sync.Mutex // guards all below
	inbox      []Record
	inboxNext  int64 // the first offset after the inbox, markers included
	held       int64 // bytes of the inbox and of the partition's buffer
	opened     bool  // the client was set to the right offset
	askedFlush bool  // by the budget
	outOfRange bool  // the client cannot fetch where it stands
	status     PartitionStatus
}

// run resumes the partition from the lake and then brings what comes into it,
// until ctx ends. What is buffered then is dropped; the next owner reads it again.
func (w *worker) run(ctx context.Context, hint string) error {
	err := w.reopen(ctx, hint)
	for err == nil {
		timer := time.NewTimer(w.untilDue(time.Now()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
			err = w.work(ctx, false)
		case <-w.wake:
			err = w.work(ctx, false)
		case answer := <-w.flushNow:
			err = w.work(ctx, true)
			answer <- err
		}
		timer.Stop()
	}
	if ctx.Err() == nil {
		return err
	}
	return nil // stopped
}

// work takes in what has come, and flushes what is full or due; all if forced.
func (w *worker) work(ctx context.Context, force bool) error {
	if reopened, err := w.takeIn(ctx); err != nil || reopened {
		return err
	}
	if w.takeFlag(&w.outOfRange) {
		return w.leaveRange(ctx)
	}
	asked := w.takeFlag(&w.askedFlush)
	due := force || asked || w.untilDue(time.Now()) <= 0
	switch {
	case due && w.p.pending():
		if _, err := w.flush(ctx); err != nil {
			return err
		}
	case due && w.p.unnoted():
		w.p.commit(ctx)
		w.noteAt = time.Now().Add(noteEvery)
	}
	w.publish()
	return nil
}

// noteEvery is how long after a commit that failed the next is tried, unless a
// flush comes first.
const noteEvery = 2 * time.Second

// takeIn adds the inbox to the buffer and flushes whenever that is full. After
// a collision the rest of the inbox is void: reading went back.
func (w *worker) takeIn(ctx context.Context) (reopened bool, err error) {
	records, next := w.takeInbox()
	now := time.Now()
	if next > w.p.pos {
		if !w.p.pending() {
			w.since = now
		}
		w.arrived = now
	}
	for i := range records {
		if !w.p.add(records[i]) {
			w.release(records[i].Size())
		}
		if w.p.full() {
			if reopened, err := w.flush(ctx); err != nil || reopened {
				return reopened, err
			}
			w.since = now
		}
	}
	w.p.pass(next)
	return false, nil
}

// untilDue is how long the buffer may wait: for the age of its oldest record,
// for the end of the UTC day that it came on, for records that do not come any more.
// With nothing to flush it is how long until the position is noted again.
func (w *worker) untilDue(now time.Time) time.Duration {
	if !w.p.pending() {
		if w.p.unnoted() {
			return w.noteAt.Sub(now)
		}
		return time.Hour
	}
	due := w.since.Add(w.session.cfg.RollAge - w.early)
	if midnight := w.since.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour); midnight.Before(due) {
		due = midnight
	}
	if idle := w.session.cfg.IdleFlush; idle > 0 && w.arrived.Add(idle).Before(due) {
		due = w.arrived.Add(idle)
	}
	return due.Sub(now)
}

// stagger is how much sooner the first buffer of a partition is flushed than the
// age says. Partitions begin together; so they do not go on flushing together,
// which would take all cores from classification for a while, and the store would
// see all their requests at once. Multiples of the golden ratio lie evenly apart,
// however many partitions there are.
func stagger(partition int32, age time.Duration) time.Duration {
	_, part := math.Modf(float64(partition) * (math.Phi - 1))
	return time.Duration(float64(age) * part)
}

// flush brings the buffer into the lake. It says whether another writer was
// faster and the partition was opened anew.
func (w *worker) flush(ctx context.Context) (reopened bool, err error) {
	bytes := w.p.bytes
	done, err := w.session.flushes.begin(ctx, bytes)
	if err != nil {
		return false, err
	}
	err = w.retry(ctx, "flush", w.p.flush)
	done()
	switch {
	case err == nil:
		w.early = 0
		w.release(bytes)
		w.publish()
		return false, nil
	case errors.Is(err, errTaken):
		w.session.metrics.collisions.Inc()
		w.log().Warn("another writer was faster; resuming from the lake", "err", err)
		return true, w.reopen(ctx, w.p.hint())
	default:
		return false, err
	}
}

// reopen finds in the lake where to go on, and sets the client there.
func (w *worker) reopen(ctx context.Context, hint string) error {
	err := w.retry(ctx, "open", func(ctx context.Context) error { return w.p.open(ctx, hint) })
	if err != nil {
		return err
	}
	w.publish()
	w.session.seek(ctx, w, w.p.pos)
	return nil
}

// leaveRange opens the partition anew after the client was told that the log
// does not have the offset at which it stands.
func (w *worker) leaveRange(ctx context.Context) error {
	before := w.p.pos
	if w.p.pending() {
		if _, err := w.flush(ctx); err != nil { // what we have, the log may have lost
			return err
		}
	}
	if err := w.reopen(ctx, w.p.hint()); err != nil {
		return err
	}
	if w.p.pos == before {
		return errRebuild // the client does not fetch on at an offset that it knows
	}
	return nil
}

// retry repeats what failed for a reason that may pass, until the configured
// patience ends. What was done is found done by the next attempt.
func (w *worker) retry(ctx context.Context, what string, do func(context.Context) error) error {
	began := time.Now()
	for n := 0; ; n++ {
		err := do(ctx)
		switch {
		case err == nil, errors.Is(err, errTaken):
			return err
		case ctx.Err() != nil:
			return ctx.Err() // the owner stops us; nothing is lost
		case errors.Is(err, ErrDataLoss), errors.Is(err, errBroken), time.Since(began) > w.session.cfg.Patience:
			return fmt.Errorf("%s %s/%d: %w", what, w.topic, w.partition, err)
		}
		w.log().Warn("trying again", "what", what, "attempt", n+1, "err", err)
		sleep(ctx, min(100*time.Millisecond<<min(n, 6), 5*time.Second))
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// deliver leaves records in the inbox. It is called by the poll loop.
func (w *worker) deliver(records []Record, next, end int64, now time.Time) {
	var bytes int64
	for i := range records {
		bytes += records[i].Size()
	}
	w.mu.Lock()
	w.inbox = append(w.inbox, records...)
	w.inboxNext = next
	w.held += bytes
	w.status.End = max(w.status.End, end)
	w.mu.Unlock()
	w.session.budget.take(w, bytes, len(records), now)
	w.poke()
}

func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) takeInbox() ([]Record, int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	records := w.inbox
	w.inbox = nil
	return records, w.inboxNext
}

// reset empties the inbox: the client was set to offset. It is called by the
// poll loop while the worker waits for that, or by the worker when the loop is over.
func (w *worker) reset(offset int64) {
	w.mu.Lock()
	held := w.held
	w.inbox, w.inboxNext, w.held = nil, offset, 0
	w.opened, w.outOfRange = true, false
	w.mu.Unlock()
	w.session.budget.give(w, held, time.Now())
}

// forget gives back what a worker holds that is gone.
func (w *worker) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inbox, w.held = nil, 0
	w.session.budget.leave(w)
}

func (w *worker) release(bytes int64) {
	w.mu.Lock()
	bytes = min(bytes, w.held)
	w.held -= bytes
	w.mu.Unlock()
	w.session.budget.give(w, bytes, time.Now())
	w.session.wakePoll() // the partitions may go on
}

func (w *worker) isOpen() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.opened
}

// flag sets one of the worker's flags and wakes it.
func (w *worker) flag(f *bool) {
	w.mu.Lock()
	*f = true
	w.mu.Unlock()
	w.poke()
}

func (w *worker) takeFlag(f *bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	set := *f
	*f = false
	return set
}

// publish shows the partition's state to callers of Status.
func (w *worker) publish() {
	next := make(map[schema.Layer]int64, len(w.p.chains))
	for _, c := range w.p.chains {
		next[c.layer.Name] = c.next
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Position, w.status.Next, w.status.Open = w.p.pos, next, true
}

func (w *worker) snapshot() PartitionStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.status
	s.Topic, s.Partition, s.BufferedBytes = w.topic, w.partition, w.held
	return s
}

func (w *worker) log() *slog.Logger {
	return w.session.cfg.Logger.With("topic", w.topic, "partition", w.partition)
}
