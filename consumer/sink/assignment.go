package sink

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"complaints/schema"
)

// state is what happens to an assigned partition; the package comment draws them.
type state int

const (
	opening  state = iota // a job finds in the lake where to go on; nothing is fetched
	reading               // what is fetched comes into the buffer
	flushing              // a job brings the buffer into the lake; what is fetched waits behind it
)

// assignment is a partition of this process. The session's mutex guards it, but p:
// that is the job's while one runs, and the loop's while it reads.
type assignment struct {
	status     PartitionStatus // as callers see it; of p, as it was when it was last the loop's
	p          *partition
	state      state
	job        job // that runs, or the last one
	inbox      []Record
	inboxNext  int64 // the first offset after the inbox, markers included
	timing     timing
	flushAsked bool // by the budget
	outOfRange bool // the client cannot fetch where it stands
}

// job opens or flushes a partition in a goroutine of its own. It tries again for as
// long as it fails for a reason that may pass.
type job struct {
	what  string // open or flush
	stop  context.CancelFunc
	done  chan struct{} // closed when it has ended
	began time.Time
	bytes int64 // of the buffer that it flushes
	err   error // why it was last tried again
	said  bool  // that it has failed for long
}

// What a job does.
const (
	jobOpen  = "open"
	jobFlush = "flush"
)

// timing says when a buffer is due.
type timing struct {
	since    time.Time     // the oldest record that is not in the lake came then
	arrived  time.Time     // the newest came then
	early    time.Duration // how much sooner than its age the first buffer is flushed
	commitAt time.Time     // when to commit the position again, if the group does not have it
}

// commitEvery is how long after a commit that failed the next is tried, unless a
// flush comes first.
const commitEvery = 2 * time.Second

// deliver leaves records in the inbox, and says how many bytes they take.
func (a *assignment) deliver(records []Record, next, end int64) (bytes int64) {
	for i := range records {
		bytes += records[i].Size()
	}
	a.inbox = append(a.inbox, records...)
	a.inboxNext = next
	a.status.BufferedBytes += bytes
	a.status.End = max(a.status.End, end)
	return bytes
}

// takeIn moves the inbox into the buffer until that is full.
func (a *assignment) takeIn(now time.Time) {
	if a.inboxNext <= a.p.pos && len(a.inbox) == 0 {
		return
	}
	if !a.p.pending() {
		a.timing.since = now
	}
	a.timing.arrived = now
	for i := range a.inbox {
		if a.p.full() {
			a.inbox = a.inbox[i:]
			a.status.Position = a.p.pos
			return
		}
		if !a.p.add(a.inbox[i]) {
			a.status.BufferedBytes -= a.inbox[i].Size()
		}
	}
	a.inbox = nil
	a.p.pass(a.inboxNext)
	a.status.Position = a.p.pos
}

// empty drops what is buffered: it is read again, from where the lake ends.
func (a *assignment) empty() {
	a.inbox, a.inboxNext, a.status.BufferedBytes = nil, 0, 0
	a.flushAsked = false
}

// publish shows how far the lake is.
func (a *assignment) publish() {
	next := make(map[schema.Layer]int64, len(a.p.chains))
	for _, c := range a.p.chains {
		next[c.layer.Name] = c.next
	}
	a.status.Position, a.status.Next, a.status.Open = a.p.pos, next, true
}

// due says whether the buffer has to be flushed now, or the position to be committed.
func (a *assignment) due(cfg *Config, now time.Time) bool {
	if a.p.pending() && (a.p.full() || a.flushAsked || a.outOfRange) {
		return true
	}
	at := a.dueAt(cfg)
	return !at.IsZero() && !at.After(now)
}

// dueAt is how long the buffer may wait: for the age of its oldest record, for the
// end of the UTC day that it came on, for records that do not come any more. With
// nothing to flush it is when the position is committed again, and zero if the group
// has it.
func (a *assignment) dueAt(cfg *Config) time.Time {
	t := &a.timing
	if !a.p.pending() {
		if a.p.uncommitted() {
			return t.commitAt
		}
		return time.Time{}
	}
	due := t.since.Add(cfg.RollAge - t.early)
	if midnight := t.since.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour); midnight.Before(due) {
		due = midnight
	}
	if cfg.IdleFlush > 0 && t.arrived.Add(cfg.IdleFlush).Before(due) {
		due = t.arrived.Add(cfg.IdleFlush)
	}
	return due
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

// behind is how many offsets up to end some layer lacks, as far as that is known.
func (a *assignment) behind(end int64) int64 {
	a.status.End = max(a.status.End, end)
	return max(0, end-a.status.Lowest())
}

// stuck says why a partition has not been opened or flushed for so long, or nil.
func (a *assignment) stuck(within time.Duration, now time.Time) error {
	if a.state == reading || now.Sub(a.job.began) < within {
		return nil
	}
	err := fmt.Errorf("%s/%d has waited for %s for its %s", a.status.Topic, a.status.Partition, now.Sub(a.job.began).Round(time.Second), a.job.what)
	if a.job.err != nil {
		err = fmt.Errorf("%w: %w", err, a.job.err)
	}
	return err
}

// failure is an error of the partition's job.
func (a *assignment) failure(err error) error {
	return fmt.Errorf("%s %s/%d: %w", a.job.what, a.status.Topic, a.status.Partition, err)
}

// event is what a job says.
type event int

const (
	jobDone    event = iota
	jobTaken         // another writer was faster
	jobRetried       // it failed, and goes on
	jobFailed        // for good
)

// report is what a job says to the loop.
type report struct {
	of    *assignment // nil if it is of a topic
	event event
	err   error
}

// open begins to find in the lake where to go on.
func (s *session) open(a *assignment) {
	a.empty()
	a.state = opening
	s.begin(a, job{what: jobOpen}, a.p.open)
}

// flush begins to bring the buffer into the lake, and the position to the group.
func (s *session) flush(a *assignment) {
	a.flushAsked = false
	a.state = flushing
	s.begin(a, job{what: jobFlush, bytes: a.p.bytes}, a.p.flush)
}

func (s *session) begin(a *assignment, j job, do func(context.Context) error) {
	ctx, stop := context.WithCancel(s.ctx)
	j.stop, j.done, j.began = stop, make(chan struct{}), time.Now()
	a.job = j
	logger := s.log(a)
	s.jobs.Go(func() {
		defer stop()
		r := report{of: a, event: jobDone}
		for n := 0; ; n++ {
			r.err = do(ctx)
			if r.event = eventOf(r.err); r.event != jobRetried || ctx.Err() != nil {
				break
			}
			s.metrics.failed(j.what, r.err)
			logger.Warn("trying again", "what", j.what, "attempt", n+1, "err", r.err)
			s.tell(ctx, r)
			sleep(ctx, min(100*time.Millisecond<<min(n, 6), 5*time.Second))
		}
		close(j.done)
		s.tell(s.ctx, r)
	})
}

func eventOf(err error) event {
	switch {
	case err == nil:
		return jobDone
	case errors.Is(err, errTaken):
		return jobTaken
	case errors.Is(err, ErrDataLoss), errors.Is(err, errBroken):
		return jobFailed
	}
	return jobRetried
}

// tell hands a report to the loop, unless ctx ends before.
func (s *session) tell(ctx context.Context, r report) {
	select {
	case s.reports <- r:
	case <-ctx.Done():
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
