package registry

import (
	"os"
	"path/filepath"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/classifier/classifiertest"
	"complaints/internal/lake/laketest"
	"complaints/schema"
)

// What serves is kept, and nothing that failed its checks.
func TestFollowerKeepsWhatServes(t *testing.T) {
	store := laketest.Open(t)
	cache := &Cache{Dir: filepath.Join(t.TempDir(), "made", "by the first")}
	f := &Follower{Store: store, Key: schema.ChampionKey, Holder: new(classifier.Holder), Cache: cache}
	if _, _, err := cache.Load(); err == nil {
		t.Error("a model was loaded where none is kept")
	}
	for _, bundle := range []string{"first", "second"} {
		version, parts := classifiertest.Bundle(t, bundle, nil)
		if err := Publish(t.Context(), store, version, parts); err != nil {
			t.Fatal(err)
		}
		name(t, store, schema.ChampionKey, version)
		f.want(t, Swapped, version)
		kept, at, err := cache.Load()
		if err != nil || kept.Version() != version || at.IsZero() {
			t.Fatalf("kept %+v at %s, %v, want %s", kept, at, err, version)
		}
		if err := cache.Keep(version, parts); err != nil {
			t.Errorf("what is kept cannot be kept again: %v", err)
		}
		if entries, _ := os.ReadDir(cache.Dir); len(entries) != 1 {
			t.Errorf("%v are kept, want one", entries)
		}
	}
	serves := f.Holder.Current().Version()
	damaged, parts := classifiertest.Bundle(t, "damaged", nil)
	parts[classifier.FeaturesPart] = append([]byte("x"), parts[classifier.FeaturesPart]...)
	if err := Publish(t.Context(), store, damaged, parts); err != nil {
		t.Fatal(err)
	}
	name(t, store, schema.ChampionKey, damaged)
	f.want(t, Refused, serves)
	if kept, _, err := cache.Load(); err != nil || kept.Version() != serves {
		t.Errorf("kept %v, %v, want %s", kept, err, serves)
	}
}

// A kept bundle is checked again: what a crash or a disk did to it must not serve.
func TestCacheChecksWhatItLoads(t *testing.T) {
	cache := Cache{Dir: t.TempDir()}
	version, parts := classifiertest.Bundle(t, "first", nil)
	if err := cache.Keep(version, parts); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(cache.Dir, unfinished+"1"), 0o700); err != nil { // of a process that died
		t.Fatal(err)
	}
	if kept, _, err := cache.Load(); err != nil || kept.Version() != version {
		t.Fatalf("kept %v, %v", kept, err)
	}
	part := filepath.Join(cache.Dir, version, classifier.FeaturesPart)
	if err := os.Truncate(part, 100); err != nil {
		t.Fatal(err)
	}
	if kept, _, err := cache.Load(); err == nil {
		t.Errorf("%s was loaded with a part that is cut", kept.Version())
	}
}
