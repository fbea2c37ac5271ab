package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"sync/atomic"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/lake"
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

	swaps      *prometheus.CounterVec
	info       *prometheus.GaugeVec
	since      prometheus.Gauge
	refused    string       // the version that was refused last; owned by watch
	reached    atomic.Int64 // when the store last answered, nanoseconds since 1970
	challenger *challenger  // nil: nothing here asks one
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
	m.swaps.WithLabelValues(swapDone)
	m.swaps.WithLabelValues(swapRefused)
	return m
}

// load puts the champion in service. Where none was published, the bootstrap
// model serves if it may.
func (m *models) load(ctx context.Context, allowBootstrap bool) error {
	version, err := m.champion(ctx)
	if errors.Is(err, lake.ErrNotFound) {
		if !allowBootstrap {
			return fmt.Errorf("no model was published (%s is not there): publish one with trainer, or serve the built-in one with --allow-bootstrap",
				schema.ChampionKey)
		}
		c, err := classifier.Bootstrap()
		if err != nil {
			return fmt.Errorf("bootstrap model: %w", err)
		}
		m.serve(c, time.Time{})
		return nil
	}
	if err != nil {
		return err
	}
	parts, err := m.fetch(ctx, version)
	if err != nil {
		return fmt.Errorf("champion %s: %w", version, err)
	}
	c, err := classifier.LoadVersion(parts, version)
	if err != nil {
		return fmt.Errorf("champion %s: %w", version, err)
	}
	m.serve(c, m.published(ctx, version))
	return nil
}

// published is when the bundle was written: its content has no clock in it.
func (m *models) published(ctx context.Context, version string) time.Time {
	info, err := m.store.Head(ctx, schema.ModelPrefix(version)+classifier.ManifestPart)
	if err != nil {
		m.log.Warn("cannot read when the model was published", "model_version", version, "err", err)
		return time.Now()
	}
	return info.ModTime
}

func (m *models) serve(c *classifier.Classifier, published time.Time) {
	m.since.Set(0)
	if !published.IsZero() {
		m.since.Set(float64(published.Unix()))
	}
	m.holder.Swap(c)
	m.info.Reset()
	m.info.WithLabelValues(c.Version()).Set(1)
	m.log.Info("model serves", "model_version", c.Version())
}

// champion returns the version that should serve, or lake.ErrNotFound.
func (m *models) champion(ctx context.Context) (string, error) {
	version, err := m.named(ctx, schema.ChampionKey)
	if err == nil && version == "" {
		err = fmt.Errorf("%s names no version", schema.ChampionKey)
	}
	return version, err
}

// named returns the version that a champion or challenger file names.
func (m *models) named(ctx context.Context, key string) (string, error) {
	if m.store == nil {
		return "", lake.ErrNotFound
	}
	body, _, err := m.store.Get(ctx, key)
	if err == nil || errors.Is(err, lake.ErrNotFound) {
		m.reached.Store(time.Now().UnixNano())
	}
	if err != nil {
		return "", err
	}
	var c schema.Champion
	if err := json.Unmarshal(body, &c); err != nil {
		return "", fmt.Errorf("%s: %.80q: %w", key, body, err)
	}
	return c.Version, nil
}

// maxParts is far more than a bundle has.
const maxParts = 100

// fetch reads the parts of a version's bundle.
func (m *models) fetch(ctx context.Context, version string) (map[string][]byte, error) {
	infos, err := m.store.List(ctx, schema.ModelPrefix(version), "", maxParts)
	if err != nil {
		return nil, err
	}
	parts := make(map[string][]byte, len(infos))
	for _, info := range infos {
		body, _, err := m.store.Get(ctx, info.Key)
		if err != nil {
			return nil, err
		}
		parts[path.Base(info.Key)] = body
	}
	return parts, nil
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
			_, _ = m.champion(ctx)
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

func (m *models) refresh(ctx context.Context) {
	version, err := m.champion(ctx)
	if errors.Is(err, lake.ErrNotFound) || err == nil && (version == m.holder.Current().Version() || version == m.refused) {
		return
	}
	var parts map[string][]byte
	if err == nil {
		parts, err = m.fetch(ctx, version)
	}
	if err != nil {
		if ctx.Err() == nil {
			m.log.Warn("cannot read which model should serve, the present one goes on", "err", err)
		}
		return
	}
	c, err := classifier.LoadVersion(parts, version)
	if err != nil {
		m.refused = version
		m.swaps.WithLabelValues(swapRefused).Inc()
		m.log.Error("new champion refused, the present one goes on", "model_version", version, "err", err)
		return
	}
	m.refused = ""
	m.swaps.WithLabelValues(swapDone).Inc()
	m.serve(c, m.published(ctx, version))
}

// storeReady says whether the store answered lately; it is asked each poll.
func (m *models) storeReady(poll time.Duration) error {
	silent := time.Since(time.Unix(0, m.reached.Load())).Round(time.Second)
	if silent > 3*poll+10*time.Second {
		return fmt.Errorf("the store has not answered for %s", silent)
	}
	return nil
}
