package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/internal/registry"
	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// models keeps the champion in service: it loads it at the start, and swaps a
// new one in between micro-batches once it has passed its checks. It follows the
// challenger too, where one is wanted.
type models struct {
	store  lake.Store // nil: only the bootstrap model
	holder *classifier.Holder
	log    *slog.Logger

	champion   *registry.Follower
	swaps      *prometheus.CounterVec
	info       *prometheus.GaugeVec
	since      prometheus.Gauge
	challenger *challenger // nil: nothing here asks one
}

// The outcomes of a swap.
const (
	swapDone    = "swapped"
	swapRefused = "refused"
)

func newModels(store lake.Store, log *slog.Logger, reg prometheus.Registerer) *models {
	f := promauto.With(reg)
	m := &models{
		store: store, log: log, holder: new(classifier.Holder),
		swaps: f.NewCounterVec(prometheus.CounterOpts{
			Name: "complaints_model_swaps_total", Help: "New champions by outcome: swapped in, or refused by their checks.",
		}, []string{"outcome"}),
		info: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "complaints_model_info", Help: "1 for the model version that serves.",
		}, []string{"version"}),
		since: f.NewGauge(prometheus.GaugeOpts{
			Name: "complaints_model_published_timestamp_seconds", Help: "When the model that serves was published, Unix time; 0 for the built-in one.",
		}),
	}
	m.champion = &registry.Follower{Store: store, Key: schema.ChampionKey, Holder: m.holder}
	m.swaps.WithLabelValues(swapDone)
	m.swaps.WithLabelValues(swapRefused)
	return m
}

// load puts the champion in service. Where none was published, the bootstrap
// model serves if it may.
func (m *models) load(ctx context.Context, allowBootstrap bool) error {
	if m.store != nil {
		seen, version, err := m.champion.Look(ctx)
		switch {
		case err != nil && version != "":
			return fmt.Errorf("champion %s: %w", version, err)
		case err != nil:
			return err
		case seen == registry.Swapped:
			m.serves(ctx, version)
			return nil
		}
	}
	if !allowBootstrap {
		return fmt.Errorf("no model was published (%s is not there): publish one with trainer, or serve the built-in one with --allow-bootstrap",
			schema.ChampionKey)
	}
	c, err := classifier.Bootstrap()
	if err != nil {
		return fmt.Errorf("bootstrap model: %w", err)
	}
	m.holder.Swap(c)
	m.show(c.Version())
	return nil
}

// serves shows that a published version is in service.
func (m *models) serves(ctx context.Context, version string) {
	published, err := registry.PublishedAt(ctx, m.store, version)
	if err != nil {
		m.log.Warn("cannot read when the model was published", "model_version", version, "err", err)
		published = time.Now()
	}
	m.since.Set(float64(published.Unix()))
	m.show(version)
}

func (m *models) show(version string) {
	m.info.Reset()
	m.info.WithLabelValues(version).Set(1)
	m.log.Info("model serves", "model_version", version)
}

// watch looks for a new champion and challenger until ctx ends. One that fails
// its checks is refused, counted and said once; the present one goes on.
func (m *models) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if m.holder.Current() == nil {
			// A process that only sinks has no champion. It asks all the same, to know
			// whether the store answers.
			_ = m.champion.Ask(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if m.holder.Current() != nil {
				m.refresh(ctx)
			}
			m.refreshChallenger(ctx)
		}
	}
}

// refresh looks which version should serve.
func (m *models) refresh(ctx context.Context) {
	seen, version, err := m.champion.Look(ctx)
	switch seen {
	case registry.Swapped:
		m.swaps.WithLabelValues(swapDone).Inc()
		m.serves(ctx, version)
	case registry.Refused:
		m.swaps.WithLabelValues(swapRefused).Inc()
		m.log.Error("new champion refused, the present one goes on", "model_version", version, "err", err)
	case registry.Unchanged, registry.Ended:
		if err != nil && ctx.Err() == nil {
			m.log.Warn("cannot read which model should serve, the present one goes on", "err", err)
		}
	}
}

// storeReady says whether the store answered lately; it is asked each poll.
func (m *models) storeReady(poll time.Duration) error {
	silent := time.Since(m.champion.Reached()).Round(time.Second)
	if silent > 3*poll+10*time.Second {
		return fmt.Errorf("the store has not answered for %s", silent)
	}
	return nil
}
