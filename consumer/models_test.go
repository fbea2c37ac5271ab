package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/classifier/classifiertest"
	"complaints/internal/lake"
	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
)

// publishedModels is a lake, and the part of a consumer that follows its champion.
type publishedModels struct {
	t        *testing.T
	store    lake.Store
	registry *prometheus.Registry
	*models
}

func newPublishedModels(t *testing.T) *publishedModels {
	t.Helper()
	store, err := lake.Open(t.Context(), lake.Config{URL: "file://" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	return &publishedModels{t, store, registry, newModels(store, slog.New(slog.DiscardHandler), registry)}
}

func (p *publishedModels) put(version string, parts map[string][]byte) {
	p.t.Helper()
	for part, body := range parts {
		if err := p.store.PutNew(p.t.Context(), schema.ModelPrefix(version)+part, body, nil); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *publishedModels) point(version string) {
	p.t.Helper()
	_, etag, _ := p.store.Get(p.t.Context(), schema.ChampionKey)
	body, err := json.Marshal(schema.Champion{Version: version})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.store.Replace(p.t.Context(), schema.ChampionKey, body, etag); err != nil {
		p.t.Fatal(err)
	}
}

func (p *publishedModels) wantServes(version string, swapped, refused float64) {
	p.t.Helper()
	if now := p.holder.Current().Version(); now != version {
		p.t.Errorf("%s serves, want %s", now, version)
	}
	want := map[string]float64{
		"complaints_model_info " + version: 1, "complaints_model_swaps_total " + swapDone: swapped, "complaints_model_swaps_total " + swapRefused: refused,
	}
	if got := p.metrics(); !maps.Equal(got, want) {
		p.t.Errorf("the metrics are %v, want %v", got, want)
	}
}

// metrics are those with a label, by their name and its value.
func (p *publishedModels) metrics() map[string]float64 {
	p.t.Helper()
	families, err := p.registry.Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				out[family.GetName()+" "+label.GetValue()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return out
}

func TestModelsFollowTheChampion(t *testing.T) {
	p := newPublishedModels(t)
	first, parts := classifiertest.Bundle(t, "first", nil)
	p.put(first, parts)
	p.point(first)
	if err := p.load(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	p.wantServes(first, 0, 0)

	second, parts := classifiertest.Bundle(t, "second", nil)
	p.put(second, parts)
	p.point(second)
	p.refresh(t.Context())
	p.refresh(t.Context()) // nothing new
	p.wantServes(second, 1, 0)

	// A bundle that fails its checks is refused, and counted once however often it is seen.
	damaged, parts := classifiertest.Bundle(t, "damaged", nil)
	parts[classifier.FeaturesPart] = append([]byte(nil), parts[classifier.FeaturesPart]...)
	parts[classifier.FeaturesPart][100] ^= 1
	p.put(damaged, parts)
	p.point(damaged)
	p.refresh(t.Context())
	p.refresh(t.Context())
	p.wantServes(second, 1, 1)

	// So is one that lies in the folder of another version.
	_, parts = classifiertest.Bundle(t, "third", nil)
	p.put("misplaced", parts)
	p.point("misplaced")
	p.refresh(t.Context())
	p.wantServes(second, 1, 2)

	// And the way back is open.
	p.point(first)
	p.refresh(t.Context())
	p.wantServes(first, 2, 2)
}

// A hundred swaps, each used as a session uses it, must leave nothing behind.
func TestModelSwapsLeaveMemoryFlat(t *testing.T) {
	p := newPublishedModels(t)
	var versions []string
	var size int64 // of a bundle, bytes
	for i := range 4 {
		version, parts := classifiertest.Bundle(t, fmt.Sprint(i), nil)
		p.put(version, parts)
		versions = append(versions, version)
		size = 0
		for _, part := range parts {
			size += int64(len(part))
		}
	}
	p.point(versions[0])
	if err := p.load(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	turn := 0
	swap := func(times int) {
		for range times {
			turn++
			p.point(versions[turn%len(versions)])
			p.refresh(t.Context())
			c := p.holder.Current()
			if c.Version() != versions[turn%len(versions)] {
				t.Fatalf("%s serves, want %s", c.Version(), versions[turn%len(versions)])
			}
			c.Predict([]byte("The bank lost my payment."), c.NewScratch())
		}
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // pools give up what they hold at the second
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const swaps = 100
	swap(10)
	before := heap()
	swap(swaps)
	after := heap()
	t.Logf("heap %d KB before and %d KB after %d swaps of a bundle of %d KB", before>>10, after>>10, swaps, size>>10)
	if grown := after - before; grown > size/2 {
		t.Errorf("the heap grew by %d bytes in %d swaps, a bundle has %d", grown, swaps, size)
	}
}
