package mlflow

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What MLflow takes in one batch, and of one parameter.
const (
	metricsPerBatch = 1000
	paramsPerBatch  = 100
	maxParamBytes   = 6000
)

// The error_codes that a caller decides by.
const (
	codeNotFound = "RESOURCE_DOES_NOT_EXIST"
	codeExists   = "RESOURCE_ALREADY_EXISTS"
)

type keyValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// pairs are the entries of a map in the order of their keys.
func pairs(m map[string]string) []keyValue {
	out := make([]keyValue, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, keyValue{k, m[k]})
	}
	return out
}

// number is a metric's value, in the JSON of protocol buffers where it is not finite.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	switch v := float64(n); {
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	case math.IsInf(v, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(v)
	}
}

type metric struct {
	Key       string `json:"key"`
	Value     number `json:"value"`
	Timestamp int64  `json:"timestamp"` // milliseconds since 1970
	Step      int    `json:"step"`
}

// run is a run as MLflow describes it.
type run struct {
	Info struct {
		ID          string `json:"run_id"`
		Experiment  string `json:"experiment_id"`
		Status      string `json:"status"`
		ArtifactURI string `json:"artifact_uri"`
	} `json:"info"`
}

const statusFinished = "FINISHED"

// experiment returns the id of an experiment, which is made if absent.
func (c *Client) experiment(ctx context.Context, name string) (string, error) {
	for {
		var found struct {
			Experiment struct {
				ID    string `json:"experiment_id"`
				Stage string `json:"lifecycle_stage"`
			} `json:"experiment"`
		}
		err := c.get(ctx, "experiments/get-by-name", &found, "experiment_name", name)
		if err == nil && found.Experiment.Stage == "deleted" {
			return "", fmt.Errorf("the experiment %q was deleted in MLflow: restore it there (mlflow experiments restore --experiment-id %s)", name, found.Experiment.ID)
		}
		if err == nil || !hasCode(err, codeNotFound) {
			return found.Experiment.ID, err
		}
		var made struct {
			ID string `json:"experiment_id"`
		}
		// Sent again without harm: the name is the server's key.
		err = c.send(ctx, "experiments/create", map[string]any{
			"name": name, "tags": []keyValue{{"mlflow.experimentKind", "custom_model_development"}}, // else the pages are those for language models
		}, &made)
		if !hasCode(err, codeExists) { // else another one made it in between
			return made.ID, err
		}
	}
}

// findOrCreateRun returns the run of the experiment for a training, or makes it. It looks again before it repeats a creation whose answer was lost.
func (c *Client) findOrCreateRun(ctx context.Context, experiment string, t *Training) (run, error) {
	var r run
	err := c.try(ctx, func() error {
		var found struct {
			Runs []run `json:"runs"`
		}
		err := c.sendOnce(ctx, "runs/search", map[string]any{
			"experiment_ids": []string{experiment}, "max_results": 1, "filter": "tags.`" + RunTag + "` = '" + t.Run + "'",
		}, &found)
		if err != nil {
			return err
		}
		if len(found.Runs) > 0 {
			r = found.Runs[0]
			return nil
		}
		var made struct {
			Run run `json:"run"`
		}
		err = c.sendOnce(ctx, "runs/create", map[string]any{
			"experiment_id": experiment, "run_name": t.Version, "start_time": t.Started.UnixMilli(),
			"tags": []keyValue{{RunTag, t.Run}, {VersionTag, t.Version}, {"mlflow.note.content", t.Note}},
		}, &made)
		r = made.Run
		return err
	})
	if err == nil && r.Info.ID == "" {
		err = fmt.Errorf("MLflow: %s: a run without an id", c.base)
	}
	return r, err
}

// logBatch writes parameters and metrics to a run, as many requests as it takes.
// The same entries again change nothing.
func (c *Client) logBatch(ctx context.Context, runID string, params []keyValue, metrics []metric) error {
	for _, p := range params {
		if len(p.Value) > maxParamBytes {
			return fmt.Errorf("the parameter %s has %d bytes, and MLflow takes %d", p.Key, len(p.Value), maxParamBytes)
		}
	}
	for batch := range slices.Chunk(params, paramsPerBatch) {
		if err := c.send(ctx, "runs/log-batch", map[string]any{"run_id": runID, "params": batch}, nil); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(metrics, metricsPerBatch) {
		if err := c.send(ctx, "runs/log-batch", map[string]any{"run_id": runID, "metrics": batch}, nil); err != nil {
			return err
		}
	}
	return nil
}

// finish ends a run.
func (c *Client) finish(ctx context.Context, runID string, ended time.Time) error {
	return c.send(ctx, "runs/update", map[string]any{"run_id": runID, "status": statusFinished, "end_time": ended.UnixMilli()}, nil)
}

// putArtifact stores a file of a run through the server.
func (c *Client) putArtifact(ctx context.Context, r run, name string, body []byte) error {
	place, ok := strings.CutPrefix(r.Info.ArtifactURI, "mlflow-artifacts:")
	if !ok {
		return fmt.Errorf("MLflow keeps the artifacts of run %s at %s, where only its clients can write: start the server with --artifacts-destination", r.Info.ID, r.Info.ArtifactURI)
	}
	if u, err := url.Parse("mlflow-artifacts:" + place); err == nil && u.Host != "" {
		place = u.Path // mlflow-artifacts://host/path
	}
	var path strings.Builder
	path.WriteString("/api/2.0/mlflow-artifacts/artifacts")
	for segment := range strings.SplitSeq(strings.Trim(place, "/")+"/"+name, "/") {
		path.WriteString("/" + url.PathEscape(segment))
	}
	return c.try(ctx, func() error { return c.once(ctx, http.MethodPut, path.String(), body, nil) })
}

// metricsOf puts final and per-round metrics into one list. Timestamps come from
// the training and not from the clock, so that the same metric is the same entry.
func metricsOf(t *Training) []metric {
	at := t.Ended.UnixMilli()
	out := make([]metric, 0, len(t.Metrics))
	for _, k := range slices.Sorted(maps.Keys(t.Metrics)) {
		out = append(out, metric{Key: k, Value: number(t.Metrics[k]), Timestamp: at})
	}
	for _, k := range slices.Sorted(maps.Keys(t.Rounds)) {
		for i, v := range t.Rounds[k] {
			out = append(out, metric{Key: k, Value: number(v), Timestamp: at, Step: i + 1})
		}
	}
	slices.SortStableFunc(out, func(a, b metric) int { return cmp.Compare(a.Step, b.Step) })
	return out
}
