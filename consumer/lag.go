package main

import (
	"context"
	"time"

	"complaints/internal/kafka"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// lagEvery is how often the lag is asked for. Prometheus asks every 15 s too.
const lagEvery = 15 * time.Second

// lags says how far behind the groups are. It asks Kafka, so that it is right
// also when this process has no partition or does not get on.
type lags struct {
	app      *app
	records  *prometheus.GaugeVec
	failures prometheus.Counter
	groups   map[string]lagGroup // by role
}

type lagGroup struct{ name, topic string }

func (a *app) newLags() *lags {
	f := promauto.With(a.registry)
	l := &lags{
		app: a,
		records: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "complaints_lag_records", Help: "Messages that the whole group of a role has not committed yet; every process of it says the same.",
		}, []string{"role"}),
		failures: f.NewCounter(prometheus.CounterOpts{
			Name: "complaints_lag_failures_total", Help: "Failed attempts to ask for the lag, which then keeps its last value.",
		}),
		groups: map[string]lagGroup{},
	}
	if a.cfg.has("classify") {
		l.groups["classify"] = lagGroup{a.cfg.classifyGroup(), a.topics.Complaints}
	}
	if a.cfg.has("sink") {
		l.groups["sink"] = lagGroup{a.cfg.sinkGroup(), a.topics.Classified}
	}
	for role := range l.groups {
		l.records.WithLabelValues(role)
	}
	return l
}

// watch asks until ctx ends.
func (l *lags) watch(ctx context.Context) {
	tick := time.NewTicker(lagEvery)
	defer tick.Stop()
	for {
		l.ask(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (l *lags) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lagEvery)
	defer cancel()
	for role, group := range l.groups {
		records, err := kafka.Lag(ctx, l.app.admin, group.name, group.topic)
		if err != nil {
			l.failures.Inc()
			l.app.log.Debug("cannot ask for the lag", "group", group.name, "err", err)
			continue
		}
		l.records.WithLabelValues(role).Set(float64(records))
	}
}
