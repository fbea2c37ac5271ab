package sink

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A process whose partitions all went to others has no lag of its own.
func TestPartitionsThatAreGoneHaveNoLag(t *testing.T) {
	r := fakeRig(t, 2)
	r.produce(0, 10, kgo.TryCommit)
	cfg := r.config().withDefaults()
	m := newMetrics(nil, cfg.Layers)
	s := &session{cfg: cfg, metrics: m, ids: map[string]string{topic: r.id()}, client: r.client()}
	lag := m.lag.WithLabelValues(topic)
	lag.Set(7) // as it was before they went
	topics, err := describe(t.Context(), s.client, cfg.topics())
	if err != nil {
		t.Fatal(err)
	}
	idle, err := s.measure(t.Context(), topics)
	if got := gauge(t, lag); err != nil || idle || got != 0 {
		t.Errorf("lag %g without partitions, idle %t, %v", got, idle, err)
	}
}

// A client that is built anew starts with empty buffers, and says so.
func TestANewSessionIsNotThrottled(t *testing.T) {
	r := fakeRig(t, 1)
	cfg := r.config().withDefaults()
	m := newMetrics(nil, cfg.Layers)
	m.throttled.Set(1) // as the last one left it
	s, err := newSession(t.Context(), cfg, m, map[string]string{topic: r.id()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		s.stopWorkers()
		s.running.Wait()
		s.client.CloseAllowingRebalance()
	}()
	s.balance()
	if got := gauge(t, m.throttled); got != 0 {
		t.Errorf("throttled is %g without a buffer", got)
	}
}

func gauge(t *testing.T, g prometheus.Gauge) float64 {
	t.Helper()
	var out dto.Metric
	if err := g.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.GetGauge().GetValue()
}
