// Package kafkatest publishes to and reads from a broker for tests, which it starts
// in memory unless they bring one. A failure ends the test that asked.
package kafkatest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"complaints/internal/kafka"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Cluster is what a test needs of a broker.
type Cluster struct {
	*kfake.Cluster             // in memory, until the test ends; nil where the broker is a real one
	Opts           []kgo.Opt   // how to reach it
	Client         *kgo.Client // sends a record to the partition that it names
	Admin          *kadm.Client

	t            testing.TB
	transactions atomic.Int64
}

// Start starts a broker, with topics if the options seed them.
func Start(t testing.TB, opts ...kfake.Opt) *Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	c := Connect(t, kgo.SeedBrokers(cluster.ListenAddrs()...))
	c.Cluster = cluster
	return c
}

// Connect takes a broker that is there.
func Connect(t testing.TB, opts ...kgo.Opt) *Cluster {
	t.Helper()
	c := &Cluster{Opts: opts, t: t}
	c.Client = c.NewClient(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(64<<20))
	c.Admin = kadm.NewClient(c.Client)
	return c
}

// NewClient opens a client that is closed with the test.
func (c *Cluster) NewClient(opts ...kgo.Opt) *kgo.Client {
	c.t.Helper()
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, c.Opts...), opts...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(client.Close)
	return client
}

// TopicID returns the id of a topic, 32 hex digits.
func (c *Cluster) TopicID(topic string) string {
	c.t.Helper()
	id, _, err := kafka.TopicID(c.t.Context(), c.Client, topic)
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

// Publish writes records, of which each names its topic and partition.
func (c *Cluster) Publish(records ...*kgo.Record) {
	c.t.Helper()
	if err := c.Client.ProduceSync(c.t.Context(), records...).FirstErr(); err != nil {
		c.t.Fatal(err)
	}
}

// PublishTransaction writes records in one transaction, ends it, and returns the offsets
// that they got.
func (c *Cluster) PublishTransaction(end kgo.TransactionEndTry, records ...*kgo.Record) []int64 {
	c.t.Helper()
	client := c.BeginTransaction(records...)
	if err := client.EndTransaction(c.t.Context(), end); err != nil {
		c.t.Fatal(err)
	}
	offsets := make([]int64, len(records))
	for i, r := range records {
		offsets[i] = r.Offset
	}
	return offsets
}

// BeginTransaction writes records in a transaction and returns the client that has it open.
func (c *Cluster) BeginTransaction(records ...*kgo.Record) *kgo.Client {
	c.t.Helper()
	client := c.NewClient(kgo.TransactionalID(fmt.Sprint("kafkatest-", c.transactions.Add(1))), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := client.BeginTransaction(); err != nil {
		c.t.Fatal(err)
	}
	if err := client.ProduceSync(c.t.Context(), records...).FirstErr(); err != nil {
		c.t.Fatal(err)
	}
	return client
}

// ReadCommitted returns what a reader of committed records sees of topics now.
func (c *Cluster) ReadCommitted(topics ...string) (all []*kgo.Record) {
	c.t.Helper()
	for _, topic := range topics {
		bounds, err := kafka.TopicBounds(c.t.Context(), c.Client, topic)
		if err != nil {
			c.t.Fatal(err)
		}
		spans := map[int32]kafka.Span{}
		for partition, b := range bounds {
			spans[partition] = kafka.Span{From: b.Start, To: b.Stable}
		}
		err = kafka.ReadCommitted(c.t.Context(), c.Opts, kafka.Range{Topic: topic, Spans: spans}, func(r *kgo.Record) error {
			all = append(all, r)
			return nil
		})
		if err != nil {
			c.t.Fatal(err)
		}
	}
	return all
}

// Commit sets the committed offset of a group.
func (c *Cluster) Commit(group, topic string, partition int32, next int64) {
	c.t.Helper()
	var o kadm.Offsets
	o.Add(kadm.Offset{Topic: topic, Partition: partition, At: next, LeaderEpoch: -1})
	if err := c.Admin.CommitAllOffsets(c.t.Context(), group, o); err != nil {
		c.t.Fatal(err)
	}
}

// Committed returns the committed offset of a group, -1 where it has none.
func (c *Cluster) Committed(group, topic string, partition int32) int64 {
	c.t.Helper()
	committed, err := c.Admin.FetchOffsetsForTopics(c.t.Context(), group, topic)
	if err != nil {
		c.t.Fatal(err)
	}
	if o, ok := committed.Lookup(topic, partition); ok {
		return o.At
	}
	return -1
}

// Lag is how many offsets of topics a group has not committed.
func (c *Cluster) Lag(group string, topics ...string) int64 {
	c.t.Helper()
	lags, err := kafka.Lag(c.t.Context(), c.Client, group, topics...)
	if err != nil {
		c.t.Fatal(err)
	}
	return lags.Total()
}
