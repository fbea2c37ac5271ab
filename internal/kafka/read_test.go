package kafka_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
	"complaints/internal/kafka/kafkatest"
)

// records are n records of a partition of the topic t.
func records(partition int32, n int) []*kgo.Record {
	all := make([]*kgo.Record, n)
	for i := range all {
		all[i] = &kgo.Record{Topic: "t", Partition: partition, Value: []byte("x")}
	}
	return all
}

// read returns the offsets of a range, by partition.
func read(t *testing.T, c *kafkatest.Cluster, r kafka.Range) (map[int32][]int64, error) {
	t.Helper()
	r.Topic = "t"
	found := map[int32][]int64{}
	err := kafka.ReadCommitted(t.Context(), c.Opts, r, func(rec *kgo.Record) error {
		found[rec.Partition] = append(found[rec.Partition], rec.Offset)
		return nil
	})
	return found, err
}

func TestReadCommittedEndsAtEachMark(t *testing.T) {
	c := kafkatest.Start(t, kfake.SeedTopics(2, "t"))
	c.PublishTransaction(kgo.TryCommit, records(0, 3)...) // 0 to 2, and a marker
	c.PublishTransaction(kgo.TryAbort, records(0, 2)...)  // 4 and 5, and a marker
	c.Publish(records(1, 4)...)
	for _, tc := range []struct {
		name  string
		spans map[int32]kafka.Span
		want  map[int32][]int64
	}{
		{"all", map[int32]kafka.Span{0: {0, 7}, 1: {0, 4}}, map[int32][]int64{0: {0, 1, 2}, 1: {0, 1, 2, 3}}},
		{"within", map[int32]kafka.Span{0: {1, 2}, 1: {2, 3}}, map[int32][]int64{0: {1}, 1: {2}}},
		{"aborted records alone", map[int32]kafka.Span{0: {4, 6}}, nil},
		{"a marker alone", map[int32]kafka.Span{0: {3, 4}}, nil},
		{"nothing", map[int32]kafka.Span{0: {2, 2}, 1: {4, 1}}, nil},
	} {
		found, err := read(t, c, kafka.Range{Spans: tc.spans, Stall: 10 * time.Second})
		if err != nil || len(found) != len(tc.want) {
			t.Errorf("%s: %v, %v, want %v", tc.name, found, err, tc.want)
		}
		for partition, want := range tc.want {
			if !slices.Equal(found[partition], want) {
				t.Errorf("%s: offsets %v of partition %d, want %v", tc.name, found[partition], partition, want)
			}
		}
	}
}

func TestReadCommittedWaitsForATransaction(t *testing.T) {
	c := kafkatest.Start(t, kfake.SeedTopics(1, "t"))
	open := c.BeginTransaction(records(0, 2)...)
	all := kafka.Range{Spans: map[int32]kafka.Span{0: {0, 2}}, Stall: 500 * time.Millisecond}
	if _, err := read(t, c, all); err == nil || !strings.Contains(err.Error(), "is a transaction open?") {
		t.Errorf("err = %v, want one that asks for the transaction", err)
	}
	all.Stall = 0
	done := make(chan []int64)
	go func() {
		found, err := read(t, c, all)
		if err != nil {
			t.Error(err)
		}
		done <- found[0]
	}()
	if err := open.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if found := <-done; !slices.Equal(found, []int64{0, 1}) {
		t.Errorf("offsets %v, want both of the transaction", found)
	}
}

func TestReadCommittedNeverJumpsOverAHole(t *testing.T) {
	c := kafkatest.Start(t, kfake.SeedTopics(1, "t"))
	c.Publish(records(0, 10)...)
	if err := c.DeleteRecords("t", 0, 5); err != nil {
		t.Fatal(err)
	}
	found, err := read(t, c, kafka.Range{Spans: map[int32]kafka.Span{0: {2, 10}}})
	if !errors.Is(err, kerr.OffsetOutOfRange) || len(found) != 0 {
		t.Errorf("%v, %v, want no record and that the offset is out of range", found, err)
	}
}

func TestReadCommittedRefusesARecreatedTopic(t *testing.T) {
	c := kafkatest.Start(t, kfake.SeedTopics(1, "t"))
	c.Publish(records(0, 1)...)
	_, err := read(t, c, kafka.Range{TopicID: strings.Repeat("0", 31) + "1", Spans: map[int32]kafka.Span{0: {0, 1}}})
	if err == nil || !strings.Contains(err.Error(), c.TopicID("t")) {
		t.Errorf("err = %v, want one that names the present id", err)
	}
	if _, err := read(t, c, kafka.Range{TopicID: c.TopicID("t"), Spans: map[int32]kafka.Span{0: {0, 1}}}); err != nil {
		t.Error(err)
	}
}

func TestReadCommittedEndsWithAnErrorOfTheCaller(t *testing.T) {
	c := kafkatest.Start(t, kfake.SeedTopics(1, "t"))
	c.Publish(records(0, 3)...)
	enough := errors.New("enough")
	n := 0
	err := kafka.ReadCommitted(t.Context(), c.Opts, kafka.Range{Topic: "t", Spans: map[int32]kafka.Span{0: {0, 3}}}, func(*kgo.Record) error {
		n++
		return enough
	})
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("%v after %d records", err, n)
	}
}

func TestTopicBounds(t *testing.T) {
	c := kafkatest.Start(t, kfake.SeedTopics(1, "t"))
	c.Publish(records(0, 6)...)
	c.BeginTransaction(records(0, 2)...)
	if err := c.DeleteRecords("t", 0, 4); err != nil {
		t.Fatal(err)
	}
	bounds, err := kafka.TopicBounds(t.Context(), c.Client, "t")
	if want := (kafka.Bounds{Start: 4, Stable: 6, End: 8}); err != nil || bounds[0] != want {
		t.Errorf("%+v, %v, want %+v", bounds[0], err, want)
	}
	if _, err := kafka.TopicBounds(t.Context(), c.Client, "none"); err == nil {
		t.Error("no error for a topic that is not there")
	}
}
