package sink

import "slices"

// budget says how many bytes of records all partitions may hold, and how many of
// them may be flushed at the same time. Paused at limit, partitions go on below low.
type budget struct {
	limit, low int64
	flushes    int64 // rows and objects take about as much again
	typical    int64 // bytes of a record, as last seen
	paused     bool  // the partitions, since limit was reached
}

const (
	flushShare = 4  // of the buffers, that is flushed at the same time
	mostFlush  = 16 // flushes at the same time
)

func newBudget(memory int64, m *metrics) budget {
	limit := max(memory/bufferShare, 1) // at a limit of 0 nothing would ever be below it
	m.budget.Set(float64(limit))
	m.throttled.Set(0) // the last session may have ended at its limit
	return budget{limit: limit, low: limit * 3 / 4, flushes: max(limit/flushShare, 1), typical: 2048}
}

// learn takes the size of a record from those that came last.
func (b *budget) learn(bytes int64, records int) {
	if records > 0 {
		b.typical = bytes / int64(records)
	}
}

// records is how many records may be polled before the use is counted again.
func (b *budget) records(used int64) int {
	return int(min(max((b.limit-used)/b.typical, 1), maxPollRecords))
}

// over says whether partitions have to be paused; once they are, until the use is
// below the low mark.
func (b *budget) over(used int64) bool { return used >= b.limit || (b.paused && used > b.low) }

// weight is what a flush of so many bytes counts. Many small ones may wait for a slow
// store together, a large one goes alone.
func (b *budget) weight(bytes int64) int64 {
	return min(max(bytes, b.flushes/mostFlush, 1), b.flushes)
}

// admits says whether flushes of this weight may run together.
func (b *budget) admits(weight int64) bool { return weight <= b.flushes }

// buffered is what all partitions hold, those that wait to be flushed as well as
// those that are being flushed.
func (s *session) buffered() (bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.assigned {
		bytes += a.status.BufferedBytes
	}
	return bytes
}

// applyBackpressure pauses all partitions at the budget and asks for the oldest
// buffers to be flushed, which it says, and lets the partitions go on when that has
// helped.
func (s *session) applyBackpressure() (asked bool) {
	used := s.buffered()
	s.metrics.buffered.Set(float64(used))
	over := s.budget.over(used)
	if over {
		s.askFlushes(used)
	}
	if over == s.budget.paused {
		return over
	}
	s.budget.paused = over
	if over {
		s.metrics.throttled.Set(1)
		s.client.PauseFetchPartitions(s.openPartitions())
	} else {
		s.metrics.throttled.Set(0)
		s.client.ResumeFetchPartitions(s.openPartitions())
	}
	return over
}

// askFlushes marks the buffers, the oldest first, that must be flushed to come below
// the low mark, beside those that are being flushed.
func (s *session) askFlushes(used int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rest []*assignment
	for _, a := range s.assigned {
		if a.state == flushing || a.flushAsked {
			used -= a.status.BufferedBytes
		} else if a.state == reading && a.p.pending() {
			rest = append(rest, a)
		}
	}
	slices.SortFunc(rest, older)
	for _, a := range rest {
		if used <= s.budget.low {
			return
		}
		a.flushAsked = true
		used -= a.status.BufferedBytes
	}
}

// openPartitions are those whose client stands at the right offset.
func (s *session) openPartitions() map[string][]int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := map[string][]int32{}
	for at, a := range s.assigned {
		if a.state != opening {
			open[at.topic] = append(open[at.topic], at.partition)
		}
	}
	return open
}
