//go:build servers

package main

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/internal/registry"
	"complaints/schema"
	"complaints/trainer/dataset"
)

// weekly is a lake and the command that trains on files into it.
type weekly struct {
	t     *testing.T
	url   string
	store lake.Store
}

func newWeekly(t *testing.T) *weekly {
	t.Helper()
	url := "file://" + t.TempDir()
	store, err := lake.Open(t.Context(), lake.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return &weekly{t, url, store}
}

// run trains and returns what the last line of output says. An error other than
// that the candidate was rejected ends the test.
func (w *weekly) run(args ...string) (v verdict, rejected bool) {
	w.t.Helper()
	out, err := runArgs(w.t, append([]string{"run", "--lake", w.url, "--quiet", "--json"}, args...)...)
	var k *rejectedError
	if rejected = errors.As(err, &k); err != nil && !rejected {
		w.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
		w.t.Fatalf("the last line is %q: %v", lines[len(lines)-1], err)
	}
	if said := lines[len(lines)-2]; !strings.HasPrefix(said, string(v.Outcome)+" ") || !strings.Contains(said, v.Why) {
		w.t.Errorf("the verdict is %q, and as JSON %s: %s", said, v.Outcome, v.Why)
	}
	w.t.Log(v.line())
	return v, rejected
}

func (w *weekly) champion() (*registry.Pointer, classifier.Manifest) {
	w.t.Helper()
	p, bundle, err := registry.LoadChampion(w.t.Context(), w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	return p, bundle.Manifest()
}

// shuffled writes the sample with the products of its rows exchanged.
func shuffled(t *testing.T) string {
	t.Helper()
	var all []schema.Complaint
	if err := (dataset.Files{Paths: []string{sampleFile}}).Complaints(t.Context(), t.Logf, func(c *schema.Complaint) { all = append(all, *c) }); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	rng.Shuffle(len(all), func(i, j int) { all[i].Product, all[j].Product = all[j].Product, all[i].Product })
	path := filepath.Join(t.TempDir(), "shuffled.csv.gz")
	if err := dataset.WriteSample(path, all); err != nil {
		t.Fatal(err)
	}
	return path
}

// anything lets every model pass that has enough rows.
var anything = []string{"--macro-f1-margin", "1", "--recall-margin", "1", "--max-ece", "1", "--max-slowdown", "1000"}

func TestRunPromotesAndRejects(t *testing.T) {
	w := newWeekly(t)
	sample := []string{"--data", sampleFile}
	first, rejected := w.run(append(sample, anything...)...)
	if rejected || first.Outcome != registry.Promoted || !first.ChampionBuiltIn || !strings.HasPrefix(first.Champion, bootstrapName) {
		t.Fatalf("the first run is %+v, want promoted in place of the built-in model", first)
	}
	serves, m := w.champion()
	if serves.Version != first.Version || serves.Previous != first.Champion || !strings.Contains(serves.History[0].Why, "gate") {
		t.Errorf("the champion is %+v", serves.Champion)
	}
	if m.Metrics != first.Candidate.Metrics || m.Training.To >= first.Rows.From || m.ReviewThreshold != first.Review.Threshold {
		t.Errorf("the manifest says %+v, trained to %s, threshold %v; the verdict %+v", m.Metrics, m.Training.To, m.ReviewThreshold, first)
	}

	again, rejected := w.run(append(sample, anything...)...)
	if !rejected || again.Version != first.Version || !strings.Contains(again.Why, "byte for byte") {
		t.Errorf("the same again is %s %s: %s", again.Outcome, again.Version, again.Why)
	}

	worse := []string{"--data", shuffled(t)}
	bad, rejected := w.run(worse...)
	if !rejected || bad.Gate.Passed || bad.Champion != first.Version || !strings.Contains(bad.Why, "macro F1") {
		t.Errorf("labels exchanged: %s, %s", bad.Outcome, bad.Why)
	}
	if _, err := registry.Load(t.Context(), w.store, bad.Version); err != nil {
		t.Errorf("the bundle that was rejected is not there for a look: %v", err)
	}
	if now, _ := w.champion(); len(now.History) != len(serves.History) {
		t.Errorf("the champion was changed: %+v", now.Champion)
	}

	forced, rejected := w.run(append(worse, "--force", "--reason", "a drill")...)
	now, m := w.champion()
	if rejected || now.Version != forced.Version || now.Previous != first.Version || forced.Version == bad.Version {
		t.Errorf("forced: %s %s, the champion is %+v", forced.Outcome, forced.Version, now.Champion)
	}
	if m.Forced != "a drill" || !strings.Contains(now.History[0].Why, "a drill") {
		t.Errorf("the manifest says %q and the history %q", m.Forced, now.History[0].Why)
	}
	w.wantRecords(first, again, bad, forced)
}

// wantRecords checks that each run left its evidence.
func (w *weekly) wantRecords(runs ...verdict) {
	w.t.Helper()
	outcomes := map[string]int{}
	for _, v := range runs {
		outcomes[v.Version+" "+string(v.Outcome)]++
	}
	for _, key := range laketest.Keys(w.t, w.store, "runs/") {
		name, ok := strings.CutSuffix(key, "run.json")
		if !ok {
			continue
		}
		for _, file := range []string{"params.json", "metrics.jsonl", "verdict.json", "confusion_matrix.png", "run.json"} {
			body, _, err := w.store.Get(w.t.Context(), name+file)
			if err != nil || len(body) == 0 {
				w.t.Errorf("%s%s has %d bytes, %v", name, file, len(body), err)
			}
			var end registry.RunEnd
			if file == "run.json" && json.Unmarshal(body, &end) == nil {
				outcomes[end.Version+" "+string(end.Outcome)]--
			}
		}
	}
	for run, missing := range outcomes {
		if missing != 0 {
			w.t.Errorf("%s: %d runs have no record", run, missing)
		}
	}
}

func TestRunGivesEqualBundles(t *testing.T) {
	a, _ := newWeekly(t).run("--data", sampleFile)
	b, _ := newWeekly(t).run("--data", sampleFile)
	other, _ := newWeekly(t).run("--data", sampleFile, "--seed", "2")
	if a.Version != b.Version || a.Version == other.Version {
		t.Errorf("versions %s and %s, and with another seed %s", a.Version, b.Version, other.Version)
	}
	if a.Calibration.Temperature <= 0 || a.Candidate.LogLoss <= 0 {
		t.Errorf("the verdict lacks figures: %+v", a)
	}
}

func TestRunRejectsTooFewRowsOfACategory(t *testing.T) {
	v, rejected := newWeekly(t).run(append([]string{"--data", sampleFile, "--max-rows", "600"}, anything...)...)
	if !rejected || !strings.Contains(v.Why, "at least 30 are needed") || v.Rows.Train+v.Rows.Test+v.Rows.Waiting+v.Rows.NearCopies != 600 {
		t.Errorf("%s: %s; %+v", v.Outcome, v.Why, v.Rows)
	}
}
