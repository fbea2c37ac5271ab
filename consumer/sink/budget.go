package sink

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// budget counts the bytes that all partitions hold, those that wait to be
// flushed as well as those that are being flushed. Paused at limit, partitions
// go on below low.
type budget struct {
	limit, low int64
	metrics    *metrics

	mu      sync.Mutex
	used    int64
	typical int64 // bytes of a record, as last seen
	holders map[*worker]*holding
}

type holding struct {
	bytes int64
	since time.Time // the oldest byte came then
	asked bool      // to flush
}

func newBudget(limit int64, m *metrics) *budget {
	m.budget.Set(float64(limit))
	m.throttled.Set(0) // the last session may have ended at its limit
	return &budget{limit: limit, low: limit * 3 / 4, metrics: m, typical: 2048, holders: map[*worker]*holding{}}
}

// records is how many records may be polled before the use is counted again.
func (b *budget) records() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int(min(max((b.limit-b.used)/b.typical, 1), maxPollRecords))
}

// take counts bytes that a partition holds from now on, in that many records.
func (b *budget) take(w *worker, n int64, records int, now time.Time) {
	if records == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.typical = n / int64(records)
	h := b.holders[w]
	if h == nil {
		h = &holding{since: now}
		b.holders[w] = h
	}
	h.bytes += n
	b.used += n
	b.metrics.buffered.Set(float64(b.used))
}

// give counts bytes that a partition holds no more. What is left came after now.
func (b *budget) give(w *worker, n int64, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.holders[w]
	if h == nil {
		return
	}
	n = min(n, h.bytes)
	h.bytes -= n
	h.since, h.asked = now, false
	b.used -= n
	if h.bytes == 0 {
		delete(b.holders, w)
	}
	b.metrics.buffered.Set(float64(b.used))
}

// leave counts out a partition that is gone.
func (b *budget) leave(w *worker) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h := b.holders[w]; h != nil {
		b.used -= h.bytes
		delete(b.holders, w)
	}
	b.metrics.buffered.Set(float64(b.used))
}

// over says whether partitions have to be paused; once they are, until the use
// is below the low mark.
func (b *budget) over(paused bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used >= b.limit || (paused && b.used > b.low)
}

// oldest returns the partitions that must be flushed to come below the low
// mark, the oldest buffer first, but those that were named before.
func (b *budget) oldest() []*worker {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := b.used
	var ask []*worker
	for w, h := range b.holders {
		if h.asked {
			left -= h.bytes
		} else {
			ask = append(ask, w)
		}
	}
	slices.SortFunc(ask, func(v, w *worker) int {
		return cmp.Or(b.holders[v].since.Compare(b.holders[w].since), cmp.Compare(v.partition, w.partition))
	})
	for i, w := range ask {
		if left <= b.low {
			return ask[:i]
		}
		b.holders[w].asked = true
		left -= b.holders[w].bytes
	}
	return ask
}

// flushLimit bounds the flushes that run at the same time by the bytes that they
// are of: rows and objects take about as much again. Many small flushes may wait
// for a slow store together, a large one goes alone.
type flushLimit struct {
	slots *semaphore.Weighted
	size  int64
}

const (
	flushShare = 4  // of the buffers, that is flushed at the same time
	mostFlush  = 16 // flushes at the same time
)

func newFlushLimit(buffers int64) flushLimit {
	size := max(buffers/flushShare, 1)
	return flushLimit{semaphore.NewWeighted(size), size}
}

// begin waits until a flush of bytes may run. Done ends it.
func (f flushLimit) begin(ctx context.Context, bytes int64) (done func(), err error) {
	n := min(max(bytes, f.size/mostFlush, 1), f.size)
	if err := f.slots.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { f.slots.Release(n) }, nil
}
