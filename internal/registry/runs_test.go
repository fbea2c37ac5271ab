package registry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"complaints/internal/lake/laketest"
	"complaints/schema"
)

// told is a recorder that keeps what it is told.
type told []string

func (r *told) Start(_ context.Context, run RunStart) error {
	*r = append(*r, fmt.Sprint("start ", run.At.UnixMilli(), run.Params))
	return nil
}

func (r *told) Log(_ context.Context, metrics []Metric) error {
	for _, m := range metrics {
		*r = append(*r, fmt.Sprint("metric ", m))
	}
	return nil
}

func (r *told) Artifact(_ context.Context, name string, body []byte) error {
	*r = append(*r, fmt.Sprintf("artifact %s %q", name, body))
	return nil
}

func (r *told) End(_ context.Context, end RunEnd) error {
	*r = append(*r, fmt.Sprint("end ", end))
	return nil
}

// A training that is read from the lake is told as the training itself told it.
func TestReplayRunTellsTheSame(t *testing.T) {
	store := laketest.Open(t)
	var live, replayed told
	end := RunEnd{Version: "v1", Outcome: Rejected, Why: "worse", Champion: "v0", At: runStart.At.Add(time.Minute)}
	r := Recorders{List: []Recorder{NewLakeRecorder(store), &live}}
	r.Do(func(one Recorder) error { return aRun(t.Context(), one, end) })
	if err := store.PutNew(t.Context(), schema.ModelPrefix("v1")+"model.txt", []byte("trees"), nil); err != nil {
		t.Fatal(err)
	}
	// A training that died left files, and no end.
	if err := store.PutNew(t.Context(), schema.RunPrefix("v1", runStart.At.Add(time.Hour))+"params.json", []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	runs, err := EndedRuns(t.Context(), store, "v1")
	if err != nil || len(runs) != 1 {
		t.Fatalf("the trainings are %v, error %v", runs, err)
	}
	ended, err := ReplayRun(t.Context(), store, &replayed, "v1", runs[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := replayed.End(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(live, replayed) {
		t.Errorf("replayed:\n%s\nwant\n%s", strings.Join(replayed, "\n"), strings.Join(live, "\n"))
	}
}

func TestRunsAreReadWithWhatCameOfThem(t *testing.T) {
	store := laketest.Open(t)
	end := RunEnd{Version: "v1", Outcome: Promoted, Why: "better", Champion: "v0", At: runStart.At.Add(time.Minute)}
	if err := aRun(t.Context(), NewLakeRecorder(store), end); err != nil {
		t.Fatal(err)
	}
	runs, err := Runs(t.Context(), store, "v1")
	if err != nil || len(runs) != 1 || runs[0].RunEnd != end || !runs[0].Start.Equal(runStart.At) || !maps.Equal(runs[0].Params, runStart.Params) {
		t.Fatalf("%+v, %v", runs, err)
	}
	if want := map[string]float64{"accuracy": 0.5}; !maps.Equal(runs[0].Metrics, want) {
		t.Errorf("the metrics are %v, want %v", runs[0].Metrics, want)
	}
}
