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
