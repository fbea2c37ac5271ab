package registry

import (
	"slices"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/classifier/classifiertest"
	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/schema"
)

// name lets a pointer name a version, whatever it named before.
func name(t *testing.T, store lake.Store, key, version string) {
	t.Helper()
	p, err := readPointer(t.Context(), store, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.move(t.Context(), store, version, ""); err != nil {
		t.Fatal(err)
	}
}

func (f *Follower) want(t *testing.T, seen Seen, serves string) {
	t.Helper()
	got, version, err := f.Look(t.Context())
	now := ""
	if c := f.Holder.Current(); c != nil {
		now = c.Version()
	}
	if got != seen || now != serves || (err != nil) != (seen == Refused) {
		t.Errorf("saw %d of %q, error %v, and %q serves; want %d and %q", got, version, err, now, seen, serves)
	}
}

func TestFollowerSwapsAndRefuses(t *testing.T) {
	for _, key := range []string{schema.ChampionKey, schema.ChallengerKey} {
		store := laketest.Open(t)
		f := &Follower{Store: store, Key: key, Holder: new(classifier.Holder)}
		f.want(t, Unchanged, "")
		first, parts := classifiertest.Bundle(t, "first", nil)
		if err := Publish(t.Context(), store, first, parts); err != nil {
			t.Fatal(err)
		}
		name(t, store, key, first)
		f.want(t, Swapped, first)
		f.want(t, Unchanged, first)

		damaged, parts := classifiertest.Bundle(t, "damaged", nil)
		parts[classifier.FeaturesPart] = slices.Clone(parts[classifier.FeaturesPart])
		parts[classifier.FeaturesPart][100] ^= 1
		if err := Publish(t.Context(), store, damaged, parts); err != nil {
			t.Fatal(err)
		}
		name(t, store, key, damaged)
		f.want(t, Refused, first)
		f.want(t, Unchanged, first) // said once

		name(t, store, key, first)
		f.want(t, Unchanged, first)
		name(t, store, key, damaged)
		f.want(t, Refused, first) // it was named anew
	}
}

// A copy of a lake may bring the pointer before the parts, or before some of them.
func TestFollowerTakesABundleWhosePartsCameLater(t *testing.T) {
	store := laketest.Open(t)
	f := &Follower{Store: store, Key: schema.ChampionKey, Holder: new(classifier.Holder)}
	version, parts := classifiertest.Bundle(t, "first", nil)
	name(t, store, schema.ChampionKey, version)
	f.want(t, Refused, "")
	f.want(t, Unchanged, "")
	if err := store.PutNew(t.Context(), schema.ModelPrefix(version)+classifier.ManifestPart, parts[classifier.ManifestPart], nil); err != nil {
		t.Fatal(err)
	}
	f.want(t, Refused, "")
	if err := Publish(t.Context(), store, version, parts); err != nil {
		t.Fatal(err)
	}
	f.want(t, Swapped, version)
}

func TestFollowerEndsTheChallengerAndKeepsTheChampion(t *testing.T) {
	store := laketest.Open(t)
	version, parts := classifiertest.Bundle(t, "first", nil)
	if err := Publish(t.Context(), store, version, parts); err != nil {
		t.Fatal(err)
	}
	f := &Follower{Store: store, Key: schema.ChallengerKey, Holder: new(classifier.Holder)}
	name(t, store, schema.ChallengerKey, version)
	f.want(t, Swapped, version)
	name(t, store, schema.ChallengerKey, "")
	f.want(t, Ended, "")
	f.want(t, Unchanged, "")

	champion := &Follower{Store: store, Key: schema.ChampionKey, Holder: new(classifier.Holder)}
	name(t, store, schema.ChampionKey, version)
	champion.want(t, Swapped, version)
	name(t, store, schema.ChampionKey, "")
	if seen, _, err := champion.Look(t.Context()); seen != Unchanged || err == nil || champion.Holder.Current() == nil {
		t.Errorf("a champion.json that names none: saw %d, error %v", seen, err)
	}
}
