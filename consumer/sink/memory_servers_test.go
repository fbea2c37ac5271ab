//go:build servers

package sink

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/deploy/servers"
	"complaints/internal/lake"
	"complaints/schema"
)

// rss is what the kernel has given this process, bytes.
func rss(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// TestMemoryWith64Partitions lets a fast topic meet a slow store: the buffers
// stay within their budget, and the sink stays in its group.
func TestMemoryWith64Partitions(t *testing.T) {
	const partitions, messages, budget = 64, 150_000, 256 << 20
	broker := servers.Kafka(t)
	broker.CreateTopics(t, partitions, topic)
	store, err := lake.Open(t.Context(), lake.Config{URL: "file://" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	r := &testEnv{t: t, store: store, opts: []kgo.Opt{kgo.SeedBrokers(broker.Brokers...)}}
	r.admin = kadm.NewClient(r.client())
	fill(t, r, messages)
	debug.FreeOSMemory()
	before := rss(t)

	cfg := r.config()
	cfg.KafkaOpts = append(slices.Clone(r.opts), kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(time.Second))
	cfg.Layers = []Output{output(t, schema.Silver), output(t, schema.Gold)}
	cfg.RollAge, cfg.IdleFlush, cfg.Budget = time.Hour, 2*time.Second, budget
	slow := &slowStore{Store: r.store, delay: 200 * time.Millisecond}
	cfg.Store = slow
	s := start(t, cfg)
	var peak, buffered atomic.Int64
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			peak.Store(max(peak.Load(), rss(t)))
			now := int64(0)
			for _, p := range s.Status() {
				now += p.BufferedBytes
			}
			buffered.Store(max(buffered.Load(), now))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	began := time.Now()
	for !r.covered(s) {
		time.Sleep(50 * time.Millisecond)
	}
	close(stop)
	<-done
	s.stop()
	t.Logf("%d messages of %d partitions in %.1f s, %d objects of %s each: at most %d MiB buffered with a budget of %d MiB; the process had %d MiB before and at most %d MiB",
		messages, partitions, time.Since(began).Seconds(), slow.puts, slow.delay, buffered.Load()>>20, budget>>20, before>>20, peak.Load()>>20)
	if buffered.Load() > budget/bufferShare*11/10 {
		t.Errorf("%d bytes were buffered with a budget of %d", buffered.Load(), budget)
	}
	if peak.Load()-before > budget {
		t.Errorf("the process grew by %d bytes with a budget of %d", peak.Load()-before, budget)
	}
	if n := s.metrics.lost(t); n > 0 {
		t.Errorf("%d partitions were lost to the group", n)
	}
	rows := 0
	for _, of := range r.rows(r.id()) {
		rows += len(of)
	}
	if rows != messages {
		t.Errorf("%d rows of %d messages", rows, messages)
	}
}

// lost counts partitions that the sink lost because it was too slow to say that
// it is there.
func (m *metrics) lost(t *testing.T) int {
	t.Helper()
	var out dto.Metric
	if err := m.rebalances.WithLabelValues("lost").Write(&out); err != nil {
		t.Fatal(err)
	}
	return int(out.GetCounter().GetValue())
}

// fill produces classified complaints of about 1.6 KB that compress as texts do.
func fill(t *testing.T, r *testEnv, n int) {
	t.Helper()
	client := r.client(kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.MaxBufferedRecords(5000))
	rng := rand.New(rand.NewPCG(1, 1))
	words := strings.Fields("I was charged twice by the bank and they said no again about my credit report with an account that is not mine after the letter of dispute")
	var text bytes.Buffer
	for i := range n {
		text.Reset()
		for text.Len() < 1000 {
			fmt.Fprintf(&text, "%s %d ", words[rng.IntN(len(words))], rng.IntN(900))
		}
		c := schema.Classified{
			Complaint: schema.Complaint{ComplaintID: fmt.Sprint(i), Narrative: text.String(), Product: "Mortgage", State: "NY"},
			Category:  "Loans", CategoryCode: 2, Probability: 0.5, ModelVersion: "v",
			Source: schema.Source{Topic: "complaints", TopicID: simID, Offset: int64(i)},
		}
		client.Produce(t.Context(), &kgo.Record{Value: c.AppendJSON(nil)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	client.Close()
}
