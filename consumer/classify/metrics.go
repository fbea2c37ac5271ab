package classify

import (
	"context"

	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The outcomes of a transaction.
const (
	outcomeCommitted = "committed"
	outcomeAborted   = "aborted" // given back after a rebalance
	outcomeFailed    = "failed"  // ends the process
)

type metrics struct {
	messages     *prometheus.CounterVec
	deadLetters  *prometheus.CounterVec
	dropped      *prometheus.CounterVec
	transactions *prometheus.CounterVec
	batchSeconds prometheus.Histogram
	batchRecords prometheus.Histogram
	latency      prometheus.Histogram
	classify     prometheus.Histogram
	probability  prometheus.Histogram
	review       prometheus.Counter
	partitions   *prometheus.CounterVec
}

// What can happen to a partition of this process.
const (
	partitionAssigned = "assigned"
	partitionRevoked  = "revoked"
	partitionLost     = "lost"
)

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
	m.classify = f.NewHistogram(prometheus.HistogramOpts{
		Name: "complaints_classify_seconds", Help: "Seconds to turn one message into its result or dead letter, without Kafka.",
		Buckets: prometheus.ExponentialBuckets(2e-6, 2, 16), NativeHistogramBucketFactor: 1.1,
	})
	m.probability = f.NewHistogram(prometheus.HistogramOpts{
		Name: "complaints_probability", Help: "Probability of the chosen category, of classified complaints.",
		Buckets: []float64{0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99}, NativeHistogramBucketFactor: 1.1,
	})
	m.review = f.NewCounter(prometheus.CounterOpts{
		Name: "complaints_needs_review_total", Help: "Classified complaints that a person should look at.",
	})
	m.partitions = f.NewCounterVec(prometheus.CounterOpts{
		Name: "complaints_classify_partition_changes_total", Help: "Partitions of the complaints topic that came to this process and went, by event.",
	}, []string{"event"})
	for _, e := range []string{partitionAssigned, partitionRevoked, partitionLost} {
		m.partitions.WithLabelValues(e)
	}
	m.messages = f.NewCounterVec(prometheus.CounterOpts{
		Name: "complaints_classified_total", Help: "Classified complaints of committed micro-batches, by category.",
	}, []string{"category"})
	m.dropped = f.NewCounterVec(prometheus.CounterOpts{
		Name: "complaints_values_dropped_total", Help: "Values of classified complaints that could not be used and were left out: dates that are none, and what is no text. By field.",
	}, []string{"field"})
	for _, field := range schema.FieldNames() {
		m.dropped.WithLabelValues(field)
	}
	for _, r := range schema.Reasons() {
		m.deadLetters.WithLabelValues(string(r))
	}
	for _, o := range []string{outcomeCommitted, outcomeAborted, outcomeFailed} {
		m.transactions.WithLabelValues(o)
	}
	return m
}

// predicts creates the series of a model's categories, if they are not there.
func (m *metrics) predicts(t *schema.Taxonomy) {
	for _, c := range t.Categories {
		m.messages.WithLabelValues(c.Name)
	}
}

// moved returns a callback that counts partitions that came or went.
func (m *metrics) moved(event string) func(context.Context, *kgo.Client, map[string][]int32) {
	changes := m.partitions.WithLabelValues(event)
	return func(_ context.Context, _ *kgo.Client, moved map[string][]int32) {
		for _, partitions := range moved {
			changes.Add(float64(len(partitions)))
		}
	}
}

func (m *metrics) transaction(outcome string) { m.transactions.WithLabelValues(outcome).Inc() }
