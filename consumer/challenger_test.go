package main

import (
	"context"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/classifier/classifiertest"
	"complaints/schema"
)

// challenged points challenger.json to a version, "" to none.
func (p *publishedModels) challenged(version string) {
	p.t.Helper()
	_, etag, _ := p.store.Get(p.t.Context(), schema.ChallengerKey)
	body, err := json.Marshal(schema.Champion{Version: version})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.store.Replace(p.t.Context(), schema.ChallengerKey, body, etag); err != nil {
		p.t.Fatal(err)
	}
}

func (p *publishedModels) wantChallenger(version string, swapped, refused float64) {
	p.t.Helper()
	p.refreshChallenger(p.t.Context())
	p.refreshChallenger(p.t.Context()) // nothing new
	now := ""
	if c := p.models.challenger.Holder.Current(); c != nil {
		now = c.Version()
	}
	if now != version {
		p.t.Errorf("%q challenges, want %q", now, version)
	}
	want := map[string]float64{"complaints_challenger_swaps_total " + swapDone: swapped, "complaints_challenger_swaps_total " + swapRefused: refused}
	if version != "" {
		want["complaints_challenger_info "+version] = 1
	}
	got := p.metrics()
	maps.DeleteFunc(got, func(_ string, v float64) bool { return v == 0 })
	maps.DeleteFunc(want, func(_ string, v float64) bool { return v == 0 })
	if !maps.Equal(got, want) {
		p.t.Errorf("the metrics are %v, want %v", got, want)
	}
}

// A process that only sinks follows the challenger, and needs no champion.
func TestChallengerIsCheckedAndSwappedIn(t *testing.T) {
	p := newPublishedModels(t)
	p.shadow(p.registry)
	p.wantChallenger("", 0, 0)

	first, parts := classifiertest.Bundle(t, "first", nil)
	p.put(first, parts)
	p.challenged(first)
	p.wantChallenger(first, 1, 0)

	// A bundle that fails its checks is refused, counted once, and changes nothing.
	damaged, parts := classifiertest.Bundle(t, "damaged", nil)
	parts[classifier.FeaturesPart] = append([]byte(nil), parts[classifier.FeaturesPart]...)
	parts[classifier.FeaturesPart][100] ^= 1
	p.put(damaged, parts)
	p.challenged(damaged)
	p.wantChallenger(first, 1, 1)

	second, parts := classifiertest.Bundle(t, "second", nil)
	p.put(second, parts)
	p.challenged(second)
	p.wantChallenger(second, 2, 1)

	// One that was never published is no bundle.
	p.challenged("nowhere")
	p.wantChallenger(second, 2, 2)

	// Without a version the shadow ends, and may begin again.
	p.challenged("")
	p.wantChallenger("", 2, 2)
	p.challenged(first)
	p.wantChallenger(first, 3, 2)
	if p.holder.Current() != nil {
		t.Error("a challenger serves")
	}
}

func TestWatchFollowsTheChallengerWithoutAChampion(t *testing.T) {
	p := newPublishedModels(t)
	holder := p.shadow(p.registry)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.watch(ctx, time.Millisecond)
	}()
	version, parts := classifiertest.Bundle(t, "first", nil)
	p.put(version, parts)
	p.challenged(version)
	for deadline := time.Now().Add(30 * time.Second); holder.Current() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the challenger is not seen")
		}
	}
	cancel()
	<-done
	if err := p.storeReady(time.Second); err != nil {
		t.Error(err)
	}
}
