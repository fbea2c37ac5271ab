package kafka_test

import (
	"context"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"testing"

	"complaints/internal/kafka"
	"complaints/internal/kafka/kafkatest"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func start(t *testing.T, dir string) (*kafka.Embedded, *kgo.Client) {
	t.Helper()
	e, err := kafka.StartEmbedded("127.0.0.1:0", dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	opts, err := kafka.Config{Brokers: e.Brokers}.Options()
	if err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return e, cl
}

func TestEmbeddedKeepsItsTopics(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	e, cl := start(t, dir)
	topics, err := kafka.EnsureTopics(ctx, cl, kafka.TopicConfig{TopicPrefix: "t.", Partitions: 3, Replication: -1})
	if err != nil {
		t.Fatal(err)
	}
	if topics.Complaints != "t.complaints" || topics.MaxMessageBytes < 1<<20-1000 {
		t.Errorf("topics = %+v", topics)
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: topics.Complaints, Value: []byte("{}")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	id, n, err := kafka.TopicID(ctx, cl, topics.Complaints)
	if err != nil || n != 3 || len(id) != 32 {
		t.Fatalf("TopicID = %q, %d, %v", id, n, err)
	}
	cl.Close()
	e.Close()

	e, cl = start(t, dir)
	defer e.Close()
	defer cl.Close()
	again, _, err := kafka.TopicID(ctx, cl, topics.Complaints)
	if err != nil || again != id {
		t.Errorf("after a restart the topic id is %q, %v, want %q", again, err, id)
	}
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topics.Complaints)
	if err != nil {
		t.Fatal(err)
	}
	var total int64
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	if total != 1 {
		t.Errorf("after a restart the topic holds %d messages, want 1", total)
	}
	dead, err := kadm.NewClient(cl).DescribeTopicConfigs(ctx, topics.DeadLetter)
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range dead[0].Configs {
		if kv.Key == "retention.ms" && kv.MaybeValue() != "-1" {
			t.Errorf("dead letters are kept for %s ms, want no limit", kv.MaybeValue())
		}
	}
}

func TestTopicIDChangesWithTheTopic(t *testing.T) {
	ctx := t.Context()
	e, cl := start(t, t.TempDir())
	defer e.Close()
	defer cl.Close()
	adm := kadm.NewClient(cl)
	ids := map[string]bool{}
	for range 2 {
		if _, err := adm.CreateTopic(ctx, 1, -1, nil, "x"); err != nil {
			t.Fatal(err)
		}
		id, _, err := kafka.TopicID(ctx, cl, "x")
		if err != nil {
			t.Fatal(err)
		}
		ids[id] = true
		if _, err := adm.DeleteTopic(ctx, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 2 {
		t.Errorf("two topics of one name have the ids %v", ids)
	}
	if _, _, err := kafka.TopicID(ctx, cl, "x"); err == nil {
		t.Error("no error for a topic that is not there")
	}
}

func TestEnsureTopicsRefuses(t *testing.T) {
	small := "1000"
	compact := "compact"
	topics := schema.TopicNames("")
	for name, tc := range map[string]struct {
		topic    string
		settings map[string]*string
		want     string
	}{
		"compacted source": {topics.Complaints, map[string]*string{"cleanup.policy": &compact}, "cleanup.policy=compact"},
		"compacted output": {topics.DeadLetter, map[string]*string{"cleanup.policy": &compact}, "cleanup.policy=compact"},
		"compacted labels": {topics.Labels, map[string]*string{"cleanup.policy": &compact}, "cleanup.policy=compact"},
		"small output":     {topics.Classified, map[string]*string{"max.message.bytes": &small}, "max.message.bytes=1000"},
	} {
		t.Run(name, func(t *testing.T) {
			e, cl := start(t, t.TempDir())
			defer e.Close()
			defer cl.Close()
			if _, err := kadm.NewClient(cl).CreateTopic(context.Background(), 1, -1, tc.settings, tc.topic); err != nil {
				t.Fatal(err)
			}
			_, err := kafka.EnsureTopics(t.Context(), cl, kafka.TopicConfig{Partitions: 1, Replication: -1})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.topic) {
				t.Errorf("err = %v, want the topic and %q named", err, tc.want)
			}
		})
	}
}

func TestEnsureTopicsNamesAllThatIsWrong(t *testing.T) {
	c := kafkatest.Start(t)
	topics := schema.TopicNames("")
	for topic, settings := range map[string]map[string]*string{
		topics.Complaints: {"cleanup.policy": new("compact")},
		topics.Classified: {"cleanup.policy": new("compact"), "max.message.bytes": new("1000")},
		topics.DeadLetter: {"max.message.bytes": new("2000")},
	} {
		if _, err := c.Admin.CreateTopic(t.Context(), 1, -1, settings, topic); err != nil {
			t.Fatal(err)
		}
	}
	_, err := kafka.EnsureTopics(t.Context(), c.Client, kafka.TopicConfig{Partitions: 1, Replication: -1})
	for _, want := range []string{
		"topic complaints has cleanup.policy=compact", "topic complaints.classified has cleanup.policy=compact",
		"topic complaints.classified has max.message.bytes=1000", "topic complaints.dead-letter has max.message.bytes=2000",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q in it", err, want)
		}
	}
}

func TestFindTopicsCreatesNothing(t *testing.T) {
	c := kafkatest.Start(t)
	if _, err := c.Admin.CreateTopic(t.Context(), 1, -1, nil, "typo.complaints"); err != nil {
		t.Fatal(err)
	}
	_, err := kafka.FindTopics(t.Context(), c.Client, "typo.")
	if err == nil || !strings.Contains(err.Error(), "typo.complaints.classified, typo.complaints.labels, typo.complaints.dead-letter:") || !strings.Contains(err.Error(), `--topic-prefix "typo."`) {
		t.Errorf("err = %v, want the three that are absent", err)
	}
	if there, err := c.Admin.ListTopics(t.Context()); err != nil || len(there) != 1 {
		t.Errorf("topics %v, %v, want the one that was there", there.Names(), err)
	}
	made, err := kafka.EnsureTopics(t.Context(), c.Client, kafka.TopicConfig{TopicPrefix: "typo.", Partitions: 1, Replication: -1})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := kafka.ReadTopics(t.Context(), c.Client, "typo."); err != nil || found.Topics != made.Topics || found.MaxMessageBytes != made.MaxMessageBytes {
		t.Errorf("%+v, %v, want %+v", found, err, made)
	}
}

// A source that takes all that Kafka can express has no room above it.
func TestASourceWithoutALimit(t *testing.T) {
	ctx := t.Context()
	e, cl := start(t, t.TempDir())
	defer e.Close()
	defer cl.Close()
	limit := strconv.Itoa(math.MaxInt32)
	adm := kadm.NewClient(cl)
	if _, err := adm.CreateTopic(ctx, 1, -1, map[string]*string{"max.message.bytes": &limit}, schema.TopicNames("").Complaints); err != nil {
		t.Fatal(err)
	}
	topics, err := kafka.EnsureTopics(ctx, cl, kafka.TopicConfig{Partitions: 1, Replication: -1})
	if err != nil {
		t.Fatal(err)
	}
	if got := topics.OutputMaxBytes(); got != math.MaxInt32 {
		t.Errorf("the outputs should take %d bytes, want %d", got, math.MaxInt32)
	}
	for _, limit := range []int32{topics.OutputBatchBytes(), topics.SourceBatchBytes()} {
		c, err := kgo.NewClient(kgo.SeedBrokers(e.Brokers...), kgo.ProducerBatchMaxBytes(limit))
		if err != nil {
			t.Fatalf("a client that sends up to %d bytes: %v", limit, err)
		}
		c.Close()
	}
}

func TestOptionsReportsAllFaults(t *testing.T) {
	_, err := kafka.Config{TLSCert: "cert.pem", SASL: "plain"}.Options()
	for _, want := range []string{"--brokers", "--tls", "--sasl-user"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %s named", err, want)
		}
	}
	if _, err := (kafka.Config{Brokers: []string{"b:1"}, TLS: true, SASL: "scram-sha-512", SASLUser: "u", SASLPassword: "p"}).Options(); err != nil {
		t.Error(err)
	}
}

func TestLagCountsWhatIsNotCommitted(t *testing.T) {
	ctx := t.Context()
	e, cl := start(t, t.TempDir())
	defer e.Close()
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if _, err := adm.CreateTopics(ctx, 2, -1, nil, "a", "b"); err != nil {
		t.Fatal(err)
	}
	for topic, n := range map[string]int{"a": 5, "b": 3} {
		for i := range n {
			r := &kgo.Record{Topic: topic, Partition: int32(i % 2), Value: []byte("x")}
			p, err := kgo.NewClient(kgo.SeedBrokers(e.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
			if err != nil {
				t.Fatal(err)
			}
			if err := p.ProduceSync(ctx, r).FirstErr(); err != nil {
				t.Fatal(err)
			}
			p.Close()
		}
	}
	want := func(of string, a0, a1, b int64) {
		t.Helper()
		lags, err := kafka.Lag(ctx, cl, "group", "a", "b")
		if err != nil {
			t.Fatal(err)
		}
		if lags["a"][0] != a0 || lags["a"][1] != a1 || lags.Of("b") != b || lags.Total() != a0+a1+b {
			t.Errorf("%s: %v, want %d and %d of a, and %d of b", of, lags, a0, a1, b)
		}
	}
	want("a group that is not there", 3, 2, 3)
	var at kadm.Offsets
	at.AddOffset("a", 0, 2, -1)
	at.AddOffset("b", 0, 2, -1)
	if err := adm.CommitAllOffsets(ctx, "group", at); err != nil {
		t.Fatal(err)
	}
	want("a group that did some", 1, 2, 1)
}
