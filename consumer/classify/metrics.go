package classify

import (
	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// The outcomes of a transaction.
const (
	outcomeCommitted = "committed"
	outcomeAborted   = "aborted" // given back after a rebalance
	outcomeFailed    = "failed"  // ends the process
)

type metrics struct {
	messages     [schema.NumCategories]prometheus.Counter
	deadLetters  *prometheus.CounterVec
	transactions *prometheus.CounterVec
	batchSeconds prometheus.Histogram
	batchRecords prometheus.Histogram
	latency      prometheus.Histogram
}

// newMetrics registers all series up front, so that their rates start at zero.
func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		deadLetters: f.NewCounterVec(prometheus.CounterOpts{
			Name: "complaints_dead_letters_total", Help: "Messages of committed micro-batches that were dead-lettered, by reason.",
		}, []string{"reason"}),
		transactions: f.NewCounterVec(prometheus.CounterOpts{
			Name: "complaints_transactions_total", Help: "Kafka transactions (one a micro-batch) by outcome.",
		}, []string{"outcome"}),
		batchSeconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "complaints_batch_seconds", Help: "Seconds from the begin of a transaction to its commit.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15), NativeHistogramBucketFactor: 1.1,
		}),
		batchRecords: f.NewHistogram(prometheus.HistogramOpts{
			Name: "complaints_batch_records", Help: "Messages a committed micro-batch.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		latency: f.NewHistogram(prometheus.HistogramOpts{
			Name: "complaints_latency_seconds", Help: "Seconds from a complaint's Kafka timestamp to the commit of its result.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 16), NativeHistogramBucketFactor: 1.1,
		}),
	}
	messages := f.NewCounterVec(prometheus.CounterOpts{
		Name: "complaints_classified_total", Help: "Classified complaints of committed micro-batches, by category.",
	}, []string{"category"})
	for _, c := range schema.Categories() {
		m.messages[c] = messages.WithLabelValues(c.String())
	}
	for _, r := range schema.Reasons() {
		m.deadLetters.WithLabelValues(string(r))
	}
	for _, o := range []string{outcomeCommitted, outcomeAborted, outcomeFailed} {
		m.transactions.WithLabelValues(o)
	}
	return m
}

func (m *metrics) transaction(outcome string) { m.transactions.WithLabelValues(outcome).Inc() }
