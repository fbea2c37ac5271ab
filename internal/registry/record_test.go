package registry

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/schema"
)

var runStart = RunStart{At: time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC), Params: map[string]string{"seed": "1"}}

// aRun calls a recorder as a training does.
func aRun(ctx context.Context, r Recorder, end RunEnd) error {
	return errors.Join(
		r.Start(ctx, runStart),
		r.Log(ctx, []Metric{{"round_log_loss", 1.5, 1}, {"round_log_loss", 1.25, 2}}),
		r.Log(ctx, []Metric{{"accuracy", 0.5, 0}}),
		r.Artifact(ctx, BundleFolder+"model.txt", []byte("trees")),
		r.Artifact(ctx, "pictures/confusion.png", []byte("png")),
		r.End(ctx, end),
	)
}

func TestLakeRecorder(t *testing.T) {
	store := laketest.Open(t)
	end := RunEnd{Version: "v1", Outcome: Rejected, Why: "worse", Champion: "v0", At: runStart.At.Add(time.Minute)}
	if err := aRun(t.Context(), NewLakeRecorder(store), end); err != nil {
		t.Fatal(err)
	}
	const prefix = "runs/complaints/v1/20261122T150000.000Z/"
	want := []string{"metrics.jsonl", "params.json", "pictures/confusion.png", "run.json"}
	got := laketest.Keys(t, store, "runs/")
	for i, k := range got {
		got[i] = strings.TrimPrefix(k, prefix)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("wrote %q, want %q below %s", got, want, prefix)
	}
	body, _, err := store.Get(t.Context(), prefix+"metrics.jsonl")
	if err != nil || string(body) != `{"name":"round_log_loss","value":1.5,"step":1}`+"\n"+`{"name":"round_log_loss","value":1.25,"step":2}`+"\n"+`{"name":"accuracy","value":0.5}`+"\n" {
		t.Errorf("metrics are %q, error %v", body, err)
	}
	body, _, err = store.Get(t.Context(), prefix+"run.json")
	var read RunEnd
	if err != nil || json.Unmarshal(body, &read) != nil || read != end {
		t.Errorf("run.json is %q, error %v", body, err)
	}
	// The same run, told again after a lost answer, is no error and no second run.
	if err := aRun(t.Context(), NewLakeRecorder(store), end); err != nil {
		t.Errorf("again: %v", err)
	}
	if other := aRun(t.Context(), NewLakeRecorder(store), RunEnd{Version: "v1", Outcome: Promoted}); !errors.Is(other, lake.ErrExists) {
		t.Errorf("another run at the same moment: error is %v, want %v", other, lake.ErrExists)
	}
	if err := aRun(t.Context(), NewLakeRecorder(store), RunEnd{Outcome: Failed}); err != nil || len(laketest.Keys(t, store, "runs/")) != 4 {
		t.Errorf("a run without a version wrote %q, error %v", laketest.Keys(t, store, "runs/"), err)
	}
}

// deafRecorder fails at one call and counts those that came after it.
type deafRecorder struct{ calls int }

var errDeaf = errors.New("deaf")

func (d *deafRecorder) Start(context.Context, RunStart) error { d.calls++; return nil }
func (d *deafRecorder) Log(context.Context, []Metric) error   { d.calls++; return errDeaf }
func (d *deafRecorder) Artifact(context.Context, string, []byte) error {
	d.calls++
	return nil
}
func (d *deafRecorder) End(context.Context, RunEnd) error { d.calls++; return nil }

func TestRecordersLeaveAloneWhatFailed(t *testing.T) {
	store := laketest.Open(t)
	deaf := &deafRecorder{}
	r := Recorders{List: []Recorder{deaf, NewLakeRecorder(store)}}
	ctx := t.Context()
	r.Do(func(r Recorder) error { return r.Start(ctx, runStart) })
	r.Do(func(r Recorder) error { return r.Log(ctx, nil) })
	r.Do(func(r Recorder) error { return r.Artifact(ctx, "a.txt", nil) })
	r.Do(func(r Recorder) error { return r.End(ctx, RunEnd{Version: "v1"}) })
	if deaf.calls != 2 || len(r.Failed) != 1 || !errors.Is(r.Failed[0], errDeaf) {
		t.Errorf("%d calls and the errors %v, want 2 and %v", deaf.calls, r.Failed, errDeaf)
	}
	if keys := laketest.Keys(t, store, schema.RunPrefix("v1", runStart.At)); len(keys) != 4 || path.Base(keys[0]) != "a.txt" {
		t.Errorf("the other recorder wrote %q", keys)
	}
}
