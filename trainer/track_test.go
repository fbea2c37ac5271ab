package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/internal/registry"
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
func TestRecordersKeepInTheLakeWhatMLflowRefuses(t *testing.T) {
	store := laketest.Open(t)
	client := mlflowThat(t, http.StatusForbidden, "Invalid Host header")
	r := registry.Recorders{List: []registry.Recorder{registry.NewLakeRecorder(store), newMLflowRecorder(client, "s3://lake/here", t.Logf)}}
	ctx := t.Context()
	r.Do(func(one registry.Recorder) error {
		return errors.Join(one.Start(ctx, registry.RunStart{At: time.Now()}), one.End(ctx, registry.RunEnd{Version: "v1", Outcome: registry.Promoted}))
	})
	v := verdict{Outcome: registry.Promoted, Version: "v1"}
	err := v.status(r.Failed)
	for _, w := range []string{"promoted v1", "is published", "403", "Invalid Host header", "trainer record --model v1 --lake s3://lake/here --mlflow " + client.Address()} {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("the error %v does not say %q", err, w)
		}
	}
	if runs, err := registry.EndedRuns(ctx, store, "v1"); err != nil || len(runs) != 1 {
		t.Errorf("the lake has the trainings %v, error %v", runs, err)
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
	if _, err := registry.EndedRuns(t.Context(), store, "v7"); err == nil || !strings.Contains(err.Error(), "yesterday") {
		t.Errorf("a folder that is no moment gives %v", err)
	}
}
