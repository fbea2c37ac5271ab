package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Lags is how many offsets a group has not committed yet, by topic and partition.
type Lags map[string]map[int32]int64

// Of is the lag of a topic.
func (l Lags) Of(topic string) (offsets int64) {
	for _, n := range l[topic] {
		offsets += n
	}
	return offsets
}

// Total is the lag of all topics.
func (l Lags) Total() (offsets int64) {
	for topic := range l {
		offsets += l.Of(topic)
	}
	return offsets
}

// Lag is how many offsets of the topics a group has not committed yet, up to the
// last one that a read_committed reader sees. A partition without a commit counts
// from its start.
func Lag(ctx context.Context, cl *kgo.Client, group string, topics ...string) (Lags, error) {
	adm := kadm.NewClient(cl)
	committed, err := adm.FetchOffsetsForTopics(ctx, group, topics...)
	if err == nil {
		err = committed.Error()
	}
	// A group that never committed is not there, which is no error: all is lag.
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("lag of group %s: %w", group, err)
	}
	starts, err := Offsets(adm.ListStartOffsets(ctx, topics...))
	if err != nil {
		return nil, fmt.Errorf("lag of group %s: %w", group, err)
	}
	ends, err := Offsets(adm.ListCommittedOffsets(ctx, topics...))
	if err != nil {
		return nil, fmt.Errorf("lag of group %s: %w", group, err)
	}
	lags := Lags{}
	for _, topic := range topics {
		lags[topic] = map[int32]int64{}
	}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition)
		at := start.Offset
		if c, ok := committed.Lookup(end.Topic, end.Partition); ok && c.At > at {
			at = c.At
		}
		lags[end.Topic][end.Partition] = max(0, end.Offset-at)
	})
	return lags, nil
}
