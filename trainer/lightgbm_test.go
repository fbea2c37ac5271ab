//go:build servers

package main

import (
	"bytes"
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/lightgbm"
)

func openLibrary(t testing.TB) *lightgbm.Library {
	t.Helper()
	lib, err := lightgbm.Open(os.Getenv("LIGHTGBM_LIB"))
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

// trainInto runs the program on the sample, with two folds to save time.
func trainInto(t *testing.T, dir string, seed string) map[string][]byte {
	t.Helper()
	if err := run(context.Background(), []string{"train", "--data", sampleFile, "--out", dir, "--folds", "2", "--seed", seed}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	parts := map[string][]byte{}
	for _, name := range []string{classifier.ManifestPart, classifier.ModelPart, classifier.FeaturesPart, classifier.TaxonomyPart, "metrics.json", "confusion_matrix.png"} {
		part, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		parts[name] = part
	}
	return parts
}

func TestTrainGivesEqualBundles(t *testing.T) {
	openLibrary(t)
	first, again, other := trainInto(t, t.TempDir(), "1"), trainInto(t, t.TempDir(), "1"), trainInto(t, t.TempDir(), "2")
	for _, name := range slices.Sorted(maps.Keys(first)) {
		if !bytes.Equal(first[name], again[name]) {
			t.Errorf("%s differs between two runs with one seed", name)
		}
	}
	for _, name := range []string{classifier.ModelPart, classifier.FeaturesPart, classifier.ManifestPart} {
		if bytes.Equal(first[name], other[name]) {
			t.Errorf("%s is equal for two seeds", name)
		}
	}
	c, err := classifier.Load(first)
	if err != nil {
		t.Fatal(err)
	}
	if c.Manifest().Training.Rounds < 5 {
		t.Errorf("trained %d rounds", c.Manifest().Training.Rounds)
	}
}
