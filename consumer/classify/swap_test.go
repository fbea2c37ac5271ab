package classify_test

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/classifier/classifiertest"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// transactions sees what one client produces in each of its transactions: the
// model versions of the results, and how many have them.
type transactions struct {
	mu   sync.Mutex
	open map[string]int // of the transaction in hand
	list []map[string]int
}

// OnProduceRecordBuffered sees each result before it is sent.
func (s *transactions) OnProduceRecordBuffered(r *kgo.Record) {
	var c schema.Classified
	if json.Unmarshal(r.Value, &c) != nil || c.ModelVersion == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]int{}
	}
	s.open[c.ModelVersion]++
}

// OnBrokerWrite sees the request that ends a transaction.
func (s *transactions) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key == kmsg.EndTxn.Int16() && s.open != nil {
		s.list, s.open = append(s.list, s.open), nil
	}
}

// Models change all the time while the stream runs, and yet no transaction has
// results of two.
func TestATransactionHasOneModel(t *testing.T) {
	f := newFixture(t)
	const messages = 6000
	f.publishComplaints(messages)
	seen := &transactions{}
	cfg := f.config("a")
	cfg.Sessions = 1 // the hooks do not tell clients apart
	cfg.Kafka = append(slices.Clone(cfg.Kafka), kgo.WithHooks(seen))
	models := []*classifier.Classifier{classifiertest.Model(t, "one", nil), classifiertest.Model(t, "two", nil), classifiertest.Model(t, "three", nil)}
	f.holder.Swap(models[0])
	swaps := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-swaps:
				return
			case <-time.After(300 * time.Microsecond): // many times in a micro-batch of 50
				f.holder.Swap(models[i%len(models)])
			}
		}
	})
	stop := f.start(cfg)
	f.waitLag(stop)
	close(swaps)
	swapper.Wait()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.wantEachOnce(messages)
	perVersion, results := map[string]int{}, 0
	for i, versions := range seen.list {
		if len(versions) != 1 {
			t.Errorf("transaction %d has results of %v", i, versions)
		}
		for v, n := range versions {
			perVersion[v]++
			results += n
		}
	}
	if results != messages || len(seen.list) < messages/50 || len(perVersion) != len(models) {
		t.Errorf("%d results in %d transactions, by version %v; want %d in %d or more, of each model", results, len(seen.list), perVersion, messages, messages/50)
	}
	t.Logf("%d transactions: %v", len(seen.list), slices.Sorted(maps.Values(perVersion)))
}
