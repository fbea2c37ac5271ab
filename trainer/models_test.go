package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/internal/registry"
	"complaints/schema"
)

// twoModels is a lake in which a model served and another one does.
func twoModels(t *testing.T) (url string, store lake.Store, first, second string) {
	t.Helper()
	url = "file://" + t.TempDir()
	ctx := t.Context()
	store, err := lake.Open(ctx, lake.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	first, parts := builtInParts(t)
	bundle, forced, err := force(parts, "a drill")
	if err != nil {
		t.Fatal(err)
	}
	second = bundle.Version()
	for version, parts := range map[string]map[string][]byte{first: parts, second: forced} {
		if err := registry.Publish(ctx, store, version, parts); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range []string{first, second} {
		now, err := registry.Champion(ctx, store)
		if err != nil {
			t.Fatal(err)
		}
		if err := registry.Promote(ctx, store, now, version, "passed the gate"); err != nil {
			t.Fatal(err)
		}
	}
	return url, store, first, second
}

func TestRollback(t *testing.T) {
	url, store, first, second := twoModels(t)
	for _, step := range []struct {
		args []string
		want string
		why  string
	}{
		{nil, first, "rolled back"}, // to what served before
		{[]string{second}, second, "rolled back"},
		{[]string{first, "--reason", "too sure of loans"}, first, "rolled back: too sure of loans"},
	} {
		out, err := runArgs(t, append([]string{"rollback", "--lake", url}, step.args...)...)
		if err != nil || !strings.HasPrefix(out, step.want+" serves") {
			t.Fatalf("rollback %q printed %q, %v", step.args, out, err)
		}
		now, err := registry.Champion(t.Context(), store)
		if err != nil || now.Version != step.want || now.History[0].Why != step.why || now.History[0].At.IsZero() {
			t.Errorf("rollback %q: the champion is %+v, %v", step.args, now.Champion, err)
		}
	}
	// What cannot serve must not be pointed to.
	if err := store.PutNew(t.Context(), schema.ModelPrefix("broken")+classifier.ManifestPart, []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"none": "not found", "broken": "broken", first: "already"} {
		_, err := runArgs(t, "rollback", "--lake", url, version)
		now, look := registry.Champion(t.Context(), store)
		if err == nil || !strings.Contains(err.Error(), want) || look != nil || now.Version != first {
			t.Errorf("rollback to %s: error %v; the champion is %s, %v", version, err, now.Version, look)
		}
	}
}

func TestRollbackWithoutAPast(t *testing.T) {
	if _, err := runArgs(t, "rollback", "--lake", "file://"+t.TempDir()); err == nil || !strings.Contains(err.Error(), "trainer models") {
		t.Errorf("error is %v", err)
	}
}

// Where the built-in model serves, it has no name in champion.json.
func TestRollbackFromTheBuiltInModel(t *testing.T) {
	url := "file://" + t.TempDir()
	store, err := lake.Open(t.Context(), lake.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	version, parts := builtInParts(t)
	if err := registry.Publish(t.Context(), store, version, parts); err != nil {
		t.Fatal(err)
	}
	if _, err := runArgs(t, "rollback", "--lake", url); err == nil || !strings.Contains(err.Error(), "the built-in model serves") {
		t.Errorf("without a version: error is %v", err)
	}
	if out, err := runArgs(t, "rollback", "--lake", url, version); err != nil || !strings.Contains(out, "in place of the built-in model;") {
		t.Errorf("printed %q, %v", out, err)
	}
}

func TestModels(t *testing.T) {
	url, store, first, second := twoModels(t)
	// One that is being published has no manifest yet.
	if err := store.PutNew(t.Context(), schema.ModelPrefix("half")+classifier.ModelPart, []byte("tree"), nil); err != nil {
		t.Fatal(err)
	}
	out, err := runArgs(t, "models", "--lake", url, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var list []registry.Model
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	found := map[string]registry.Model{}
	for _, p := range list {
		found[p.Version] = p
	}
	if len(list) != 2 || found[first].Serves || !found[second].Serves || found[second].Forced != "a drill" || found[first].Metrics.Accuracy < 0.5 || found[first].Since == nil {
		t.Errorf("models are %+v", list)
	}
	out, err = runArgs(t, "models", "--lake", url)
	if err != nil || !strings.Contains(out, "*  "+second) || !strings.Contains(out, "   "+first) || strings.Contains(out, "half") {
		t.Errorf("printed, with %v:\n%s", err, out)
	}
}

func TestForceNamesItsReason(t *testing.T) {
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
	if strings.Contains(string(parts[classifier.ManifestPart]), `"forced":`) {
		t.Error("a bundle that was not forced says so")
	}
}

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
