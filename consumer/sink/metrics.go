package sink

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"

	"complaints/internal/lake"
	"complaints/schema"
)

// metrics are all of this package's. Those of a layer are created up front, so
// that rates start at zero.
type metrics struct {
	layers         map[schema.Layer]*layerMetrics
	commitFailures prometheus.Counter
	collisions     prometheus.Counter
	rebalances     *prometheus.CounterVec // event
	rebuilds       prometheus.Counter
	buffered       prometheus.Gauge
	budget         prometheus.Gauge
	throttled      prometheus.Gauge
	failures       *prometheus.CounterVec // what, cause
	lag            *prometheus.GaugeVec   // topic
}

type layerMetrics struct {
	objects, rows, bytes prometheus.Counter
	seconds              map[bool]prometheus.Observer // by success
}

func newMetrics(reg prometheus.Registerer, layers []Output) *metrics {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	sink := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "complaints", Subsystem: "sink", Name: name, Help: help}
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts(sink(name, help)))
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts(sink(name, help)))
	}
	m := &metrics{
		layers:         map[schema.Layer]*layerMetrics{},
		commitFailures: counter("commit_failures_total", "Offset commits that failed; the lake says where to resume."),
		collisions:     counter("collisions_total", "Claims that another writer had claimed first."),
		rebalances:     prometheus.NewCounterVec(prometheus.CounterOpts(sink("partition_changes_total", "Partitions that came and went, by event.")), []string{"event"}),
		rebuilds:       counter("client_rebuilds_total", "Kafka clients ended because a topic was recreated."),
		buffered:       gauge("buffer_bytes", "Bytes that are read and not in the lake yet."),
		budget:         gauge("buffer_budget_bytes", "Bytes of buffers at which partitions are paused."),
		throttled:      gauge("throttled", "1 while partitions are paused at the budget."),
		failures:       prometheus.NewCounterVec(prometheus.CounterOpts(sink("failures_total", "Attempts to open or flush a partition that failed, by cause; each is tried again.")), []string{"what", "cause"}),
		lag:            prometheus.NewGaugeVec(prometheus.GaugeOpts(sink("lag_records", "Offsets that are committed and not in the lake, of the partitions of this process.")), []string{"topic"}),
	}
	reg.MustRegister(m.commitFailures, m.collisions, m.rebalances, m.rebuilds, m.buffered, m.budget, m.throttled, m.failures, m.lag)
	for _, event := range []string{"assigned", "revoked", "lost"} {
		m.rebalances.WithLabelValues(event)
	}
	for _, what := range []string{jobOpen, jobFlush} {
		for _, cause := range []string{causeDenied, causeDiskFull, causeUnavailable, causeKafka, causeOther} {
			m.failures.WithLabelValues(what, cause)
		}
	}
	m.addLayers(reg, layers)
	return m
}

// The causes of a failed attempt.
const (
	causeDenied      = "denied"      // credentials, permissions, a bucket that is not there
	causeDiskFull    = "disk_full"   // of a lake in a directory
	causeUnavailable = "unavailable" // the store does not answer, or says that it cannot now
	causeKafka       = "kafka"
	causeOther       = "other"
)

func causeOf(err error) string {
	var broker *kerr.Error
	var network net.Error
	switch {
	case lake.Permanent(err):
		return causeDenied
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return causeDiskFull
	case errors.As(err, &broker):
		return causeKafka
	case lake.Unanswered(err), errors.As(err, &network):
		return causeUnavailable
	}
	return causeOther
}

// failed counts an attempt to open or flush a partition that failed.
func (m *metrics) failed(what string, err error) {
	m.failures.WithLabelValues(what, causeOf(err)).Inc()
}

func (m *metrics) addLayers(reg prometheus.Registerer, layers []Output) {
	counter := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "complaints", Subsystem: "lake", Name: name, Help: help}, []string{"layer"})
		reg.MustRegister(v)
		return v
	}
	objects := counter("objects_total", "Parquet objects put.")
	rows := counter("rows_total", "Rows put.")
	bytes := counter("bytes_total", "Bytes of Parquet put.")
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "complaints", Subsystem: "lake", Name: "put_seconds", Help: "Time to put an object, all attempts together.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"layer", "outcome"})
	reg.MustRegister(seconds)
	for _, l := range layers {
		name := string(l.Name)
		m.layers[l.Name] = &layerMetrics{
			objects: objects.WithLabelValues(name), rows: rows.WithLabelValues(name), bytes: bytes.WithLabelValues(name),
			seconds: map[bool]prometheus.Observer{true: seconds.WithLabelValues(name, "ok"), false: seconds.WithLabelValues(name, "error")},
		}
		m.lag.WithLabelValues(l.Topic)
	}
}

func (m *metrics) of(layer schema.Layer) *layerMetrics { return m.layers[layer] }

// timePut counts an object that is put, and how long it takes.
func (m *layerMetrics) timePut(bytes, rows int, put func() error) (time.Duration, error) {
	began := time.Now()
	err := put()
	took := time.Since(began)
	m.seconds[err == nil].Observe(took.Seconds())
	if err == nil {
		m.objects.Inc()
		m.rows.Add(float64(rows))
		m.bytes.Add(float64(bytes))
	}
	return took, err
}
