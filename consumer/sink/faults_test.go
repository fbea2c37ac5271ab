package sink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/schema"
)

// brokenStore fails as it is told, until it is told otherwise.
type brokenStore struct {
	laketest.Faulty
	op     string // the method that fails; "": all
	broken atomic.Bool
}

func (r *testEnv) brokenStore(op string) *brokenStore {
	b := &brokenStore{op: op}
	b.broken.Store(true)
	b.Faulty = laketest.Faulty{Store: r.store, Choose: func(_ context.Context, did, _ string) laketest.Fault {
		if b.broken.Load() && (b.op == "" || b.op == did) {
			return laketest.Fails
		}
		return laketest.None
	}}
	return b
}

// A store that is away, or that may not be written, makes the sink wait with what its
// memory holds: not ready, counted, and the process goes on. When it is back all
// catches up.
func TestSinkWaitsForItsStore(t *testing.T) {
	for _, op := range []string{"", "PutNew", "List"} {
		t.Run("failing "+op, func(t *testing.T) {
			r := fakeRig(t, 4)
			const buffers = 20_000
			cfg := r.config()
			cfg.Budget, cfg.NotReadyAfter = buffers*bufferShare, 200*time.Millisecond
			registry := prometheus.NewRegistry()
			cfg.Registerer = registry
			store := r.brokenStore(op)
			cfg.Store = store
			for p := range int32(4) {
				r.produce(p, 1000, kgo.TryCommit)
			}
			s := start(t, cfg)
			eventually(t, "the sink is not ready", func() bool { return errors.Is(s.Ready(t.Context()), laketest.ErrInjected) })
			if op == "PutNew" {
				eventually(t, "partitions are paused", func() bool { return gauge(t, s.metrics.throttled) == 1 })
				if n := sum(t, registry, "complaints_lake_put_seconds", "outcome", "error"); n == 0 {
					t.Error("no put counts as failed")
				}
			}
			held := int64(0)
			for _, p := range s.Status() {
				held += p.BufferedBytes
			}
			if held > buffers*11/10 {
				t.Errorf("%d bytes are held with a budget of %d", held, buffers)
			}
			if n := sum(t, registry, "complaints_sink_failures_total", "cause", causeOther); n == 0 {
				t.Error("no failure is counted")
			}
			store.broken.Store(false)
			r.wait(s)
			if err := s.Ready(t.Context()); err != nil {
				t.Errorf("not ready with all in the lake: %v", err)
			}
			s.stop()
			r.check()
		})
	}
}

// sum adds up the counters of a metric, or the counts of a histogram, with a label of a value.
func sum(t *testing.T, registry *prometheus.Registry, name, label, value string) (n float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetName() == label && l.GetValue() == value {
					n += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
				}
			}
		}
	}
	return n
}

// deniedStore may not be listed until it is told otherwise.
type deniedStore struct {
	lake.Store
	denied atomic.Bool
}

func (s *deniedStore) List(ctx context.Context, prefix, after string, limit int) ([]lake.Info, error) {
	if s.denied.Load() {
		return nil, fmt.Errorf("list %s: %w", prefix, fs.ErrPermission)
	}
	return s.Store.List(ctx, prefix, after, limit)
}

// A store that may not be used at all ends a process that has just begun, as a wrong
// key does. Later its permissions may come back.
func TestStoreThatMayNotBeUsed(t *testing.T) {
	r := fakeRig(t, 2)
	r.produce(0, 10, kgo.TryCommit)
	store := &deniedStore{Store: r.store}
	store.denied.Store(true)
	cfg := r.config()
	cfg.Store = store
	s := start(t, cfg)
	<-s.done
	if !errors.Is(s.err, fs.ErrPermission) || !strings.Contains(s.err.Error(), "open "+topic) {
		t.Fatalf("the sink ended with %v", s.err)
	}
	store.denied.Store(false)
	s = start(t, cfg)
	r.wait(s)
	store.denied.Store(true)
	other := start(t, r.config()) // takes a partition, and gives it back
	eventually(t, "a partition has moved", func() bool { return len(s.Status()) == 1 && len(other.Status()) == 1 })
	other.stop()
	eventually(t, "a partition cannot be opened", func() bool {
		for _, p := range s.Status() {
			if !p.Open {
				return true
			}
		}
		return false
	})
	store.denied.Store(false)
	r.produce(0, 10, kgo.TryCommit)
	r.produce(1, 10, kgo.TryCommit)
	r.wait(s)
	s.stop()
	r.check()
}

// However many partitions cannot be flushed at the end, their cause is said once.
func TestLastFlushSaysItsCauseOnce(t *testing.T) {
	r := fakeRig(t, 4)
	for p := range int32(4) {
		r.produce(p, 10, kgo.TryCommit)
	}
	cfg := r.config()
	cfg.Store, cfg.DrainTimeout, cfg.RollAge = r.brokenStore("PutNew"), 500*time.Millisecond, time.Hour
	s := start(t, cfg)
	eventually(t, "all is read", func() bool {
		read := 0
		for _, p := range s.Status() {
			if p.Position == 11 {
				read++
			}
		}
		return read == 4
	})
	s.end()
	<-s.done
	if !errors.Is(s.err, laketest.ErrInjected) || strings.Count(s.err.Error(), laketest.ErrInjected.Error()) != 1 ||
		strings.Contains(s.err.Error(), "\n") || !strings.Contains(s.err.Error(), "4 partitions") {
		t.Errorf("the sink ended with %q", s.err)
	}
}

// A job whose partition is gone must not hold up the loop, nor the end.
func TestPartitionGoesWhileItsStoreHangs(t *testing.T) {
	r := fakeRig(t, 2)
	for p := range int32(2) {
		r.produce(p, 10, kgo.TryCommit)
	}
	hanging := make(chan struct{}, 100)
	cfg := r.config()
	cfg.Store = laketest.Faulty{Store: r.store, Choose: func(ctx context.Context, op, key string) laketest.Fault {
		if _, err := schema.ParseObjectKey(key); err == nil && op == "PutNew" {
			hanging <- struct{}{}
			<-ctx.Done()
			return laketest.Lost
		}
		return laketest.None
	}}
	a := start(t, cfg)
	<-hanging
	b := start(t, r.config())
	eventually(t, "a partition has moved", func() bool { return len(b.Status()) == 1 && len(a.Status()) == 1 })
	a.end()
	r.wait(b)
	r.check()
}
