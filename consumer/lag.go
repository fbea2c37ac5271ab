package main

import (
	"context"
	"slices"
	"time"

	"complaints/internal/kafka"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/twmb/franz-go/pkg/kadm"
)

const (
	// groupEvery is how often the brokers are asked how the groups stand: the live
	// page shows it.
	groupEvery = 2 * time.Second
	// groupWait bounds an answer.
	groupWait = 5 * time.Second
)

// lags says how far behind the groups are. It asks Kafka, so that it is right
// also when this process has no partition or does not get on. Metrics, the live
// page and readiness have it from here.
type lags struct {
	app      *app
	records  *prometheus.GaugeVec
	failures prometheus.Counter
	roles    []roleGroup
}

// roleGroup is the group of a role and what it reads.
type roleGroup struct {
	role, group string
	topics      []string
}

func (a *app) newLags() *lags {
	f := promauto.With(a.registry)
	l := &lags{
		app: a,
		records: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "complaints_lag_records", Help: "Messages of a topic that the whole group of a role has not committed yet; every process of it says the same.",
		}, []string{"role", "topic"}),
		failures: f.NewCounter(prometheus.CounterOpts{
			Name: "complaints_lag_failures_total", Help: "Failed attempts to ask for the lag, which then keeps its last value.",
		}),
	}
	if a.cfg.has("classify") {
		l.roles = append(l.roles, roleGroup{"classify", a.cfg.classifyGroup(), []string{a.topics.Complaints}})
	}
	if a.cfg.has("sink") {
		l.roles = append(l.roles, roleGroup{"sink", a.cfg.sinkGroup(), a.sinkTopics()})
	}
	for _, r := range l.roles {
		for _, topic := range r.topics {
			l.records.WithLabelValues(r.role, topic)
		}
	}
	return l
}

// sinkTopics are those of the layers that this process writes.
func (a *app) sinkTopics() (topics []string) {
	for _, name := range a.cfg.Layers {
		if topic := a.topics.Of(name); !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	return topics
}

// watch asks until ctx ends.
func (l *lags) watch(ctx context.Context) {
	tick := time.NewTicker(groupEvery)
	defer tick.Stop()
	for {
		for _, r := range l.roles {
			l.ask(ctx, r)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (l *lags) ask(ctx context.Context, r roleGroup) {
	once, cancel := context.WithTimeout(ctx, groupWait)
	defer cancel()
	lag, err := kafka.Lag(once, l.app.admin, r.group, r.topics...)
	if err != nil && ctx.Err() == nil {
		l.failures.Inc()
		l.app.log.Warn("cannot ask for the lag", "group", r.group, "err", err)
	}
	for _, topic := range r.topics {
		if err == nil {
			l.records.WithLabelValues(r.role, topic).Set(float64(lag.Of(topic)))
		}
	}
	if r.role != "classify" {
		return
	}
	s := assignment{lag: -1, err: err}
	if err == nil {
		s = readAssignment(once, kadm.NewClient(l.app.admin), r.group, r.group+"-"+l.app.cfg.Instance+"-", lag)
	}
	if ctx.Err() == nil {
		l.app.status.set(s)
	}
}
