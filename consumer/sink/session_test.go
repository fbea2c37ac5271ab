package sink

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"complaints/schema"
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

// A partition that is not opened yet lags by what its group has not committed, not by
// the whole log.
func TestLagWhileAPartitionIsOpened(t *testing.T) {
	r := fakeRig(t, 1)
	cfg := r.config().withDefaults()
	s := &session{cfg: cfg, metrics: newMetrics(nil, cfg.Layers), ids: map[string]string{topic: r.id()}}
	a := s.newAssignment(tp{topic, 0}, 900)
	if got := a.behind(1000); got != 100 {
		t.Errorf("%d offsets behind, want 100", got)
	}
	if a = s.newAssignment(tp{topic, 0}, -2); a.behind(1000) != 1000 {
		t.Errorf("%d offsets behind without a commit, want 1000", a.behind(1000))
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
		s.mu.Lock()
		s.stop()
		s.mu.Unlock()
		s.jobs.Wait()
		s.client.CloseAllowingRebalance()
	}()
	s.applyBackpressure()
	if got := gauge(t, m.throttled); got != 0 {
		t.Errorf("throttled is %g without a buffer", got)
	}
}

// Where the last flush finds that another writer was faster, there is nothing left
// to do: nobody polls any more.
func TestShutdownAfterACollisionEndsAtOnce(t *testing.T) {
	r := fakeRig(t, 1)
	r.produce(0, 10, kgo.TryCommit)
	cfg := r.config()
	cfg.RollAge = time.Hour
	s := start(t, cfg)
	eventually(t, "all is read", func() bool { now := s.Status(); return len(now) == 1 && now[0].Position == 11 })
	other := &schema.Claim{Layer: schema.Gold, Topic: topic, TopicID: r.id(), Next: 5, Rows: map[schema.Day]int64{"2026-11-24": 5}}
	body, err := json.Marshal(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.store.PutNew(t.Context(), other.Key(), body, nil); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > cfg.DrainTimeout/2 {
		t.Errorf("shutdown took %s", took)
	}
	r.wait(start(t, cfg.withRollAge(time.Millisecond)))
	r.check()
}

func (c Config) withRollAge(age time.Duration) Config {
	c.RollAge = age
	return c
}

// The smallest budget is slow, and no standstill.
func TestATinyBudgetIsNoStandstill(t *testing.T) {
	r := fakeRig(t, 2)
	r.produce(0, 5, kgo.TryCommit)
	r.produce(1, 5, kgo.TryCommit)
	cfg := r.config()
	cfg.Budget = 1
	r.wait(start(t, cfg))
	r.check()
}

func gauge(t *testing.T, g prometheus.Gauge) float64 {
	t.Helper()
	var out dto.Metric
	if err := g.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.GetGauge().GetValue()
}

// A group that the broker will never let us join is no reason to try for ever.
func TestAGroupThatCannotBeJoined(t *testing.T) {
	r := fakeRig(t, 1)
	r.cluster.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.KeepControl()
		resp := req.ResponseKind().(*kmsg.JoinGroupResponse)
		resp.ErrorCode = kerr.InvalidSessionTimeout.Code
		return resp, nil, true
	})
	s := start(t, r.config())
	select {
	case <-s.done:
		if !errors.Is(s.err, kerr.InvalidSessionTimeout) {
			t.Errorf("the sink ended with %v", s.err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the sink goes on without its group")
	}
}
