package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"complaints/internal/lake"
	"complaints/schema"
	"complaints/trainer/mlflow"
)

// mlflowThat is a server in the place of MLflow that answers everything alike.
func mlflowThat(t *testing.T, status int, answer string) *mlflow.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	client, err := mlflow.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// What MLflow does not take is in the lake, and the error says how it gets into MLflow.
func TestRefusingMLflowLosesNothing(t *testing.T) {
	store := newStore(t)
	client := mlflowThat(t, http.StatusForbidden, "Invalid Host header")
	r := recorders{list: []Recorder{newLakeRecorder(store), newMLflowRecorder(client, "s3://lake/here", t.Logf)}}
	ctx := t.Context()
	r.do(func(one Recorder) error { return aRun(ctx, one, RunEnd{Version: "v1", Outcome: Promoted}) })
	v := verdict{Outcome: Promoted, Version: "v1"}
	err := v.status(r.failed)
	for _, w := range []string{"promoted v1", "is published", "403", "Invalid Host header", "trainer record --model v1 --lake s3://lake/here --mlflow " + client.Address()} {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("the error %v does not say %q", err, w)
		}
	}
	if runs, err := endedRuns(ctx, store, "v1"); err != nil || len(runs) != 1 {
		t.Errorf("the lake has the trainings %v, error %v", runs, err)
	}
}

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
func TestReplayedTrainingIsTheSame(t *testing.T) {
	store := newStore(t)
	var live, replayed told
	end := RunEnd{Version: "v1", Outcome: Kept, Why: "worse", Champion: "v0", At: runStart.At.Add(time.Minute)}
	r := recorders{list: []Recorder{newLakeRecorder(store), &live}}
	r.do(func(one Recorder) error { return aRun(t.Context(), one, end) })
	if err := store.PutNew(t.Context(), schema.ModelPrefix("v1")+"model.txt", []byte("trees"), nil); err != nil {
		t.Fatal(err)
	}
	// A training that died left files, and no end.
	if err := store.PutNew(t.Context(), schema.RunPrefix("v1", runStart.At.Add(time.Hour))+"params.json", []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	runs, err := endedRuns(t.Context(), store, "v1")
	if err != nil || len(runs) != 1 {
		t.Fatalf("the trainings are %v, error %v", runs, err)
	}
	ended, err := replayRun(t.Context(), store, &replayed, "v1", runs[0])
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

func TestRecordSaysWhatIsMissing(t *testing.T) {
	url := "file://" + t.TempDir()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no server":   {nil, "--mlflow"},
		"no address":  {[]string{"--mlflow", "nowhere"}, "--mlflow: the MLflow address"},
		"no model":    {[]string{"--mlflow", "http://127.0.0.1:1"}, "no model was published"},
		"no training": {[]string{"--mlflow", "http://127.0.0.1:1", "--model", "v7"}, "runs/complaints/v7/"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := runArgs(t, append([]string{"record", "--lake", url}, test.args...)...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not say %q", err, test.want)
			}
		})
	}
	store, err := lake.Open(t.Context(), lake.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.PutNew(t.Context(), schema.RunsPrefix("v7")+"yesterday/run.json", []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := endedRuns(t.Context(), store, "v7"); err == nil || !strings.Contains(err.Error(), "yesterday") {
		t.Errorf("a folder that is no moment gives %v", err)
	}
}
