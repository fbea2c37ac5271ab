//go:build servers

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"complaints/deploy/servers"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestOtherPeoplesMessages brings envelopes and a bank's own JSON through a real broker to gold by
// their mapping. Without it, each is a dead letter whose error names the flag.
func TestOtherPeoplesMessages(t *testing.T) {
	k := servers.Kafka(t)
	bank := filepath.Join(t.TempDir(), "bank.yaml")
	if err := os.WriteFile(bank, []byte("fields:\n  complaint_id: /case/id\n  narrative: /case/text\n  company: /org/name\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const complaint = `{"complaint_id":123,"narrative":"The debt collector calls me","company":"ACME","branch":"NY","priority":1.50}`
	for _, tc := range []struct {
		name, mapping, value string
		reason               schema.Reason // without the mapping
		flag, extra          string
	}{
		{"connect", "connect", `{"schema":{"type":"struct"},"payload":` + complaint + `}`, schema.ReasonEnvelope, "--mapping connect", "branch"},
		{"debezium", "debezium", `{"before":null,"after":` + complaint + `,"source":{"db":"crm"},"op":"c"}`, schema.ReasonEnvelope, "--mapping debezium", "branch"},
		{"cloudevents", "cloudevents", `{"specversion":"1.0","type":"complaint","source":"/crm","id":"e-1","data":` + complaint + `}`, schema.ReasonEnvelope, "--mapping cloudevents", "branch"},
		{"bank", bank, `{"case":{"id":123,"text":"The debt collector calls me","branch":"NY"},"org":{"name":"ACME"},"priority":1.50}`, schema.ReasonNoText, "--mapping FILE", "case.branch"},
	} {
		record := &kgo.Record{Key: []byte("K-1"), Value: []byte(tc.value), Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte("00-1-2-01")}}}
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			out := classifyOne(t, k.Brokers, tc.name+".", dir, record, "--mapping", tc.mapping, "--gold-extra", tc.extra+",priority")
			if kafka.HeaderOf(out, "traceparent") != "00-1-2-01" {
				t.Errorf("headers %v", out.Headers)
			}
			rows := goldOf(t, dir)
			if len(rows) != 1 {
				t.Fatalf("gold has %d rows", len(rows))
			}
			row := rows[0]
			if row.RecordError != nil || row.ComplaintID != "123" || row.Category != "Debt Collection" || row.Company == nil || *row.Company != "ACME" {
				t.Errorf("gold has %+v", row)
			}
			extra := map[string]string{}
			for _, e := range row.Extra.Entries {
				extra[e.Name] = e.Value
			}
			if len(extra) != 2 || extra[tc.extra] != "NY" || extra["priority"] != "1.50" {
				t.Errorf("gold's extra is %v", extra)
			}
			c, err := schema.DecodeClassified(out.Value)
			if err != nil || c.SourceKey != "K-1" || !strings.Contains(string(c.Extra), `"priority":1.50`) {
				t.Errorf("the result is %s, %v", out.Value, err)
			}
		})
		t.Run(tc.name+" without its mapping", func(t *testing.T) {
			out := classifyOne(t, k.Brokers, tc.name+".plain.", t.TempDir(), record)
			if kafka.HeaderOf(out, schema.HeaderReason) != string(tc.reason) || !strings.Contains(kafka.HeaderOf(out, schema.HeaderError), tc.flag) {
				t.Errorf("reason %q, error %q; want %q, and %q in the error", kafka.HeaderOf(out, schema.HeaderReason), kafka.HeaderOf(out, schema.HeaderError), tc.reason, tc.flag)
			}
		})
	}
}

// classifyOne publishes a message, runs a consumer until it is idle, and returns the result or dead letter.
func classifyOne(t *testing.T, brokers []string, prefix, dir string, r *kgo.Record, flags ...string) *kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	topics, err := kafka.EnsureTopics(ctx, cl, kafka.TopicConfig{TopicPrefix: prefix, Partitions: 1, Replication: 1})
	if err != nil {
		t.Fatal(err)
	}
	message := *r
	message.Topic = topics.Complaints
	if err := cl.ProduceSync(ctx, &message).FirstErr(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	err = run(ctx, append([]string{
		"--brokers", brokers[0], "--topic-prefix", prefix, "--partitions", "1", "--replication", "1", "--group", prefix + "g", "--lake", "file://" + dir,
		"--roles", "classify,sink", "--allow-bootstrap", "--exit-when-idle", "--idle-for", "2s",
	}, flags...), &log, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topics.Classified, topics.DeadLetter),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for {
		fetches := reader.PollFetches(ctx)
		if records := fetches.Records(); len(records) > 0 {
			return records[0]
		}
		if ctx.Err() != nil {
			t.Fatalf("neither a result nor a dead letter came\n%s", log.String())
		}
	}
}

// goldOf reads all rows of gold in a directory.
func goldOf(t *testing.T, dir string) (rows []schema.GoldRow) {
	t.Helper()
	store, err := lake.Open(t.Context(), lake.Config{URL: "file://" + dir})
	if err != nil {
		t.Fatal(err)
	}
	days, err := lake.Days(t.Context(), store, schema.Gold)
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range days {
		keys, err := lake.EachOnce(t.Context(), store, schema.Gold, day)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			if err := lake.EachRowOf(t.Context(), store, key, func(row *schema.GoldRow) error { rows = append(rows, *row); return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	return rows
}
