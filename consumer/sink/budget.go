package sink

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
