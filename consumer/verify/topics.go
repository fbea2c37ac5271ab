package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
)

// bounds are the first offset that a partition has, and the first that it does
// not have yet.
type bounds struct{ start, end int64 }

// bounds asks for all partitions of a topic. The end is the high watermark: what
// is below it is in a transaction that is committed, aborted or open.
func (r *run) bounds(ctx context.Context, topic string) (map[int32]bounds, error) {
	starts, err := kafka.Offsets(r.admin.ListStartOffsets(ctx, topic))
	if err != nil {
		return nil, fmt.Errorf("start offsets of %s: %w", topic, err)
	}
	ends, err := kafka.Offsets(r.admin.ListEndOffsets(ctx, topic))
	if err != nil {
		return nil, fmt.Errorf("end offsets of %s: %w", topic, err)
	}
	all := map[int32]bounds{}
	ends.Each(func(o kadm.ListedOffset) {
		s, _ := starts.Lookup(topic, o.Partition)
		all[o.Partition] = bounds{s.Offset, o.Offset}
	})
	return all, nil
}

// scan calls each with the committed records of partitions, from their first
// offset up to their marks. It waits for open transactions below the marks.
func (r *run) scan(ctx context.Context, topic string, from map[int32]bounds, marks map[int32]int64, each func(*kgo.Record)) error {
	left := map[int32]int64{} // partitions that have not passed their mark
	begin := map[int32]kgo.Offset{}
	for partition, mark := range marks {
		if b := from[partition]; b.start < mark {
			left[partition] = mark
			begin[partition] = kgo.NewOffset().At(b.start)
		}
	}
	if len(left) == 0 {
		return nil
	}
	client, err := kgo.NewClient(append(slices.Clone(r.cfg.KafkaOpts),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: begin}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// A marker may be all that stands between a record and the mark.
		kgo.KeepControlRecords(),
		// What retention removes meanwhile must not be jumped over.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		// Bounded memory.
		kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20), kgo.MaxConcurrentFetches(2),
	)...)
	if err != nil {
		return err
	}
	defer client.Close()
	seen := int64(0)
	for len(left) > 0 {
		once, cancel := context.WithTimeout(ctx, r.cfg.Stall)
		fetches := client.PollFetches(once)
		cancel()
		if err := fetches.Err(); err != nil {
			if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
				err = fmt.Errorf("nothing came for %s below offsets %v; is a transaction open?", r.cfg.Stall.Round(time.Second), left)
			}
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			rec := it.Next()
			mark, ok := left[rec.Partition]
			if !ok {
				continue
			}
			if !rec.Attrs.IsControl() && rec.Offset < mark {
				seen++
				each(rec)
			}
			if rec.Offset+1 >= mark {
				delete(left, rec.Partition)
				client.PauseFetchPartitions(map[string][]int32{topic: {rec.Partition}})
			}
		}
		r.progress("%s: %d records read, %d partitions to go", topic, seen, len(left))
	}
	return nil
}

// ends returns the ends as marks.
func ends(all map[int32]bounds) map[int32]int64 {
	marks := make(map[int32]int64, len(all))
	for partition, b := range maps.All(all) {
		marks[partition] = b.end
	}
	return marks
}
