package kafka

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds are the offsets at which the log of a partition begins and ends.
type Bounds struct {
	Start  int64 // the first offset that the log has
	Stable int64 // the first that a reader of committed records does not see yet: where the oldest open transaction begins, or End
	End    int64 // the first that the log does not have yet
}

// TopicBounds asks for the bounds of all partitions of a topic.
func TopicBounds(ctx context.Context, cl *kgo.Client, topic string) (map[int32]Bounds, error) {
	adm := kadm.NewClient(cl)
	// In this order, so that no bound lies before the one that is asked first.
	starts, err := Offsets(adm.ListStartOffsets(ctx, topic))
	if err != nil {
		return nil, fmt.Errorf("start offsets of %s: %w", topic, err)
	}
	stable, err := Offsets(adm.ListCommittedOffsets(ctx, topic))
	if err != nil {
		return nil, fmt.Errorf("stable offsets of %s: %w", topic, err)
	}
	ends, err := Offsets(adm.ListEndOffsets(ctx, topic))
	if err != nil {
		return nil, fmt.Errorf("end offsets of %s: %w", topic, err)
	}
	all := map[int32]Bounds{}
	for _, end := range ends[topic] {
		start, _ := starts.Lookup(topic, end.Partition)
		last, _ := stable.Lookup(topic, end.Partition)
		all[end.Partition] = Bounds{Start: start.Offset, Stable: last.Offset, End: end.Offset}
	}
	return all, nil
}

// Span is a run of offsets of a partition, from From up to To, which is not of it.
type Span struct{ From, To int64 }

// Range says what [ReadCommitted] reads.
type Range struct {
	Topic   string
	TopicID string         // 32 hex digits: a topic of another id is an error; "": any id is read
	Spans   map[int32]Span // by partition; an empty span is no work
	Stall   time.Duration  // how long nothing may come before that is an error; 0: one minute
}

// ReadCommitted calls each with the records of a range that a reader of committed
// records sees, in the order of each partition. Markers and aborted records are
// passed over, and what lies in an open transaction is waited for. An offset that
// the log no longer has is an error that matches [kerr.OffsetOutOfRange], never a
// jump. An error of each ends the reading.
func ReadCommitted(ctx context.Context, opts []kgo.Opt, r Range, each func(*kgo.Record) error) error {
	left := map[int32]int64{} // partitions that have not passed their mark
	from := map[int32]kgo.Offset{}
	for partition, span := range r.Spans {
		if span.From < span.To {
			left[partition] = span.To
			from[partition] = kgo.NewOffset().At(span.From)
		}
	}
	if len(left) == 0 {
		return nil
	}
	if r.Stall == 0 {
		r.Stall = time.Minute
	}
	client, err := kgo.NewClient(readerOptions(opts, map[string]map[int32]kgo.Offset{r.Topic: from})...)
	if err != nil {
		return err
	}
	defer client.Close()
	for len(left) > 0 {
		fetches, err := r.poll(ctx, client, left)
		if err != nil {
			return fmt.Errorf("read %s: %w", r.Topic, err)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			rec := it.Next()
			mark, ok := left[rec.Partition]
			if ok && rec.Offset < mark && !rec.Attrs.IsControl() {
				if err := each(rec); err != nil {
					return err
				}
			}
			if ok && rec.Offset+1 >= mark {
				delete(left, rec.Partition)
				client.PauseFetchPartitions(map[string][]int32{r.Topic: {rec.Partition}})
			}
		}
	}
	return nil
}

// readerOptions has the bounds of memory first, which a caller may set otherwise,
// and last what the reading rests on.
func readerOptions(opts []kgo.Opt, from map[string]map[int32]kgo.Offset) []kgo.Opt {
	return slices.Concat([]kgo.Opt{
		kgo.FetchMaxBytes(8 << 20), kgo.FetchMaxPartitionBytes(1 << 20), kgo.MaxConcurrentFetches(2),
	}, opts, []kgo.Opt{
		kgo.ConsumePartitions(from),
		// What was not committed is not in the topic.
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// A marker may be all that stands between a record and the mark.
		kgo.KeepControlRecords(),
		// What retention removes meanwhile must not be jumped over.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	})
}

// poll waits for the next records.
func (r Range) poll(ctx context.Context, client *kgo.Client, left map[int32]int64) (kgo.Fetches, error) {
	once, cancel := context.WithTimeout(ctx, r.Stall)
	defer cancel()
	fetches := client.PollFetches(once)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	for _, e := range fetches.Errors() {
		if errors.Is(e.Err, context.DeadlineExceeded) && once.Err() != nil {
			return nil, fmt.Errorf("nothing came within %s below the offsets %v; is a transaction open?", r.Stall, left)
		}
		if !Recovers(e.Err) {
			return nil, fmt.Errorf("partition %d: %w", e.Partition, e.Err)
		}
	}
	for _, f := range fetches {
		for _, t := range f.Topics {
			if id := hex.EncodeToString(t.TopicID[:]); r.TopicID != "" && t.TopicID != [16]byte{} && id != r.TopicID {
				return nil, fmt.Errorf("the topic was recreated: its id is %s now, and was %s", id, r.TopicID)
			}
		}
	}
	return fetches, nil
}
