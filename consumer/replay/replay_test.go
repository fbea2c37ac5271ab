package replay_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/replay"
	"complaints/internal/kafka"
	"complaints/schema"
)

func setup(t *testing.T) (replay.Config, *kgo.Client) {
	t.Helper()
	topics := schema.TopicNames("")
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topics.Complaints, topics.DeadLetter))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	opts := []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}
	client, err := kgo.NewClient(append(slices.Clone(opts), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return replay.Config{
		KafkaOpts: opts, Topics: kafka.Topics{Topics: topics, MaxMessageBytes: 1 << 20}, Group: "complaints",
		Reasons: []schema.Reason{schema.ReasonNotJSON}, MaxAttempts: 2,
	}, client
}

// die publishes a dead letter.
func die(t *testing.T, client *kgo.Client, topic string, partition int32, reason schema.Reason, value string, headers ...kgo.RecordHeader) {
	t.Helper()
	headers = append(headers,
		kgo.RecordHeader{Key: schema.HeaderReason, Value: []byte(reason)},
		kgo.RecordHeader{Key: schema.HeaderSourceOffset, Value: []byte("7")})
	rec := &kgo.Record{Topic: topic, Partition: partition, Key: []byte("key"), Value: []byte(value), Headers: headers}
	if err := client.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// published returns what a reader of committed records sees in the complaints topic.
func published(t *testing.T, cfg replay.Config, n int) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(append(slices.Clone(cfg.KafkaOpts), kgo.ConsumeTopics(cfg.Topics.Complaints),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var all []*kgo.Record
	for len(all) < n {
		all = append(all, client.PollFetches(t.Context()).Records()...)
	}
	if len(all) != n {
		t.Fatalf("%d messages are published, want %d", len(all), n)
	}
	return all
}

func TestReplaysAReasonOnce(t *testing.T) {
	cfg, client := setup(t)
	for i := range 5 {
		die(t, client, cfg.Topics.DeadLetter, int32(i%2), schema.ReasonNotJSON, fmt.Sprint("message ", i), kgo.RecordHeader{Key: "trace", Value: []byte("t")})
		die(t, client, cfg.Topics.DeadLetter, int32(i%2), schema.ReasonBlankText, "another")
	}
	dry := cfg
	dry.DryRun = true
	counts, err := replay.Run(t.Context(), dry)
	if err != nil || counts[0].Found != 5 || counts[0].Replayed != 5 {
		t.Fatalf("dry run: %+v, %v", counts, err)
	}
	for round, want := range []int64{5, 0} {
		counts, err := replay.Run(t.Context(), cfg)
		if err != nil || counts[0].Replayed != want {
			t.Fatalf("round %d: %+v, %v, want %d", round, counts, err, want)
		}
	}
	for _, m := range published(t, cfg, 5) {
		if !bytes.HasPrefix(m.Value, []byte("message ")) || string(m.Key) != "key" || len(m.Headers) != 2 ||
			m.Headers[0].Key != "trace" || m.Headers[1].Key != schema.HeaderAttempt || string(m.Headers[1].Value) != "1" {
			t.Errorf("published %+v", m)
		}
	}
	if counts, err = replay.Run(t.Context(), dry); err != nil || counts[0].Found != 0 {
		t.Errorf("dry run behind the replay: %+v, %v", counts, err)
	}
}

func TestAMessageIsNotReplayedForEver(t *testing.T) {
	cfg, client := setup(t)
	for attempt := range 4 {
		die(t, client, cfg.Topics.DeadLetter, 0, schema.ReasonNotJSON, "bad", kgo.RecordHeader{Key: schema.HeaderAttempt, Value: fmt.Append(nil, attempt)})
	}
	counts, err := replay.Run(t.Context(), cfg)
	if err != nil || counts[0].Found != 4 || counts[0].Replayed != 2 || counts[0].Exhausted != 2 {
		t.Fatalf("%+v, %v", counts, err)
	}
	attempts := map[string]int{}
	for _, m := range published(t, cfg, 2) {
		attempts[string(m.Headers[0].Value)]++
	}
	if attempts["1"] != 1 || attempts["2"] != 1 {
		t.Errorf("attempts %v", attempts)
	}
}

func TestWhatDoesNotFitStaysADeadLetter(t *testing.T) {
	cfg, client := setup(t)
	cfg.Topics.MaxMessageBytes = 10_000
	die(t, client, cfg.Topics.DeadLetter, 0, schema.ReasonNotJSON, string(bytes.Repeat([]byte("x"), 20_000)))
	die(t, client, cfg.Topics.DeadLetter, 0, schema.ReasonNotJSON, "small")
	counts, err := replay.Run(t.Context(), cfg)
	if err != nil || counts[0].TooLarge != 1 || counts[0].Replayed != 1 {
		t.Fatalf("%+v, %v", counts, err)
	}
	published(t, cfg, 1)
}

func TestAnEmptyTopicIsDoneAtOnce(t *testing.T) {
	cfg, _ := setup(t)
	cfg.Reasons = schema.Reasons()
	began := time.Now()
	if _, err := replay.Run(t.Context(), cfg); err != nil || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
