package sink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
	"complaints/internal/lake"
)

// loop polls until ctx ends or something fails. Whatever it does to the client comes
// between a poll and AllowRebalance: only there can no rebalance interfere, and no
// record of an old position come after a seek.
func (s *session) loop(ctx context.Context) error {
	due := time.Now()
	for ctx.Err() == nil {
		fetches, reported := s.poll(ctx, due)
		var err error
		due, err = s.step(fetches, reported)
		s.client.AllowRebalance()
		if err != nil {
			return err
		}
	}
	return nil
}

// poll waits for records, for reports of jobs, or until a buffer is due.
func (s *session) poll(ctx context.Context, due time.Time) (kgo.Fetches, []report) {
	once, cancel := context.WithDeadline(ctx, due)
	defer cancel()
	first := make(chan report, 1)
	go func() {
		defer close(first)
		select {
		case r := <-s.reports:
			first <- r
			cancel() // the poll
		case <-once.Done():
		}
	}()
	fetches := s.client.PollRecords(once, s.budget.records(s.buffered()))
	cancel()
	var reported []report
	for r := range first {
		reported = append(reported, r)
	}
	for {
		select {
		case r := <-s.reports:
			reported = append(reported, r)
		default:
			return fetches, reported
		}
	}
}

// step takes in what a poll gave, begins the jobs that are due, and tells the client
// where to go on and what to leave out. It returns when the next buffer is due.
func (s *session) step(fetches kgo.Fetches, reported []report) (due time.Time, err error) {
	if err := s.receive(fetches); err != nil {
		return due, err
	}
	opened, reopened, err := s.hear(reported)
	if err != nil {
		return due, err
	}
	s.seek(opened)
	if len(reopened) > 0 {
		s.client.PauseFetchPartitions(reopened)
	}
	due = s.advance(time.Now())
	if s.applyBackpressure() { // more buffers are due now
		due = s.advance(time.Now())
	}
	return due, nil
}

// receive gives the records of a poll to their partitions.
func (s *session) receive(fetches kgo.Fetches) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range fetches {
		for _, t := range f.Topics {
			if id := topicIDOf(t); id != "" && id != s.ids[t.Topic] {
				return fmt.Errorf("%w: %s", errRebuild, t.Topic)
			}
			for i := range t.Partitions {
				if err := s.receivePartition(t.Topic, &t.Partitions[i]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *session) receivePartition(topic string, f *kgo.FetchPartition) error {
	a := s.assigned[tp{topic, f.Partition}]
	var lost *kgo.ErrDataLoss
	switch {
	case f.Err == nil:
	case errors.Is(f.Err, context.Canceled), errors.Is(f.Err, context.DeadlineExceeded):
		return nil // a report has ended the poll, or its time
	case errors.Is(f.Err, kerr.UnknownTopicID), errors.Is(f.Err, kerr.UnknownTopicOrPartition), errors.Is(f.Err, kerr.InconsistentTopicID):
		return fmt.Errorf("%w: %s: %w", errRebuild, topic, f.Err)
	case errors.Is(f.Err, kerr.OffsetOutOfRange), errors.As(f.Err, &lost):
		if a != nil && a.state != opening {
			a.outOfRange = true
		}
		return nil
	case kafka.Recovers(f.Err):
		s.cfg.Logger.Warn("a fetch failed; the client tries again", "topic", topic, "partition", f.Partition, "err", f.Err)
		return nil
	case topic == "": // the group's own, and of no partition
		return fmt.Errorf("fetch: %w", f.Err)
	default:
		return fmt.Errorf("fetch %s/%d: %w", topic, f.Partition, f.Err)
	}
	if a == nil || len(f.Records) == 0 || a.state == opening {
		return nil
	}
	records := make([]Record, 0, len(f.Records))
	for _, r := range f.Records {
		if !r.Attrs.IsControl() {
			records = append(records, copied(r))
		}
	}
	bytes := a.deliver(records, f.Records[len(f.Records)-1].Offset+1, f.LastStableOffset)
	s.budget.learn(bytes, len(records))
	return nil
}

// hear takes in what jobs say. It returns the partitions that were opened, and those
// that are being opened again.
func (s *session) hear(reported []report) (opened []*assignment, reopened map[string][]int32, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reopened = map[string][]int32{}
	for _, r := range reported {
		a := r.of
		switch {
		case a == nil:
			return nil, nil, r.err
		case s.assigned[tp{a.status.Topic, a.status.Partition}] != a:
			continue // it is another's now
		case r.event == jobFailed:
			return nil, nil, a.failure(r.err)
		case r.event == jobRetried:
			err = s.hearRetried(a, r.err)
		case r.event == jobTaken:
			s.metrics.collisions.Inc()
			s.log(a).Warn("another writer was faster; resuming from the lake", "err", r.err)
			reopened[a.status.Topic] = append(reopened[a.status.Topic], a.status.Partition)
			a.outOfRange = false
			s.open(a)
		case a.state == opening:
			opened = append(opened, a)
			err = s.hearOpened(a)
		default:
			a.state = reading
			a.status.BufferedBytes -= a.job.bytes
			a.timing.early, a.timing.commitAt = 0, time.Now().Add(commitEvery)
			a.publish()
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return opened, reopened, nil
}

func (s *session) hearOpened(a *assignment) error {
	if a.outOfRange && a.p.pos == a.status.Position {
		return errRebuild // the client does not fetch on at an offset that it knows
	}
	a.state, a.outOfRange, a.inboxNext, a.timing.commitAt = reading, false, a.p.pos, time.Now()
	s.opened = true
	a.publish()
	return nil
}

// hearRetried notes why a job goes on trying. A store that may not be used at all ends
// a process that has just begun; later its permissions may come back, and
// classification goes on meanwhile.
func (s *session) hearRetried(a *assignment, err error) error {
	if lake.Permanent(err) && !s.opened {
		return a.failure(err)
	}
	a.job.err = err
	if stuck := a.stuck(s.cfg.NotReadyAfter, time.Now()); stuck != nil && !a.job.said {
		a.job.said = true
		s.log(a).Error("a partition waits for the lake", "what", a.job.what, "since", a.job.began, "err", err)
	}
	return nil
}

// seek sets the client to where the lake ends, and has it fetch there.
func (s *session) seek(opened []*assignment) {
	if len(opened) == 0 {
		return
	}
	offsets := map[string]map[int32]kgo.EpochOffset{}
	fetch := map[string][]int32{}
	for _, a := range opened {
		topic, partition := a.status.Topic, a.status.Partition
		if offsets[topic] == nil {
			offsets[topic] = map[int32]kgo.EpochOffset{}
		}
		// No epoch: it is not known, and a wrong one makes the client suspect a loss.
		offsets[topic][partition] = kgo.EpochOffset{Epoch: -1, Offset: a.p.pos}
		fetch[topic] = append(fetch[topic], partition)
	}
	s.client.SetOffsets(offsets)
	if !s.budget.paused {
		s.client.ResumeFetchPartitions(fetch)
	}
}

// dueAtLeast is when the loop looks again where no buffer is due before.
const dueAtLeast = time.Hour

// advance fills the buffers and begins the jobs that are due: the oldest buffer first,
// and as many as may be flushed at the same time. It returns when the next buffer is
// due. Those that are due already and wait for others do not count: the report of a
// job ends the poll.
func (s *session) advance(now time.Time) (next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next = now.Add(dueAtLeast)
	var due []*assignment
	running := int64(0)
	for _, a := range s.assigned {
		if a.state == flushing {
			running += s.budget.weight(a.job.bytes)
		}
		if a.state != reading {
			continue
		}
		a.takeIn(now)
		switch {
		case a.due(&s.cfg, now):
			due = append(due, a)
		case a.outOfRange:
			s.open(a)
		default:
			if at := a.dueAt(&s.cfg); !at.IsZero() && at.Before(next) {
				next = at
			}
		}
	}
	slices.SortFunc(due, older)
	for _, a := range due {
		if running += s.budget.weight(a.p.bytes); !s.budget.admits(running) {
			break // in their order, or a large one would wait for ever
		}
		s.flush(a)
	}
	return next
}

// older orders buffers by the time of their oldest record.
func older(a, b *assignment) int {
	return cmp.Or(a.timing.since.Compare(b.timing.since), cmp.Compare(a.status.Topic, b.status.Topic), cmp.Compare(a.status.Partition, b.status.Partition))
}
