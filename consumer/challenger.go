package main

import (
	"context"
	"errors"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// challenger is the model whose answers stand beside the champion's in gold. The
// stream goes on without it: nothing that is wrong with it ends the process.
type challenger struct {
	holder  *classifier.Holder // empty: there is none
	swaps   *prometheus.CounterVec
	info    *prometheus.GaugeVec
	refused string // the version that was refused last; owned by watch
}

// shadow lets models follow the challenger too. It is called before load and watch.
func (m *models) shadow(reg prometheus.Registerer) *classifier.Holder {
	f := promauto.With(reg)
	m.challenger = &challenger{
		holder: new(classifier.Holder),
		swaps: f.NewCounterVec(prometheus.CounterOpts{
			Name: "complaints_challenger_swaps_total", Help: "New challengers by outcome: swapped in, or refused by their checks.",
		}, []string{"outcome"}),
		info: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "complaints_challenger_info", Help: "1 for the model version that is scored in the shadow of the one that serves.",
		}, []string{"version"}),
	}
	m.challenger.swaps.WithLabelValues(swapDone)
	m.challenger.swaps.WithLabelValues(swapRefused)
	return m.challenger.holder
}

// version is that of the present challenger, "" without one.
func (c *challenger) version() string {
	if now := c.holder.Current(); now != nil {
		return now.Version()
	}
	return ""
}

// refreshChallenger looks which model challenges. One that fails its checks is
// refused as a champion is; a file that names none ends the shadow.
func (m *models) refreshChallenger(ctx context.Context) {
	c := m.challenger
	if c == nil {
		return
	}
	version, err := m.named(ctx, schema.ChallengerKey)
	if errors.Is(err, lake.ErrNotFound) {
		version, err = "", nil
	}
	if err == nil && (version == c.version() || version != "" && version == c.refused) {
		return
	}
	var parts map[string][]byte
	if err == nil && version != "" {
		parts, err = m.fetch(ctx, version)
	}
	if err != nil {
		if ctx.Err() == nil {
			m.log.Warn("cannot read which model challenges, the present one goes on", "err", err)
		}
		return
	}
	m.challenge(version, parts)
}

// challenge puts the challenger of a version in the place of the present one, if
// it passes its checks.
func (m *models) challenge(version string, parts map[string][]byte) {
	c := m.challenger
	var model *classifier.Classifier
	if version != "" {
		var err error
		if model, err = classifier.LoadVersion(parts, version); err != nil {
			c.refused = version
			c.swaps.WithLabelValues(swapRefused).Inc()
			m.log.Error("new challenger refused, the present one goes on", "model_version", version, "err", err)
			return
		}
	}
	c.refused = ""
	c.holder.Swap(model)
	c.info.Reset()
	if model == nil {
		m.log.Info("no model challenges any more")
		return
	}
	c.swaps.WithLabelValues(swapDone).Inc()
	c.info.WithLabelValues(version).Set(1)
	m.log.Info("model challenges", "model_version", version)
}
