package api

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  map[string]prometheus.Observer // by route
	inFlight prometheus.Gauge
	texts    *prometheus.CounterVec
	rows     *prometheus.CounterVec
	labels   *prometheus.CounterVec

	mu     sync.Mutex
	counts map[string]int64 // texts by category, for the live page
}

// The outcomes of a row of a file.
const (
	rowPredicted = "predicted"
	rowRefused   = "refused"
)

// The outcomes of a label.
const (
	labelPublished = "published"
	labelRefused   = "refused" // the client is told why
	labelFailed    = "failed"  // Kafka did not acknowledge it, or not in time
)

// newMetrics registers all series up front, so that their rates start at zero.
func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "complaints_http_requests_total", Help: "Requests answered, by route and status class.",
		}, []string{"route", "status"}),
		inFlight: f.NewGauge(prometheus.GaugeOpts{
			Name: "complaints_http_in_flight", Help: "Requests that are being answered.",
		}),
		rows: f.NewCounterVec(prometheus.CounterOpts{
			Name: "complaints_http_file_rows_total", Help: "Rows of files sent over HTTP, by outcome.",
		}, []string{"outcome"}),
		labels: f.NewCounterVec(prometheus.CounterOpts{
			Name: "complaints_http_labels_total", Help: "Labels sent over HTTP, by outcome.",
		}, []string{"outcome"}),
		seconds: map[string]prometheus.Observer{}, counts: map[string]int64{},
	}
	seconds := f.NewHistogramVec(prometheus.HistogramOpts{
		Name: "complaints_http_seconds", Help: "Seconds from the header of a request to the end of its answer, by route.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 14), NativeHistogramBucketFactor: 1.1,
	}, []string{"route"})
	m.texts = f.NewCounterVec(prometheus.CounterOpts{
		Name: "complaints_http_texts_total", Help: "Texts classified over HTTP, by category.",
	}, []string{"category"})
	for _, route := range routeNames {
		m.seconds[route] = seconds.WithLabelValues(route)
		for _, class := range []string{"2xx", "3xx", "4xx", "5xx"} {
			m.requests.WithLabelValues(route, class)
		}
	}
	m.rows.WithLabelValues(rowPredicted)
	m.rows.WithLabelValues(rowRefused)
	for _, outcome := range []string{labelPublished, labelRefused, labelFailed} {
		m.labels.WithLabelValues(outcome)
	}
	return m
}

// predicts creates the series of a model's categories, if they are not there.
func (m *metrics) predicts(t *schema.Taxonomy) {
	for _, c := range t.Categories {
		m.texts.WithLabelValues(c.Name)
	}
}

// text counts a text that was classified.
func (m *metrics) text(category string) {
	m.texts.WithLabelValues(category).Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[category]++
}

// textCounts are the texts classified so far, by category.
func (m *metrics) textCounts() map[string]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.counts)
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// watch counts and times a route.
func (m *metrics) watch(route string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		began := time.Now()
		s := &statusWriter{ResponseWriter: w}
		h.ServeHTTP(s, r)
		m.seconds[route].Observe(time.Since(began).Seconds())
		m.requests.WithLabelValues(route, strconv.Itoa(max(s.status, 200)/100)+"xx").Inc()
	})
}
