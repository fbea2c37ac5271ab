package registry

import (
	"errors"
	"strings"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/classifier/classifiertest"
	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/schema"
)

func TestPublishAndMoveTheChampion(t *testing.T) {
	store, ctx := laketest.Open(t), t.Context()
	none, err := ReadChampion(ctx, store)
	if err != nil || !none.BuiltIn() || none.Bundle == nil {
		t.Fatalf("without a champion: %+v, %v", none, err)
	}
	version, parts := classifiertest.Bundle(t, "first", nil)
	for range 2 { // an equal training publishes again
		if err := Publish(ctx, store, version, parts); err != nil {
			t.Fatal(err)
		}
	}
	if err := MoveChampion(ctx, store, none, schema.Change{Version: version, Why: "first"}); err != nil {
		t.Fatal(err)
	}
	// Who read the pointer before that must not overwrite it.
	if err := MoveChampion(ctx, store, none, schema.Change{Version: "v2"}); !errors.Is(err, ErrMoved) {
		t.Errorf("a stale move: error is %v, want %v", err, ErrMoved)
	}
	now, err := ReadChampion(ctx, store)
	if err != nil || now.Version != version || now.Bundle.Version() != version || now.Previous != "" || len(now.History) != 1 || now.History[0].Why != "first" {
		t.Errorf("the champion is %+v, %v", now, err)
	}
	if err := MoveChampion(ctx, store, now, schema.Change{Version: "v2", Why: "second"}); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadChampion(ctx, store); err == nil || !strings.Contains(err.Error(), "v2") || !strings.Contains(err.Error(), "rollback") {
		t.Errorf("a champion that is not there: error is %v", err)
	}
	if p, err := ReadPointer(ctx, store); err != nil || p.Previous != version || len(p.History) != 2 || p.History[1].Version != version {
		t.Errorf("the pointer is %+v, %v", p, err)
	}
}

func TestPublishNeverOverwrites(t *testing.T) {
	store, ctx := laketest.Open(t), t.Context()
	version, parts := classifiertest.Bundle(t, "first", nil)
	key := schema.ModelPrefix(version) + classifier.FeaturesPart
	if err := store.PutNew(ctx, key, []byte("other"), nil); err != nil {
		t.Fatal(err)
	}
	if err := Publish(ctx, store, version, parts); !errors.Is(err, lake.ErrExists) || !strings.Contains(err.Error(), key) {
		t.Errorf("error is %v", err)
	}
	if body, _, err := store.Get(ctx, key); err != nil || string(body) != "other" {
		t.Errorf("%s is %.20q, %v", key, body, err)
	}
	if _, err := store.Head(ctx, schema.ModelPrefix(version)+classifier.ManifestPart); !errors.Is(err, lake.ErrNotFound) {
		t.Errorf("the manifest was written although a part was not: %v", err)
	}
}

// Who read the file before another changed it must not write over that.
func TestAStaleChallengeIsRefused(t *testing.T) {
	store := laketest.Open(t)
	before, err := ReadChallenger(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	if err := Move(t.Context(), store, schema.ChallengerKey, before, schema.Change{Version: "v1"}); err != nil {
		t.Fatal(err)
	}
	if err := Move(t.Context(), store, schema.ChallengerKey, before, schema.Change{Version: "v2"}); !errors.Is(err, ErrMoved) {
		t.Errorf("error is %v, want %v", err, ErrMoved)
	}
}
