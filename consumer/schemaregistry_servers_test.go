//go:build servers

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"complaints/deploy/servers"
	"complaints/internal/kafka"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kgo"
)

// wire is a broker, a schema registry, and a consumer that asks it.
type wire struct {
	*upstream
	registry *servers.SchemaRegistry
	plain    *kgo.Client // without transactions
	url      string      // of the consumer
	sent     atomic.Int64
}

func newWire(t *testing.T) *wire {
	t.Helper()
	broker := servers.Kafka(t).Brokers[0]
	w := &wire{upstream: newUpstream(t, broker), registry: servers.Apicurio(t)}
	var err error
	if w.plain, err = kgo.NewClient(kgo.SeedBrokers(broker)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.plain.Close)
	return w
}

// start runs the consumer until the test ends.
func (w *wire) start() {
	addr := "127.0.0.1:" + strconv.Itoa(servers.FreePort(w.t))
	w.url = "http://" + addr
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	var log bytes.Buffer
	args := append([]string{
		"run", "--roles", "classify,sink", "--instance", "a", "--allow-bootstrap", "--http-addr", addr,
		"--roll-age", "500ms", "--idle-flush", "500ms", "--schema-registry", w.registry.URL,
	}, w.args...)
	go func() { done <- run(ctx, args, &log, &log) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("the consumer ended with %v\n%s", err, log.String())
		}
	})
}

// publish sends values, and waits until the broker has them.
func (w *wire) publish(values ...[]byte) {
	w.t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: schema.TopicNames("").Complaints, Value: v}
	}
	if err := w.plain.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Error(err) // it may be on a goroutine of its own
	}
	w.sent.Add(int64(len(values)))
}

// waitReady waits until /readyz answers with the status, and gives what it says.
func (w *wire) waitReady(status int) string {
	w.t.Helper()
	var said string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(w.url + "/readyz")
		if err != nil {
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if said = string(body); resp.StatusCode == status {
			return said
		}
	}
	w.t.Fatalf("/readyz says %s, want status %d", said, status)
	return ""
}

// settled waits until all that was sent went all the way, each once, with that many dead letters.
func (w *wire) settled(deadLetters int64) {
	w.t.Helper()
	report, err := w.verify("--wait", "90s")
	if r := report.Results; err != nil || r.Messages != w.sent.Load() || r.DeadLettered != deadLetters {
		w.t.Fatalf("%+v of %d messages, want %d dead letters; %+v, %v", r, w.sent.Load(), deadLetters, report.Faults, err)
	}
}

// read gives the committed records of a topic.
func (w *wire) read(topic string) (records []*kgo.Record) {
	w.t.Helper()
	bounds, err := kafka.TopicBounds(w.t.Context(), w.client, topic)
	if err != nil {
		w.t.Fatal(err)
	}
	for p, b := range bounds {
		cl, err := kgo.NewClient(kgo.SeedBrokers(w.client.OptValue(kgo.SeedBrokers).([]string)...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
			kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {p: kgo.NewOffset().At(b.Start)}}))
		if err != nil {
			w.t.Fatal(err)
		}
		for next := b.Start; next < b.End; {
			fetches := cl.PollFetches(w.t.Context())
			if err := fetches.Err(); err != nil {
				w.t.Fatal(err)
			}
			fetches.EachRecord(func(r *kgo.Record) {
				if next = r.Offset + 1; !r.Attrs.IsControl() {
					records = append(records, r)
				}
			})
		}
		cl.Close()
	}
	return records
}

func values(messages []servers.WireMessage) [][]byte {
	out := make([][]byte, len(messages))
	for i, m := range messages {
		out[i] = m.Value
	}
	return out
}

// What Confluent's serializers write goes through a real broker, and its schemas come from a real registry, which is killed
// for longer than a transaction may last while messages come in whose schemas nobody knows yet.
func TestSchemaRegistry(t *testing.T) {
	w := newWire(t)
	known := w.registry.Messages(t, "first", 30)
	w.publish(values(known)...)
	w.start()
	w.settled(0)
	w.wantResults(known)

	later := w.registry.Messages(t, "later", 30)
	load, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-load:
				return
			case <-time.After(5 * time.Millisecond):
				w.publish(known[i%len(known)].Value, fmt.Appendf(nil, `{"narrative":"Message %d: the bank lost my payment."}`, i))
			}
		}
	}()
	w.registry.Kill()
	w.publish(values(later)...)
	if said := w.waitReady(http.StatusServiceUnavailable); !strings.Contains(said, "schema registry") {
		t.Errorf("/readyz says %s, and not that it waits for the schema registry", said)
	}
	for away := time.Now().Add(17 * time.Second); time.Now().Before(away); time.Sleep(time.Second) {
		w.waitReady(http.StatusServiceUnavailable)
	}
	w.registry.Start()
	w.waitReady(http.StatusOK)
	close(load)
	<-stopped
	w.settled(0)
	w.wantResults(later)

	// The registry knows no such schema; and half a message.
	w.publish([]byte{0, 0, 1, 0, 0, 1}, known[0].Value[:20])
	w.settled(2)
	reasons := map[string]bool{}
	for _, r := range w.read(schema.TopicNames("").DeadLetter) {
		for _, h := range r.Headers {
			if h.Key == schema.HeaderReason {
				reasons[string(h.Value)] = true
			}
		}
	}
	if len(reasons) != 2 || !reasons[string(schema.ReasonUnknownSchema)] || !reasons[string(schema.ReasonSchemaMismatch)] {
		t.Errorf("dead letters %v, want unknown_schema and schema_mismatch", reasons)
	}
}

// wantResults wants a right result of each message.
func (w *wire) wantResults(messages []servers.WireMessage) {
	w.t.Helper()
	results := map[string]schema.Classified{}
	for _, r := range w.read(schema.TopicNames("").Classified) {
		c, err := schema.DecodeClassified(r.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		results[c.ComplaintID] = c
	}
	for _, m := range messages {
		c, ok := results[m.ID]
		want := "Message " + m.ID + ": the bank lost my mortgage payment – and charged {$50.00}."
		if !ok || c.Narrative != want || c.State != "CA" || c.DateReceived != "2024-02-29" || !strings.HasPrefix(c.DateSentToCompany, "2024-03-01") {
			w.t.Errorf("%s became %+v", m.ID, c.Complaint)
		}
		amount := map[string]string{"avro": "1234.50", "protobuf": "1234.50", "json": "1234.5"}[m.Format]
		if extra := string(c.Extra); !strings.Contains(extra, `"amount":`+amount) || !strings.Contains(extra, `"case":"7f1d2c5e-0f5b-4a51-9a53-0d6c0c6f1f11"`) {
			w.t.Errorf("%s has the extra members %s", m.ID, extra)
		}
		if product := map[string]string{"avro": c.Product, "protobuf": c.SubProduct, "json": c.Product}[m.Format]; !strings.EqualFold(product, "Mortgage") {
			w.t.Errorf("%s has the product %q", m.ID, product)
		}
	}
}
