package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"complaints/internal/lake"
	"complaints/schema"
)

// Recorder keeps the evidence of one training. Its methods are called by one
// goroutine, in this order: Start once, Log and Artifact any number of times,
// End once. What a recorder cannot keep is said to the operator and never
// stops a training.
type Recorder interface {
	// Start opens the run with all that is known before the first fit.
	Start(ctx context.Context, run RunStart) error
	// Log keeps metrics. Those of each round come with their steps, from 1; those
	// of the end have step 0, and one name never comes with both.
	Log(ctx context.Context, metrics []Metric) error
	// Artifact keeps a file of the run. Its name may have folders, with slashes;
	// those of the bundle begin with BundleFolder.
	Artifact(ctx context.Context, name string, body []byte) error
	// End closes the run, also one that failed. When it is called for a promotion,
	// the champion has been moved.
	End(ctx context.Context, end RunEnd) error
}

// BundleFolder begins the names of the artifacts that are parts of the bundle.
const BundleFolder = "bundle/"

// RunStart is what is known when a training starts.
type RunStart struct {
	At     time.Time
	Params map[string]string // snake_case names
}

// Metric is a value of a run.
type Metric struct {
	Name  string  `json:"name"` // snake_case
	Value float64 `json:"value"`
	Step  int     `json:"step,omitempty"` // a round, from 1; 0 is the end of the run
}

// Outcome is how a training ended.
type Outcome string

// The outcomes of a training.
const (
	Promoted Outcome = "promoted" // the new model serves
	Rejected Outcome = "rejected" // the champion goes on serving
	Failed   Outcome = "failed"   // there is no verdict
)

// RunEnd is how a run ended. Version is empty if it failed before there was a
// bundle.
type RunEnd struct {
	At       time.Time `json:"at"`
	Outcome  Outcome   `json:"outcome"`
	Why      string    `json:"why"`
	Version  string    `json:"version"`
	Champion string    `json:"champion"` // the version that it was compared with
}

// lakeRecorder writes a run to the lake, below runs/complaints/<version>/<start>/.
// It writes at the end, when the version is known, and run.json last: a folder
// without it is of a process that died. Only a run that has a version is kept.
// The bundle itself is not: it lies below models/.
type lakeRecorder struct {
	store lake.Store
	start RunStart
	files map[string][]byte
	lines bytes.Buffer // of metrics.jsonl
}

// NewLakeRecorder returns a recorder of one training.
func NewLakeRecorder(store lake.Store) Recorder {
	return &lakeRecorder{store: store, files: map[string][]byte{}}
}

func (r *lakeRecorder) Start(_ context.Context, run RunStart) error {
	r.start = run
	params, err := json.MarshalIndent(run.Params, "", "  ")
	r.files["params.json"] = append(params, '\n')
	return err
}

func (r *lakeRecorder) Log(_ context.Context, metrics []Metric) error {
	w := json.NewEncoder(&r.lines)
	for _, m := range metrics {
		if err := w.Encode(m); err != nil {
			return fmt.Errorf("metric %s: %w", m.Name, err)
		}
	}
	return nil
}

func (r *lakeRecorder) Artifact(_ context.Context, name string, body []byte) error {
	if !strings.HasPrefix(name, BundleFolder) {
		r.files[name] = body
	}
	return nil
}

func (r *lakeRecorder) End(ctx context.Context, end RunEnd) error {
	if end.Version == "" {
		return nil
	}
	r.files["metrics.jsonl"] = r.lines.Bytes()
	prefix := schema.RunPrefix(end.Version, r.start.At)
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		if err := lake.PutOnce(ctx, r.store, prefix+name, r.files[name]); err != nil {
			return err
		}
	}
	body, err := json.MarshalIndent(end, "", "  ")
	if err != nil {
		return err
	}
	return lake.PutOnce(ctx, r.store, prefix+runFile, append(body, '\n'))
}

// Recorders hands everything to each of several recorders. One that fails is
// left alone from then on, and its first error is kept for the end.
type Recorders struct {
	List   []Recorder
	Failed []error // of those that were left alone
}

// Do hands one call to each recorder that has not failed yet.
func (r *Recorders) Do(call func(Recorder) error) {
	r.List = slices.DeleteFunc(r.List, func(one Recorder) bool {
		err := call(one)
		if err != nil {
			r.Failed = append(r.Failed, err)
		}
		return err != nil
	})
}
