package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/schema"
)

// builtInParts are the parts of the built-in bundle; its version is its own.
func builtInParts(t *testing.T) (version string, parts map[string][]byte) {
	t.Helper()
	parts = classifier.BootstrapParts()
	c, err := classifier.Load(parts)
	if err != nil {
		t.Fatal(err)
	}
	return c.Version(), parts
}

func TestPublishAndMoveTheChampion(t *testing.T) {
	store, ctx := newStore(t), t.Context()
	none, err := readChampion(ctx, store)
	if err != nil || !none.builtIn() || none.bundle == nil {
		t.Fatalf("without a champion: %+v, %v", none, err)
	}
	version, parts := builtInParts(t)
	for range 2 { // an equal training publishes again
		if err := publish(ctx, store, version, parts); err != nil {
			t.Fatal(err)
		}
	}
	if err := moveChampion(ctx, store, none, schema.Change{Version: version, Why: "first"}); err != nil {
		t.Fatal(err)
	}
	// Who read the pointer before that must not overwrite it.
	if err := moveChampion(ctx, store, none, schema.Change{Version: "v2"}); !errors.Is(err, errMoved) {
		t.Errorf("a stale move: error is %v, want %v", err, errMoved)
	}
	now, err := readChampion(ctx, store)
	if err != nil || now.Version != version || now.bundle.Version() != version || now.Previous != "" || len(now.History) != 1 || now.History[0].Why != "first" {
		t.Errorf("the champion is %+v, %v", now, err)
	}
	if err := moveChampion(ctx, store, now, schema.Change{Version: "v2", Why: "second"}); err != nil {
		t.Fatal(err)
	}
	if _, err := readChampion(ctx, store); err == nil || !strings.Contains(err.Error(), "v2") || !strings.Contains(err.Error(), "rollback") {
		t.Errorf("a champion that is not there: error is %v", err)
	}
	if p, err := readPointer(ctx, store); err != nil || p.Previous != version || len(p.History) != 2 || p.History[1].Version != version {
		t.Errorf("the pointer is %+v, %v", p, err)
	}
}

func TestPublishNeverOverwrites(t *testing.T) {
	store, ctx := newStore(t), t.Context()
	version, parts := builtInParts(t)
	key := schema.ModelPrefix(version) + classifier.FeaturesPart
	if err := store.PutNew(ctx, key, []byte("other"), nil); err != nil {
		t.Fatal(err)
	}
	if err := publish(ctx, store, version, parts); !errors.Is(err, lake.ErrExists) || !strings.Contains(err.Error(), key) {
		t.Errorf("error is %v", err)
	}
	if body, _, err := store.Get(ctx, key); err != nil || string(body) != "other" {
		t.Errorf("%s is %.20q, %v", key, body, err)
	}
	if _, err := store.Head(ctx, schema.ModelPrefix(version)+classifier.ManifestPart); !errors.Is(err, lake.ErrNotFound) {
		t.Errorf("the manifest was written although a part was not: %v", err)
	}
}

func TestForcedBundleNamesItsReason(t *testing.T) {
	version, parts := builtInParts(t)
	bundle, forced, err := force(parts, "the test rows were mislabelled")
	if err != nil {
		t.Fatal(err)
	}
	if bundle.Version() == version || bundle.Manifest().Forced != "the test rows were mislabelled" {
		t.Errorf("version %s is forced by %q", bundle.Version(), bundle.Manifest().Forced)
	}
	if !bytes.Equal(forced[classifier.ModelPart], parts[classifier.ModelPart]) {
		t.Error("the model is another one")
	}
	if strings.Contains(string(parts[classifier.ManifestPart]), "forced") {
		t.Error("a bundle that was not forced says so")
	}
}
