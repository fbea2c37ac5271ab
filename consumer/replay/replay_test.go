package replay_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/replay"
	"complaints/internal/kafka"
	"complaints/internal/kafka/kafkatest"
	"complaints/schema"
)

func setup(t *testing.T) (replay.Config, *kafkatest.Cluster) {
	t.Helper()
	topics := schema.TopicNames("")
	c := kafkatest.Start(t, kfake.SeedTopics(2, topics.Complaints, topics.DeadLetter))
	return replay.Config{
		KafkaOpts: c.Opts, Topics: kafka.Topics{Topics: topics, MaxMessageBytes: 1 << 20}, Group: "complaints",
		Reasons: []schema.Reason{schema.ReasonNotJSON}, MaxAttempts: 2,
	}, c
}

// deadLetter is one as the consumer publishes it.
func deadLetter(partition int32, reason schema.Reason, value string, headers ...kgo.RecordHeader) *kgo.Record {
	headers = append(headers,
		kgo.RecordHeader{Key: schema.HeaderReason, Value: []byte(reason)},
		kgo.RecordHeader{Key: schema.HeaderSourceOffset, Value: []byte("7")})
	return &kgo.Record{Topic: schema.TopicNames("").DeadLetter, Partition: partition, Key: []byte("key"), Value: []byte(value), Headers: headers}
}

func TestReplaysAReasonOnce(t *testing.T) {
	cfg, c := setup(t)
	for i := range 5 {
		c.Publish(deadLetter(int32(i%2), schema.ReasonNotJSON, fmt.Sprint("message ", i), kgo.RecordHeader{Key: "trace", Value: []byte("t")}))
		c.Publish(deadLetter(int32(i%2), schema.ReasonBlankText, "another"))
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
	published := c.ReadCommitted(cfg.Topics.Complaints)
	if len(published) != 5 {
		t.Errorf("%d messages are published, want 5", len(published))
	}
	for _, m := range published {
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
	cfg, c := setup(t)
	for attempt := range 4 {
		c.Publish(deadLetter(0, schema.ReasonNotJSON, "bad", kgo.RecordHeader{Key: schema.HeaderAttempt, Value: fmt.Append(nil, attempt)}))
	}
	counts, err := replay.Run(t.Context(), cfg)
	if err != nil || counts[0].Found != 4 || counts[0].Replayed != 2 || counts[0].Exhausted != 2 {
		t.Fatalf("%+v, %v", counts, err)
	}
	attempts := map[string]int{}
	for _, m := range c.ReadCommitted(cfg.Topics.Complaints) {
		attempts[string(m.Headers[0].Value)]++
	}
	if len(attempts) != 2 || attempts["1"] != 1 || attempts["2"] != 1 {
		t.Errorf("attempts %v", attempts)
	}
}

func TestWhatDoesNotFitStaysADeadLetter(t *testing.T) {
	cfg, c := setup(t)
	cfg.Topics.MaxMessageBytes = 10_000
	c.Publish(deadLetter(0, schema.ReasonNotJSON, string(bytes.Repeat([]byte("x"), 20_000))))
	c.Publish(deadLetter(0, schema.ReasonNotJSON, "small"))
	counts, err := replay.Run(t.Context(), cfg)
	if err != nil || counts[0].TooLarge != 1 || counts[0].Replayed != 1 {
		t.Fatalf("%+v, %v", counts, err)
	}
	if published := c.ReadCommitted(cfg.Topics.Complaints); len(published) != 1 {
		t.Errorf("%d messages are published, want the small one", len(published))
	}
}

// What an operator has removed from the topic is no reason to stop, nor to be silent.
func TestReplayGoesOnBehindDeadLettersThatWereRemoved(t *testing.T) {
	cfg, c := setup(t)
	var log bytes.Buffer
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	cfg.Reasons = cfg.Reasons[:1]
	c.Publish(deadLetter(0, schema.ReasonNotJSON, "one"))
	if _, err := replay.Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	c.Publish(deadLetter(0, schema.ReasonNotJSON, "two"), deadLetter(0, schema.ReasonNotJSON, "three"))
	if err := c.DeleteRecords(cfg.Topics.DeadLetter, 0, 2); err != nil {
		t.Fatal(err)
	}
	counts, err := replay.Run(t.Context(), cfg)
	if err != nil || counts[0].Replayed != 1 || !strings.Contains(log.String(), "from=1 to=2") {
		t.Errorf("%+v, %v, want the third replayed, and the log to say what was removed: %s", counts, err, log.String())
	}
}

func TestAnEmptyTopicIsDoneAtOnce(t *testing.T) {
	cfg, _ := setup(t)
	cfg.Reasons = schema.Reasons()
	began := time.Now()
	if _, err := replay.Run(t.Context(), cfg); err != nil || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
