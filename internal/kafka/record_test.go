package kafka_test

import (
	"encoding/hex"
	"hash/crc32"
	"math"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"complaints/internal/kafka"
	"complaints/internal/kafka/kafkatest"
)

// batchAt is a batch of one record with a timestamp, as other clients may send it.
func batchAt(millis int64, value string) []byte {
	record := kmsg.Record{Value: []byte(value)}
	record.Length = int32(len(record.AppendTo(nil)) - 1)
	b := kmsg.RecordBatch{
		Magic: 2, PartitionLeaderEpoch: -1, FirstTimestamp: millis, MaxTimestamp: millis, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: 1, Records: record.AppendTo(nil),
	}
	const head = 8 + 4 // the offset and the length
	b.Length = int32(len(b.AppendTo(nil)) - head)
	const checked = head + 4 + 1 + 4 // behind the epoch, the magic number and the checksum
	b.CRC = int32(crc32.Checksum(b.AppendTo(nil)[checked:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil)
}

// Timestamps are read as they came, also where the client's nanoseconds overflow.
func TestMillisOfAnyYear(t *testing.T) {
	const topic = "complaints"
	c := kafkatest.Start(t, kfake.SeedTopics(1, topic))
	want := []int64{
		0, 1, -1, 1764028799999,
		math.MaxInt64/1_000_000 + 1, math.MinInt64/1_000_000 - 1, // the first that overflow
		time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(),
		time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC).UnixMilli(),
		1764028799999999, // microseconds, taken for milliseconds
		-62135596800001, 1<<57 - 1, -1 << 57,
	}
	client := c.NewClient()
	id, err := hex.DecodeString(c.TopicID(topic))
	if err != nil {
		t.Fatal(err)
	}
	for _, millis := range want {
		req := kmsg.NewPtrProduceRequest() // kgo produces in nanoseconds, too
		req.Acks, req.TimeoutMillis = -1, 5000
		p := kmsg.NewProduceRequestTopicPartition()
		p.Records = batchAt(millis, "a message")
		in := kmsg.NewProduceRequestTopic()
		in.Topic, in.Partitions = topic, append(in.Partitions, p)
		copy(in.TopicID[:], id)
		req.Topics = append(req.Topics, in)
		resp, err := client.Request(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if code := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode; code != 0 {
			t.Fatalf("timestamp %d: error %d", millis, code)
		}
	}
	var got []int64
	for _, r := range c.ReadCommitted(topic) {
		got = append(got, kafka.Millis(r))
	}
	if len(got) != len(want) {
		t.Fatalf("%d of %d records are read", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("timestamp %d is read as %d", want[i], got[i])
		}
	}
}
