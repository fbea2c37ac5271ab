package sink

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A seek asks the poll loop to set the client to an offset: only between a poll
// and AllowRebalance can no rebalance interfere, and no record of the old
// position come after.
type seekRequest struct {
	w      *worker
	offset int64
	done   chan struct{}
}

// seek sets the client and returns when that is done, or ctx ends. After the last
// poll there is nothing to set, and nobody else who empties the inbox.
func (s *session) seek(ctx context.Context, w *worker, offset int64) {
	r := seekRequest{w, offset, make(chan struct{})}
	s.mu.Lock()
	s.seeks = append(s.seeks, r)
	s.mu.Unlock()
	s.wakePoll()
	select {
	case <-r.done:
	case <-s.polled:
		w.reset(offset)
	case <-ctx.Done():
	}
}

// wakePoll ends a poll that waits.
func (s *session) wakePoll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.woken = true
	if s.endPoll != nil {
		s.endPoll()
	}
}

// pollContext returns the context of the next poll, which ended already if
// there is something to serve.
func (s *session) pollContext(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endPoll = cancel
	if s.woken {
		cancel()
	}
	return ctx, cancel
}

// serve does for the workers what only the poll loop may do.
func (s *session) serve() {
	s.mu.Lock()
	seeks := s.seeks
	s.seeks, s.woken = nil, false
	s.mu.Unlock()
	if len(seeks) > 0 {
		s.setOffsets(seeks)
	}
	s.balance()
}

func (s *session) setOffsets(seeks []seekRequest) {
	offsets := map[string]map[int32]kgo.EpochOffset{}
	opened := map[string][]int32{}
	for _, r := range seeks {
		if !s.owns(r.w) {
			continue // revoked meanwhile
		}
		if offsets[r.w.topic] == nil {
			offsets[r.w.topic] = map[int32]kgo.EpochOffset{}
		}
		// No epoch: it is not known, and a wrong one makes the client suspect a loss.
		offsets[r.w.topic][r.w.partition] = kgo.EpochOffset{Epoch: -1, Offset: r.offset}
		opened[r.w.topic] = append(opened[r.w.topic], r.w.partition)
	}
	s.client.SetOffsets(offsets)
	for _, r := range seeks {
		r.w.reset(r.offset)
		close(r.done)
	}
	if !s.throttled {
		s.client.ResumeFetchPartitions(opened)
	}
}

// balance pauses all partitions at the budget and has the oldest buffers
// flushed, and lets the partitions go on when that has helped.
func (s *session) balance() {
	over := s.budget.over(s.throttled)
	if over {
		for _, w := range s.budget.oldest() {
			w.flag(&w.askedFlush)
		}
	}
	if over == s.throttled {
		return
	}
	s.throttled = over
	if over {
		s.metrics.throttled.Set(1)
		s.client.PauseFetchPartitions(s.open())
	} else {
		s.metrics.throttled.Set(0)
		s.client.ResumeFetchPartitions(s.open())
	}
}

// open returns the partitions whose client stands at the right offset.
func (s *session) open() map[string][]int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := map[string][]int32{}
	for at, w := range s.workers {
		if w.isOpen() {
			open[at.topic] = append(open[at.topic], at.partition)
		}
	}
	return open
}
