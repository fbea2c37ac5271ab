package kafka

import (
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestMetricsOfManyClients(t *testing.T) {
	broker, err := StartEmbedded("127.0.0.1:0", t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	reg := prometheus.NewRegistry()
	client := func(name string) *kgo.Client {
		cl, err := kgo.NewClient(kgo.SeedBrokers(broker.Brokers...), Metrics(reg, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := cl.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		return cl
	}
	a, b := client("a"), client("b")
	twin := client("b") // a mistake, but none to die of
	if got := clientsThatConnected(t, reg); got["a"] == 0 || got["b"] == 0 || len(got) != 2 {
		t.Errorf("connections by client: %v, want some of a and of b", got)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("names of metrics: %v, %v", problems, err)
	}
	for _, cl := range []*kgo.Client{a, b, twin} {
		cl.Close()
	}
	if got := clientsThatConnected(t, reg); len(got) != 0 {
		t.Errorf("after all were closed: %v, want none", got)
	}
	client("a").Close() // built anew, as after a topic was recreated
}

func clientsThatConnected(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	connects := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "complaints_kafka_connects_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "client" {
					connects[l.GetValue()] += m.GetCounter().GetValue()
				}
			}
		}
	}
	return connects
}
