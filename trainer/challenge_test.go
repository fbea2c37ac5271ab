package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/registry"
	"complaints/schema"
)

func TestChallenge(t *testing.T) {
	url, store, first, second := twoModels(t) // the second serves
	wantNow := func(version string, changes int) {
		t.Helper()
		now, err := registry.Challenger(t.Context(), store)
		if err != nil || now.Version != version || len(now.History) != changes {
			t.Errorf("the challenger is %+v, %v; want %q after %d changes", now, err, version, changes)
		}
		if champion, err := registry.Champion(t.Context(), store); err != nil || champion.Version != second {
			t.Errorf("%s serves, %v", champion.Version, err)
		}
	}
	if err := store.PutNew(t.Context(), schema.ModelPrefix("broken")+classifier.ManifestPart, []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"none": "not found", "broken": "broken", second: "serves already"} {
		if _, err := runArgs(t, "challenge", "--lake", url, version); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("challenge %s: error is %v", version, err)
		}
	}
	wantNow("", 0)
	for i, step := range []struct {
		arg, prints, version string
		changes              int
	}{
		{"--off", "no model challenges", "", 0},
		{first, first + " challenges;", first, 1},
		{first, first + " challenges already", first, 1},
		{"--off", first + " does not challenge any more", "", 2},
		{first, first + " challenges;", first, 3},
	} {
		out, err := runArgs(t, "challenge", "--lake", url, step.arg)
		if err != nil || !strings.HasPrefix(out, step.prints) {
			t.Errorf("step %d printed %q, %v", i, out, err)
		}
		wantNow(step.version, step.changes)
	}
	for _, args := range [][]string{{"challenge"}, {"challenge", first, "--off"}} {
		if _, err := runArgs(t, append(args, "--lake", url)...); err == nil || !strings.Contains(err.Error(), "--off") {
			t.Errorf("%q: error is %v", args, err)
		}
	}

	out, err := runArgs(t, "models", "--lake", url)
	if err != nil || !strings.Contains(out, "*  "+second) || !strings.Contains(out, "+  "+first) {
		t.Errorf("printed, with %v:\n%s", err, out)
	}
	out, err = runArgs(t, "models", "--lake", url, "--json")
	var list []registry.Model
	if err := errors.Join(err, json.Unmarshal([]byte(out), &list)); err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p.Challenges != (p.Version == first) {
			t.Errorf("%s challenges is %v", p.Version, p.Challenges)
		}
	}
}
