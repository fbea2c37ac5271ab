package sink

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"complaints/internal/kafka"
)

// Special offsets of a ListOffsets request.
const (
	logStart = -2
	logEnd   = -1
)

// kafkaLog is one partition of a topic in Kafka.
type kafkaLog struct {
	client    *kgo.Client // the group's
	reader    []kgo.Opt   // of a client without a group
	topic     string
	topicID   string
	partition int32
}

func (k *kafkaLog) Bounds(ctx context.Context) (start, end int64, err error) {
	of := map[string][]int32{k.topic: {k.partition}}
	starts, err := listOffsets(ctx, k.client, of, logStart, kgo.ReadUncommitted())
	if err != nil {
		return 0, 0, err
	}
	ends, err := listOffsets(ctx, k.client, of, logEnd, kgo.ReadUncommitted())
	return starts[tp{k.topic, k.partition}], ends[tp{k.topic, k.partition}], err
}

// tp names a partition.
type tp struct {
	topic     string
	partition int32
}

// listOffsets asks for the first or the last offset of partitions. The last, to
// a reader of committed records, is where the oldest open transaction begins.
func listOffsets(ctx context.Context, client *kgo.Client, of map[string][]int32, which int64, level kgo.IsolationLevel) (map[tp]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	if level == kgo.ReadCommitted() {
		req.IsolationLevel = 1
	}
	wanted := 0
	for topic, partitions := range of {
		t := kmsg.NewListOffsetsRequestTopic()
		t.Topic = topic
		for _, partition := range partitions {
			p := kmsg.NewListOffsetsRequestTopicPartition()
			p.Partition, p.Timestamp = partition, which
			t.Partitions = append(t.Partitions, p)
			wanted++
		}
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	offsets := make(map[tp]int64, wanted)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("list offsets of %s/%d: %w", t.Topic, p.Partition, err)
			}
			offsets[tp{t.Topic, p.Partition}] = p.Offset
		}
	}
	if len(offsets) != wanted {
		return nil, fmt.Errorf("list offsets: asked for %d partitions, %d were answered", wanted, len(offsets))
	}
	return offsets, nil
}

func (k *kafkaLog) Read(ctx context.Context, from, to int64, each func(Record) error) error {
	r := kafka.Range{Topic: k.topic, TopicID: k.topicID, Spans: map[int32]kafka.Span{k.partition: {From: from, To: to}}}
	return kafka.ReadCommitted(ctx, k.reader, r, func(rec *kgo.Record) error { return each(copied(rec)) })
}

// commitWithin bounds a commit. The client holds commits back while it joins its
// group, which takes as long as the slowest member, up to a minute: longer than
// the last flush may take. Nothing depends on a commit, and it is tried again.
const commitWithin = 10 * time.Second

func (k *kafkaLog) Commit(ctx context.Context, next int64) error {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	offsets := map[string]map[int32]kgo.EpochOffset{k.topic: {k.partition: {Epoch: -1, Offset: next}}}
	return kafka.Commit(ctx, k.client, offsets)
}

// topicIDOf returns the id that a fetch says its topic has, or "" on a broker
// that does not say.
func topicIDOf(t kgo.FetchTopic) string {
	if t.TopicID == [16]byte{} {
		return ""
	}
	return hex.EncodeToString(t.TopicID[:])
}

// copied takes a record out of its batch: the record alone would keep the whole
// batch, decompressed, alive.
func copied(r *kgo.Record) Record {
	c := Record{Offset: r.Offset, Timestamp: kafka.Millis(r), Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)}
	if len(r.Headers) > 0 {
		c.Headers = make([]Header, len(r.Headers))
		for i, h := range r.Headers {
			c.Headers[i] = Header{Key: string([]byte(h.Key)), Value: bytes.Clone(h.Value)}
		}
	}
	return c
}
