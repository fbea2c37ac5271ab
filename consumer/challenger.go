package main

import (
	"context"

	"complaints/internal/classifier"
	"complaints/internal/registry"
	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// challenger is the model whose answers stand beside the champion's in gold. The
// stream goes on without it: nothing that is wrong with it ends the process.
type challenger struct {
	*registry.Follower
	swaps *prometheus.CounterVec
	info  *prometheus.GaugeVec
}

// shadow lets models follow the challenger too. It is called before load and watch.
func (m *models) shadow(reg prometheus.Registerer) *classifier.Holder {
	f := promauto.With(reg)
	m.challenger = &challenger{
		Follower: &registry.Follower{Store: m.store, Key: schema.ChallengerKey, Holder: new(classifier.Holder)},
		swaps: f.NewCounterVec(prometheus.CounterOpts{
			Name: "complaints_challenger_swaps_total", Help: "New challengers by outcome: swapped in, or refused by their checks.",
		}, []string{"outcome"}),
		info: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "complaints_challenger_info", Help: "1 for the model version that is scored in the shadow of the one that serves.",
		}, []string{"version"}),
	}
	m.challenger.swaps.WithLabelValues(swapDone)
	m.challenger.swaps.WithLabelValues(swapRefused)
	return m.challenger.Holder
}

// refreshChallenger looks which model challenges.
func (m *models) refreshChallenger(ctx context.Context) {
	c := m.challenger
	if c == nil || m.store == nil {
		return
	}
	seen, version, err := c.Look(ctx)
	switch seen {
	case registry.Swapped:
		c.swaps.WithLabelValues(swapDone).Inc()
		c.info.Reset()
		c.info.WithLabelValues(version).Set(1)
		m.log.Info("model challenges", "model_version", version)
	case registry.Ended:
		c.info.Reset()
		m.log.Info("no model challenges any more")
	case registry.Refused:
		c.swaps.WithLabelValues(swapRefused).Inc()
		m.log.Error("new challenger refused, the present one goes on", "model_version", version, "err", err)
	case registry.Unchanged:
		if err != nil && ctx.Err() == nil {
			m.log.Warn("cannot read which model challenges, the present one goes on", "err", err)
		}
	}
}
