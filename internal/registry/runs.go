package registry

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"complaints/internal/lake"
	"complaints/schema"
)

// runFile is the file of a training in the lake that is written last.
const runFile = "run.json"

// EndedRuns are the starts of the trainings that made a version and came to an end.
func EndedRuns(ctx context.Context, store lake.Store, version string) ([]time.Time, error) {
	var starts []time.Time
	for page, err := range lake.Pages(ctx, store, schema.RunsPrefix(version)) {
		if err != nil {
			return nil, err
		}
		for _, info := range page {
			start, name, err := schema.ParseRunKey(version, info.Key)
			if err != nil {
				return nil, err
			}
			if name == runFile {
				starts = append(starts, start)
			}
		}
	}
	return starts, nil
}

// Run is what the lake says of a training that made a version.
type Run struct {
	Start   time.Time          `json:"start"`
	Params  map[string]string  `json:"params"`
	Metrics map[string]float64 `json:"metrics"` // of its end, without those of rounds
	RunEnd
}

// Runs reads the trainings that made a version and came to an end, the oldest first.
func Runs(ctx context.Context, store lake.Store, version string) ([]Run, error) {
	starts, err := EndedRuns(ctx, store, version)
	if err != nil {
		return nil, err
	}
	runs := make([]Run, len(starts))
	for i, start := range starts {
		if runs[i], err = readRun(ctx, store, version, start); err != nil {
			return nil, fmt.Errorf("%s: %w", schema.RunPrefix(version, start), err)
		}
	}
	return runs, nil
}

func readRun(ctx context.Context, store lake.Store, version string, start time.Time) (Run, error) {
	run := Run{Start: start, Metrics: map[string]float64{}}
	files := map[string][]byte{runFile: nil, "params.json": nil, "metrics.jsonl": nil}
	for name := range files {
		body, _, err := store.Get(ctx, schema.RunPrefix(version, start)+name)
		if err != nil {
			return run, err
		}
		files[name] = body
	}
	metrics, err := readMetrics(files["metrics.jsonl"])
	for _, m := range metrics {
		if m.Step == 0 {
			run.Metrics[m.Name] = m.Value
		}
	}
	return run, errors.Join(err, json.Unmarshal(files["params.json"], &run.Params), json.Unmarshal(files[runFile], &run.RunEnd))
}

// ReplayRun tells a recorder of a training in the lake all but its end, which it
// returns.
func ReplayRun(ctx context.Context, store lake.Store, r Recorder, version string, start time.Time) (RunEnd, error) {
	run, end := RunStart{At: start}, RunEnd{}
	files, err := readBelow(ctx, store, schema.RunPrefix(version, start))
	if err != nil {
		return end, err
	}
	bundle, err := readBelow(ctx, store, schema.ModelPrefix(version))
	if err != nil {
		return end, err
	}
	metrics, err := readMetrics(files["metrics.jsonl"])
	if err = errors.Join(err, json.Unmarshal(files["params.json"], &run.Params), json.Unmarshal(files[runFile], &end)); err != nil {
		return end, fmt.Errorf("%s: %w", schema.RunPrefix(version, start), err)
	}
	for _, name := range []string{"metrics.jsonl", "params.json", runFile} { // they are told otherwise
		delete(files, name)
	}
	for name, body := range bundle {
		files[BundleFolder+name] = body
	}
	if err := errors.Join(r.Start(ctx, run), r.Log(ctx, metrics)); err != nil {
		return end, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := r.Artifact(ctx, name, files[name]); err != nil {
			return end, err
		}
	}
	return end, nil
}

// readBelow reads all objects below a prefix, by what follows it in their keys.
func readBelow(ctx context.Context, store lake.Store, prefix string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for page, err := range lake.Pages(ctx, store, prefix) {
		if err != nil {
			return nil, err
		}
		for _, info := range page {
			body, _, err := store.Get(ctx, info.Key)
			if err != nil {
				return nil, err
			}
			files[strings.TrimPrefix(info.Key, prefix)] = body
		}
	}
	return files, nil
}

func readMetrics(lines []byte) ([]Metric, error) {
	var out []Metric
	s := bufio.NewScanner(bytes.NewReader(lines))
	for s.Scan() {
		var m Metric
		if err := json.Unmarshal(s.Bytes(), &m); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, s.Err()
}
