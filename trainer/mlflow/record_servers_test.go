//go:build servers

package mlflow

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"

	"complaints/deploy/servers"
)

// Everything that Record writes is read back through REST, and a second call changes nothing.
func TestRecordOnMLflow(t *testing.T) { //nolint:tparallel // its parts follow one another
	t.Parallel()
	server := servers.MLflow(t)
	c, err := New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	want := training("a1b2c3d4e5f60718")
	c.http.Transport = &cutter{next: http.DefaultTransport, method: http.MethodPost, path: api + "runs/update"}
	c.attempts = 1
	if _, err := c.Record(t.Context(), want); !errors.Is(err, errCut) {
		t.Fatalf("a cut connection is told as %v", err)
	}
	c.http.Transport, c.attempts = nil, attempts
	first, err := c.Record(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	for _, again := range []string{"once", "recorded again"} {
		t.Run(again, func(t *testing.T) { readBack(t, c, first, want) })
		got, err := c.Record(t.Context(), want)
		if err != nil || got != first {
			t.Fatalf("recorded again as %+v, want %+v; error %v", got, first, err)
		}
	}

	kept := training("ffffffffffffffff")
	kept.Status, kept.Serves = "rejected", false
	second, err := c.Record(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	if second.ModelVersion == first.ModelVersion || second.RunID == first.RunID {
		t.Errorf("two trainings are %+v and %+v", first, second)
	}
	if got := championOf(t, c); got != first.ModelVersion {
		t.Errorf("the champion is version %s after a model was kept back, want %s", got, first.ModelVersion)
	}
	again := kept
	again.Run, again.Status, again.Serves = "a second training", "approved", true
	third, err := c.Record(t.Context(), again)
	if err != nil || third.ModelVersion != second.ModelVersion || third.RunID == second.RunID || championOf(t, c) != second.ModelVersion {
		t.Errorf("the same bundle of another training is %+v, the champion %s, error %v", third, championOf(t, c), err)
	}
}

func championOf(t *testing.T, c *Client) string {
	t.Helper()
	var out struct {
		Version modelVersion `json:"model_version"`
	}
	if err := c.get(t.Context(), "registered-models/alias", &out, "name", Model, "alias", Champion); err != nil {
		t.Fatal(err)
	}
	return out.Version.Version
}

func readBack(t *testing.T, c *Client, done Recorded, want Training) {
	var got struct {
		Run struct {
			Info struct {
				Status     string `json:"status"`
				Experiment string `json:"experiment_id"`
				Start      int64  `json:"start_time"`
				End        int64  `json:"end_time"`
			} `json:"info"`
			Data struct {
				Params  []keyValue `json:"params"`
				Metrics []struct {
					Key   string `json:"key"`
					Value any    `json:"value"`
				} `json:"metrics"`
			} `json:"data"`
		} `json:"run"`
	}
	if err := c.get(t.Context(), "runs/get", &got, "run_id", done.RunID); err != nil {
		t.Fatal(err)
	}
	if i := got.Run.Info; i.Status != "FINISHED" || i.Start != want.Started.UnixMilli() || i.End != want.Ended.UnixMilli() {
		t.Errorf("the run is %+v", i)
	}
	if n := len(got.Run.Data.Params); n != len(want.Params) {
		t.Errorf("%d parameters, want %d", n, len(want.Params))
	}
	for _, p := range got.Run.Data.Params {
		if want.Params[p.Key] != p.Value {
			t.Errorf("parameter %s is %q, want %q", p.Key, p.Value, want.Params[p.Key])
		}
	}
	last := map[string]any{}
	for _, m := range got.Run.Data.Metrics {
		last[m.Key] = m.Value
	}
	if last["accuracy"] != 0.872 || last["recall/loans"] != 0.5 || last["undefined"] != "NaN" || len(last) != 4 {
		t.Errorf("the metrics are %v", last)
	}
	readHistory(t, c, done, want.Rounds["rounds/log_loss"])
	for name, body := range want.Artifacts {
		if stored := artifact(t, c, got.Run.Info.Experiment, done.RunID, name); !bytes.Equal(stored, body) {
			t.Errorf("artifact %s has %d bytes, want %d", name, len(stored), len(body))
		}
	}
	var version struct {
		Version struct {
			RunID  string     `json:"run_id"`
			Source string     `json:"source"`
			Status string     `json:"status"`
			Tags   []keyValue `json:"tags"`
		} `json:"model_version"`
	}
	if err := c.get(t.Context(), "model-versions/get", &version, "name", Model, "version", done.ModelVersion); err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{}
	for _, k := range version.Version.Tags {
		tags[k.Key] = k.Value
	}
	if v := version.Version; v.RunID != done.RunID || v.Status != "READY" || tags[Validation] != want.Status || tags[VersionTag] != want.Version {
		t.Errorf("the model's version is %+v", v)
	}
	if got := championOf(t, c); got != done.ModelVersion {
		t.Errorf("the champion is version %s, want %s", got, done.ModelVersion)
	}
	var experiment struct {
		Experiment struct {
			Name string     `json:"name"`
			Tags []keyValue `json:"tags"`
		} `json:"experiment"`
	}
	if err := c.get(t.Context(), "experiments/get", &experiment, "experiment_id", got.Run.Info.Experiment); err != nil || experiment.Experiment.Name != Experiment || len(experiment.Experiment.Tags) != 1 {
		t.Errorf("the experiment is %+v, error %v", experiment, err)
	}
}

// readHistory wants every round once.
func readHistory(t *testing.T, c *Client, done Recorded, want []float64) {
	t.Helper()
	var history struct {
		Metrics []struct {
			Value float64 `json:"value"`
			Step  int     `json:"step"`
		} `json:"metrics"`
	}
	if err := c.get(t.Context(), "metrics/get-history", &history, "run_id", done.RunID, "metric_key", "rounds/log_loss", "max_results", "5000"); err != nil {
		t.Fatal(err)
	}
	if len(history.Metrics) != len(want) {
		t.Errorf("%d rounds, want %d", len(history.Metrics), len(want))
	}
	for i, m := range history.Metrics {
		if m.Step != i+1 || m.Value != want[i] {
			t.Fatalf("entry %d is %v at step %d, want %v", i, m.Value, m.Step, want[i])
		}
	}
}

func artifact(t *testing.T, c *Client, experiment, runID, name string) []byte {
	t.Helper()
	resp, err := http.Get(c.base + "/api/2.0/mlflow-artifacts/artifacts/" + experiment + "/" + runID + "/artifacts/" + (&url.URL{Path: name}).EscapedPath())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("artifact %s: status %d, error %v", name, resp.StatusCode, err)
	}
	return body
}
