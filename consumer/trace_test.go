package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"complaints/consumer/trace"
	"complaints/internal/classifier/classifiertest"
	"complaints/internal/lake"
	"complaints/internal/registry"
	"complaints/schema"
)

const tracedText = "A debt collector calls me about a debt that is not mine; write to jane@example.com."

// tracedLife publishes complaint 7 three times: to the built-in model, to one that was
// promoted, and to the built-in one after a rollback. Then its day is compacted.
func tracedLife(t *testing.T, dir string) (versions []string) {
	t.Helper()
	ctx, addr := t.Context(), freeAddr(t)
	message := `{"complaint_id":"7","product":"Debt collection","state":"NY","narrative":"` + tracedText + `"}`
	classified := func() { // the wait for more ends it in another second, which is what champion.json counts
		publishTexts(t, dir, message, `{"complaint_id":"8","narrative":"My mortgage was sold."}`)
		consume(t, addr, dir, "--idle-for", "1s")
	}
	classified()
	store, err := lake.OpenExisting(ctx, lake.Config{URL: "file://" + dir + "/lake"})
	if err != nil {
		t.Fatal(err)
	}
	none, builtIn, err := registry.LoadChampion(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	promoted, parts := classifiertest.Bundle(t, "promoted", nil)
	r := registry.NewLakeRecorder(store)
	for _, do := range []func() error{
		func() error { return registry.Publish(ctx, store, promoted, parts) },
		func() error { return registry.Promote(ctx, store, none, promoted, "passed the gate") },
		func() error {
			return r.Start(ctx, registry.RunStart{At: time.Now(), Params: map[string]string{"seed": "1"}})
		},
		func() error { return r.Log(ctx, []registry.Metric{{Name: "macro_f1", Value: 0.75}}) },
		func() error {
			return r.End(ctx, registry.RunEnd{Version: promoted, Outcome: registry.Promoted, Why: "passed the gate", Champion: builtIn.Version(), At: time.Now()})
		},
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	classified()
	if _, _, err := registry.Rollback(ctx, store, "", "too sure"); err != nil {
		t.Fatal(err)
	}
	classified()
	var out bytes.Buffer
	if err := run(ctx, []string{"compact", "--data", dir, "--grace=-48h"}, &out, &out); err != nil {
		t.Fatal(err)
	}
	return []string{builtIn.Version(), promoted, builtIn.Version()}
}

func TestTraceAfterAPromotionARollbackAndACompaction(t *testing.T) {
	dir := t.TempDir()
	versions := tracedLife(t, dir)
	command := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if err := run(t.Context(), append([]string{"trace", "--lake-only", "--data", dir, "--complaint-id", "7"}, args...), &out, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	var report trace.Report
	if err := json.Unmarshal([]byte(command("--json")), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Decisions) != len(versions) {
		t.Fatalf("%d decisions, want %d: %s", len(report.Decisions), len(versions), command())
	}
	since := []string{"", "passed the gate", "rolled back: too sure"}
	for i, d := range report.Decisions {
		if d.Answer == nil || d.Model == nil || d.Again == nil {
			t.Fatalf("decision %d is %+v", i, d)
		}
		if d.Answer.ModelVersion != versions[i] || !d.Again.Equal || d.Again.From != trace.FromBronze || len(d.Again.Explanation.Terms) == 0 {
			t.Errorf("decision %d is by %s, predicted again %+v", i, d.Answer.ModelVersion, d.Again)
		}
		switch s := d.Model.Service; {
		case (s == nil) != (since[i] == ""):
			t.Errorf("decision %d: the model served %+v", i, s)
		case s != nil && (s.Since.Why != since[i] || (s.Until == nil) != (i == 2)):
			t.Errorf("decision %d: the model served %+v, want since %q", i, s, since[i])
		}
		layers := []schema.Layer{}
		for _, p := range d.Parts {
			if p.State == trace.Present {
				layers = append(layers, p.Layer)
			}
		}
		if !slices.Equal(layers, []schema.Layer{"bronze", "silver", "silver_daily", "gold", "gold_daily"}) {
			t.Errorf("decision %d stands in %v", i, layers)
		}
	}
	if runs := report.Decisions[1].Model.Runs; len(runs) != 1 || runs[0].Metrics["macro_f1"] != 0.75 || runs[0].Why != "passed the gate" {
		t.Errorf("the training is %+v", runs)
	}
	if text := command(); strings.Contains(text, "calls me about") || strings.Count(text, "bits of all probabilities are equal") != 3 {
		t.Error(text)
	}
	if text := command("--text"); !strings.Contains(text, tracedText) {
		t.Error(text)
	}
	if text := command("--day", "2020-01-01"); !strings.Contains(text, "7: 0 messages") || !strings.Contains(text, "another day has it") {
		t.Error(text)
	}

	var out bytes.Buffer
	if err := run(t.Context(), []string{"erase", "--lake-only", "--data", dir, "--complaint-id", "7"}, &out, &out); err != nil {
		t.Fatal(err)
	}
	if text := command(); !strings.Contains(text, "7: 0 messages") || !strings.Contains(text, "an erasure or retention has taken it") {
		t.Error(text)
	}
}
