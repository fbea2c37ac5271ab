package registry

import (
	"errors"
	"strings"
	"testing"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/classifier/classifiertest"
	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/schema"
)

// Who read a pointer before another changed it must not write over that.
func TestPromoteRefusesAStaleChampion(t *testing.T) {
	store, ctx := laketest.Open(t), t.Context()
	none, bundle, err := LoadChampion(ctx, store)
	if err != nil || none.Exists() || bundle == nil {
		t.Fatalf("without a champion: %+v, %v", none, err)
	}
	version, parts := classifiertest.Bundle(t, "first", nil)
	for range 2 { // an equal training publishes again
		if err := Publish(ctx, store, version, parts); err != nil {
			t.Fatal(err)
		}
	}
	if err := Promote(ctx, store, none, version, "first"); err != nil {
		t.Fatal(err)
	}
	if err := Promote(ctx, store, none, "v2", "late"); !errors.Is(err, ErrMoved) {
		t.Errorf("a stale champion: error is %v, want %v", err, ErrMoved)
	}
	now, bundle, err := LoadChampion(ctx, store)
	if err != nil || now.Version != version || bundle.Version() != version || now.History[0].Why != "first" {
		t.Errorf("the champion is %+v, %v", now, err)
	}
	if err := Promote(ctx, store, now, "v2", "second"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadChampion(ctx, store); err == nil || !strings.Contains(err.Error(), "v2") || !strings.Contains(err.Error(), "rollback") {
		t.Errorf("a champion that is not there: error is %v", err)
	}
	if p, err := Champion(ctx, store); err != nil || p.Previous != version || len(p.History) != 3 || p.History[1].Version != version {
		t.Errorf("the pointer is %+v, %v", p, err)
	}
}

// The first promotion must leave a way back to the model that is built in.
func TestRollbackReturnsToTheBuiltInModel(t *testing.T) {
	store, ctx := laketest.Open(t), t.Context()
	none, builtIn, err := LoadChampion(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	publishAs(t, store, "first", none)
	from, to, err := Rollback(ctx, store, "", "too sure of loans")
	if err != nil || to != builtIn.Version() || from.Name() == to {
		t.Fatalf("went back from %v to %q, error %v; want to %s", from, to, err, builtIn.Version())
	}
	now, bundle, err := LoadChampion(ctx, store)
	if err != nil || bundle.Version() != builtIn.Version() || now.History[0].Why != "rolled back: too sure of loans" {
		t.Errorf("the champion is %+v, %v", now, err)
	}
}

// publishAs publishes a bundle of that name and promotes it in the place of from.
func publishAs(t *testing.T, store lake.Store, name string, from *Pointer) (version string) {
	t.Helper()
	version, parts := classifiertest.Bundle(t, name, nil)
	if err := errors.Join(Publish(t.Context(), store, version, parts), Promote(t.Context(), store, from, version, "passed the gate")); err != nil {
		t.Fatal(err)
	}
	return version
}

// A second rollback must go further back, and not bring the bad model back.
func TestRollbackPassesOverWhatWasRolledBack(t *testing.T) {
	store, ctx := laketest.Open(t), t.Context()
	var versions []string
	for _, name := range []string{"first", "second", "third"} {
		from, err := Champion(ctx, store)
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, publishAs(t, store, name, from))
	}
	_, bundle, err := LoadChampion(ctx, laketest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	builtIn := bundle.Version()
	for _, want := range []string{versions[1], versions[0], builtIn} {
		if _, to, err := Rollback(ctx, store, "", ""); err != nil || to != want {
			t.Fatalf("went back to %q, error %v; want %s", to, err, want)
		}
	}
	if _, to, err := Rollback(ctx, store, "", ""); err == nil || !strings.Contains(err.Error(), builtIn+" serves") || !strings.Contains(err.Error(), "trainer models") {
		t.Errorf("with nothing before it went back to %q, error %v", to, err)
	}
	if _, _, err := Rollback(ctx, store, versions[2], ""); err != nil { // by its name it may come back
		t.Error(err)
	}
	if _, to, err := Rollback(ctx, store, "", ""); err != nil || to != builtIn {
		t.Errorf("went back to %q, error %v; want %s", to, err, builtIn)
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

func TestChallengeRefusesAStaleChallenger(t *testing.T) {
	store := laketest.Open(t)
	before, err := Challenger(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	if err := before.move(t.Context(), store, "v1", ""); err != nil {
		t.Fatal(err)
	}
	if err := before.move(t.Context(), store, "v2", ""); !errors.Is(err, ErrMoved) {
		t.Errorf("error is %v, want %v", err, ErrMoved)
	}
}

func TestServiceIsTheOneInWhichTheResultWasGiven(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 20, hour, 0, 0, 0, time.UTC) }
	p := &Pointer{Champion: schema.Champion{History: []schema.Change{
		{Version: "a", At: at(8), Why: "rolled back"}, {Version: "b", At: at(6), Why: "better"}, {Version: "a", At: at(2), Why: "first"},
	}}}
	for _, c := range []struct {
		version    string
		hour       int
		why, until string
	}{{"a", 3, "first", "better"}, {"a", 7, "first", "better"}, {"a", 9, "rolled back", ""}, {"b", 7, "better", "rolled back"}, {"b", 9, "better", "rolled back"}} {
		s := p.ServiceAt(c.version, at(c.hour))
		if s == nil || s.Since.Why != c.why || (s.Until == nil) != (c.until == "") || s.Until != nil && s.Until.Why != c.until {
			t.Errorf("%s at %d: %+v", c.version, c.hour, s)
		}
	}
	if p.ServiceAt("b", at(5)) != nil || p.ServiceAt("c", at(9)) != nil {
		t.Error("what never served did")
	}
}
