package kafka

import (
	"errors"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

// Metrics makes a client count what it sends, reads and waits for:
// complaints_kafka_…, with the client's name as label. Each client needs its own
// call and, among those that live at the same time, its own name. They go from
// the registry when the client is closed. Without a registry nothing is counted.
func Metrics(reg prometheus.Registerer, client string) kgo.Opt {
	if reg == nil {
		return kgo.WithHooks()
	}
	return kgo.WithHooks(kprom.NewMetrics("complaints_kafka",
		kprom.Registerer(clientRegisterer{reg}),
		kprom.WithStaticLabel(prometheus.Labels{"client": client}),
		// How long the brokers take is the first question when all is slow.
		kprom.Histograms(kprom.RequestDurationE2E, kprom.RequestThrottled),
	))
}

// clientRegisterer leaves out a second client of one name: kprom would panic, and
// for the sake of a number no stream may stop. It leaves out too the two gauges
// that kprom names like counters; the bytes beside them tell the same.
type clientRegisterer struct{ prometheus.Registerer }

func (r clientRegisterer) MustRegister(list ...prometheus.Collector) {
	for _, c := range list {
		if isMisnamed(c) {
			continue
		}
		var twice prometheus.AlreadyRegisteredError
		if err := r.Register(c); err != nil && !errors.As(err, &twice) {
			panic(err)
		}
	}
}

// isMisnamed says whether a collector is a gauge whose name is that of a counter.
func isMisnamed(c prometheus.Collector) bool {
	if _, gauge := c.(prometheus.GaugeFunc); !gauge {
		return false
	}
	descriptions := make(chan *prometheus.Desc, 1) // a GaugeFunc has one
	c.Describe(descriptions)
	return strings.Contains((<-descriptions).String(), `_records_total"`)
}
