package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/deploy/servers"
	"complaints/internal/kafka"
	"complaints/internal/kafka/kafkatest"
	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/schema"
)

const topic = "complaints.classified"

// testEnv is a cluster, a lake, and what was committed to the topic.
type testEnv struct {
	t       *testing.T
	cluster *kfake.Cluster // nil on real servers
	store   lake.Store
	opts    []kgo.Opt
	admin   *kadm.Client
	txn     int
}

func fakeRig(t *testing.T, partitions int32) *testEnv {
	t.Helper()
	c := kafkatest.Start(t, kfake.SeedTopics(partitions, topic))
	return &testEnv{t: t, cluster: c.Cluster, store: laketest.Open(t), opts: c.Opts, admin: c.Admin}
}

// newTestEnv makes a testEnv; with the build tag servers, tests run once more with real ones.
var newTestEnv = fakeRig

// deleteRecords removes the start of a partition's log.
func (r *testEnv) deleteRecords(partition int32, below int64) {
	r.t.Helper()
	var o kadm.Offsets
	o.AddOffset(topic, partition, below, -1)
	if _, err := r.admin.DeleteRecords(r.t.Context(), o); err != nil {
		r.t.Fatal(err)
	}
}

// recreate deletes the topic and creates it under its name.
func (r *testEnv) recreate(partitions int32) {
	r.t.Helper()
	before := r.id()
	if _, err := r.admin.DeleteTopics(r.t.Context(), topic); err != nil {
		r.t.Fatal(err)
	}
	eventually(r.t, "the topic can be created again", func() bool {
		resp, err := r.admin.CreateTopic(r.t.Context(), partitions, 1, nil, topic)
		return errors.Join(err, resp.Err) == nil
	})
	eventually(r.t, "the topic has another id", func() bool { now := r.id(); return now != before && now != "" })
}

// eventually waits until it is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never comes to this: %s", what)
		}
	}
}

func (r *testEnv) client(opts ...kgo.Opt) *kgo.Client {
	r.t.Helper()
	client, err := kgo.NewClient(append(slices.Clone(r.opts), opts...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(client.Close)
	return client
}

// day is a moment on the n-th day of a month.
func day(n int) time.Time { return time.Date(2026, 11, n, 12, 0, 0, 0, time.UTC) }

// produce writes records to a partition in one transaction and commits or
// aborts it. Record i has the timestamp of days[i%len(days)].
func (r *testEnv) produce(partition int32, n int, how kgo.TransactionEndTry, days ...time.Time) {
	r.t.Helper()
	r.txn++
	client, err := kgo.NewClient(append(slices.Clone(r.opts), kgo.TransactionalID(fmt.Sprint("txn-", r.txn)), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		r.t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		r.t.Fatal(err)
	}
	if len(days) == 0 {
		days = []time.Time{day(24)}
	}
	for i := range n {
		client.Produce(r.t.Context(), &kgo.Record{
			Topic: topic, Partition: partition, Timestamp: days[i%len(days)],
			Key: []byte("key"), Value: fmt.Appendf(nil, "record %d of transaction %d", i, r.txn),
		}, func(_ *kgo.Record, err error) {
			if err != nil {
				r.t.Error(err)
			}
		})
	}
	if err := client.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if err := client.EndTransaction(r.t.Context(), how); err != nil {
		r.t.Fatal(err)
	}
	servers.Settle(r.t, r.admin, topic)
}

func (r *testEnv) config() Config {
	return Config{
		Store: r.store, KafkaOpts: r.opts, Group: "sink", Layers: []Output{output(r.t, schema.Gold)},
		RollAge: 50 * time.Millisecond, WatchEvery: 100 * time.Millisecond, DrainTimeout: 10 * time.Second,
		Logger: slog.New(slog.NewTextHandler(r.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// running is a sink that runs.
type running struct {
	*Sink
	t    *testing.T
	end  context.CancelFunc
	done chan struct{}
	err  error
}

func start(t *testing.T, cfg Config) *running {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	run := &running{Sink: s, t: t, end: cancel, done: make(chan struct{})}
	go func() {
		defer close(run.done)
		run.err = s.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-run.done
	})
	return run
}

func (r *running) stop() {
	r.t.Helper()
	r.end()
	<-r.done
	if r.err != nil {
		r.t.Fatal(r.err)
	}
}

// wait waits until the sinks together have all that is committed.
func (r *testEnv) wait(sinks ...*running) {
	r.t.Helper()
	eventually(r.t, "all that is committed is in the lake", func() bool { return r.covered(sinks...) })
}

func (r *testEnv) covered(sinks ...*running) bool {
	r.t.Helper()
	ends, err := r.admin.ListCommittedOffsets(r.t.Context(), topic)
	if err != nil {
		r.t.Fatal(err)
	}
	next := map[int32]int64{}
	for _, s := range sinks {
		select {
		case <-s.done:
			r.t.Fatalf("a sink ended: %v", s.err)
		default:
		}
		for _, p := range s.Status() {
			if p.Open {
				next[p.Partition] = max(next[p.Partition], p.Lowest())
			}
		}
	}
	all := true
	ends.Each(func(o kadm.ListedOffset) {
		if n, ok := next[o.Partition]; !ok || n < o.Offset {
			all = false
		}
	})
	return all
}

// committed reads what a reader of committed records sees: offset → value, by partition.
func (r *testEnv) committed() map[int32]map[int64]string {
	r.t.Helper()
	bounds, err := kafka.TopicBounds(r.t.Context(), r.client(), topic)
	if err != nil {
		r.t.Fatal(err)
	}
	all := kafka.Range{Topic: topic, Spans: map[int32]kafka.Span{}}
	seen := map[int32]map[int64]string{}
	for partition, b := range bounds {
		all.Spans[partition] = kafka.Span{From: b.Start, To: b.Stable}
		seen[partition] = map[int64]string{}
	}
	if err := kafka.ReadCommitted(r.t.Context(), r.opts, all, func(rec *kgo.Record) error {
		seen[rec.Partition][rec.Offset] = string(rec.Value)
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
	return seen
}

// id is the topic's present id.
func (r *testEnv) id() string {
	r.t.Helper()
	found, err := describe(r.t.Context(), r.client(), []string{topic})
	if err != nil {
		r.t.Fatal(err)
	}
	return found[topic].id
}

// claims returns the chain of a partition, checked to be one.
func (r *testEnv) claims(layer schema.Layer, id string, partition int32) []*schema.Claim {
	r.t.Helper()
	infos, err := r.store.List(r.t.Context(), schema.ClaimPrefix(layer, id, partition), "", 1_000_000)
	if err != nil {
		r.t.Fatal(err)
	}
	var claims []*schema.Claim
	next := int64(0)
	for _, info := range infos {
		body, _, err := r.store.Get(r.t.Context(), info.Key)
		if err != nil {
			r.t.Fatal(err)
		}
		l, err := schema.ParseClaim(info.Key, body)
		if err != nil {
			r.t.Fatal(err)
		}
		if l.Start != next {
			r.t.Fatalf("claim %s starts at %d, want %d", info.Key, l.Start, next)
		}
		next = l.Next
		claims = append(claims, l)
	}
	return claims
}

// rows reads the offsets of gold by partition, with the day of the object.
func (r *testEnv) rows(id string) map[int32]map[int64]schema.Day {
	r.t.Helper()
	infos, err := r.store.List(r.t.Context(), "gold/", "", 1_000_000)
	if err != nil {
		r.t.Fatal(err)
	}
	rows := map[int32]map[int64]schema.Day{}
	for _, info := range infos {
		name, err := schema.ParseObjectKey(info.Key)
		if err != nil {
			r.t.Fatal(err)
		}
		if name.TopicID != id {
			continue
		}
		if rows[name.Partition] == nil {
			rows[name.Partition] = map[int64]schema.Day{}
		}
		body, _, err := r.store.Get(r.t.Context(), info.Key)
		if err != nil {
			r.t.Fatal(err)
		}
		if err := eachGold(body, func(row *schema.GoldRow) error {
			if _, twice := rows[name.Partition][row.KafkaOffset]; twice {
				return fmt.Errorf("%s repeats offset %d", info.Key, row.KafkaOffset)
			}
			if schema.DayOf(row.KafkaTimestamp) != name.Day || row.KafkaPartition != name.Partition {
				return fmt.Errorf("%s has a row of %d/%s", info.Key, row.KafkaPartition, schema.DayOf(row.KafkaTimestamp))
			}
			rows[name.Partition][row.KafkaOffset] = name.Day
			return nil
		}); err != nil {
			r.t.Fatal(err)
		}
	}
	return rows
}

func eachGold(body []byte, each func(*schema.GoldRow) error) error {
	f, err := lake.OpenParquet(readerAt(body), int64(len(body)))
	if err != nil {
		return err
	}
	return lake.EachRow(f, each)
}

// check compares gold with the topic: every committed record once, nothing else.
func (r *testEnv) check() {
	r.t.Helper()
	id := r.id()
	rows := r.rows(id)
	for partition, want := range r.committed() {
		var lost, extra []int64
		for offset := range want {
			if _, ok := rows[partition][offset]; !ok {
				lost = append(lost, offset)
			}
		}
		for offset := range rows[partition] {
			if _, ok := want[offset]; !ok {
				extra = append(extra, offset)
			}
		}
		if len(lost)+len(extra) > 0 {
			r.t.Errorf("partition %d: %d lost, %d that are no committed records", partition, len(lost), len(extra))
		}
		r.claims(schema.Gold, id, partition)
	}
}

// slowStore takes its time for Parquet objects.
type slowStore struct {
	lake.Store
	delay time.Duration
	mu    sync.Mutex
	puts  int
}

func (s *slowStore) PutNew(ctx context.Context, key string, body []byte, meta map[string]string) error {
	if _, err := schema.ParseObjectKey(key); err == nil {
		sleep(ctx, s.delay)
		s.mu.Lock()
		s.puts++
		s.mu.Unlock()
		if ctx.Err() != nil {
			return errors.Join(lake.ErrAmbiguous, ctx.Err())
		}
	}
	return s.Store.PutNew(ctx, key, body, meta)
}
