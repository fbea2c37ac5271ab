package mlflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is as much of MLflow as Record needs, with faults. The real one is asked in record_servers_test.go.
type fake struct {
	fault func(path string, n int) fault // n counts the requests of a path from 1; nil is none

	mu        sync.Mutex // guards all below
	requests  []string   // methods and paths
	seen      map[string]int
	auth      string
	runs      []*fakeRun
	versions  []map[string]string
	alias     string
	artifacts map[string]int // bytes
}

type fakeRun struct {
	id, name, status string
	params           map[string]string
	metrics          map[string]int // by key, step and value: how often they came
	batches          [][2]int       // metrics and parameters of each log-batch
}

// fault is an answer instead of the right one.
type fault struct {
	status int // 0 is none
	body   string
	done   bool // although the request was done
}

const unavailable = `{"error_code": "TEMPORARILY_UNAVAILABLE", "message": "the database is locked"}`

func newFake(t *testing.T, fault func(path string, n int) fault) (*fake, *Client) {
	t.Helper()
	f := &fake{fault: fault, seen: map[string]int{}, artifacts: map[string]int{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	c, err := New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.pause = time.Millisecond
	return f, c
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, api)
	f.seen[path]++
	f.requests = append(f.requests, r.Method+" "+path)
	f.auth = r.Header.Get("Authorization")
	body, _ := io.ReadAll(r.Body)
	var planned fault
	if f.fault != nil {
		planned = f.fault(path, f.seen[path])
	}
	if planned.status != 0 && !planned.done {
		w.WriteHeader(planned.status)
		_, _ = io.WriteString(w, planned.body)
		return
	}
	status, answer := f.answer(path, r, body)
	if planned.status != 0 {
		status, answer = planned.status, planned.body
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func (f *fake) answer(path string, r *http.Request, body []byte) (int, string) {
	if name, ok := strings.CutPrefix(path, "/api/2.0/mlflow-artifacts/artifacts/7/"); ok && r.Method == http.MethodPut {
		f.artifacts[name] = len(body)
		return 200, "{}"
	}
	var in struct {
		RunID   string     `json:"run_id"`
		Filter  string     `json:"filter"`
		Status  string     `json:"status"`
		Tags    []keyValue `json:"tags"`
		Key     string     `json:"key"`
		Value   string     `json:"value"`
		Version string     `json:"version"`
		Params  []keyValue `json:"params"`
		Metrics []struct {
			Key   string `json:"key"`
			Value any    `json:"value"`
			Step  int    `json:"step"`
		} `json:"metrics"`
	}
	if len(body) > 0 && json.Unmarshal(body, &in) != nil {
		return 400, `{"error_code": "BAD_REQUEST", "message": "no JSON"}`
	}
	switch path {
	case "experiments/get-by-name":
		return 200, `{"experiment": {"experiment_id": "7", "lifecycle_stage": "active"}}`
	case "runs/search":
		for _, r := range f.runs {
			if strings.Contains(in.Filter, RunTag) && strings.Contains(in.Filter, "'"+r.name+"'") {
				return 200, fmt.Sprintf(`{"runs": [%s]}`, r.describe())
			}
		}
		return 200, "{}"
	case "runs/create":
		r := &fakeRun{id: fmt.Sprintf("run%d", len(f.runs)), name: in.Tags[0].Value, status: "RUNNING", params: map[string]string{}, metrics: map[string]int{}}
		f.runs = append(f.runs, r)
		return 200, fmt.Sprintf(`{"run": %s}`, r.describe())
	case "runs/log-batch":
		r := f.run(in.RunID)
		for _, p := range in.Params {
			r.params[p.Key] = p.Value
		}
		for _, m := range in.Metrics {
			r.metrics[fmt.Sprint(m.Key, " ", m.Step, " ", m.Value)]++
		}
		r.batches = append(r.batches, [2]int{len(in.Metrics), len(in.Params)})
		return 200, "{}"
	case "runs/update":
		f.run(in.RunID).status = in.Status
		return 200, "{}"
	case "registered-models/create":
		return 400, `{"error_code": "RESOURCE_ALREADY_EXISTS", "message": "it exists"}`
	case "model-versions/search":
		for i, v := range f.versions {
			if strings.Contains(r.URL.Query().Get("filter"), "'"+v[VersionTag]+"'") {
				return 200, fmt.Sprintf(`{"model_versions": [{"version": "%d", "run_id": %q}]}`, i+1, v["run_id"])
			}
		}
		return 200, "{}"
	case "model-versions/create":
		f.versions = append(f.versions, map[string]string{"run_id": in.RunID, in.Tags[0].Key: in.Tags[0].Value})
		return 200, fmt.Sprintf(`{"model_version": {"version": "%d", "run_id": %q}}`, len(f.versions), in.RunID)
	case "model-versions/set-tag":
		f.versions[0][in.Key] = in.Value
		return 200, "{}"
	case "registered-models/alias":
		f.alias = in.Version
		return 200, "{}"
	}
	return 404, `{"error_code": "ENDPOINT_NOT_FOUND", "message": "no such endpoint"}`
}

func (f *fake) run(id string) *fakeRun {
	for _, r := range f.runs {
		if r.id == id {
			return r
		}
	}
	return &fakeRun{}
}

func (r *fakeRun) describe() string {
	return fmt.Sprintf(`{"info": {"run_id": %q, "status": %q, "experiment_id": "7", "artifact_uri": "mlflow-artifacts:/7/%s/artifacts"}}`, r.id, r.status, r.id)
}

// errCut is what a cutter gives.
var errCut = errors.New("the connection was cut")

// cutter breaks requests of a method to a path.
type cutter struct {
	next         http.RoundTripper
	method, path string
}

func (c *cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == c.method && strings.HasSuffix(r.URL.Path, c.path) {
		return nil, errCut
	}
	return c.next.RoundTrip(r)
}

// training has more of everything than fits into one batch.
func training(version string) Training {
	t := Training{
		Run: "of " + version, Version: version, Started: time.UnixMilli(1_790_000_000_000), Ended: time.UnixMilli(1_790_000_090_000), Status: "approved", Serves: true,
		Params:    map[string]string{"recipe": "scores", "seed": "1", "data": "s3://lake/silver and more"},
		Metrics:   map[string]float64{"accuracy": 0.872, "recall/loans": 0.5, "undefined": math.NaN()},
		Rounds:    map[string][]float64{"rounds/log_loss": nil},
		Artifacts: map[string][]byte{"metrics.json": []byte("{}\n"), "confusion_matrix.png": {0x89, 'P', 'N', 'G', 0}, BundleFolder + "/model.txt": []byte(strings.Repeat("tree\n", 600_000))},
	}
	for i := range 150 {
		t.Params[fmt.Sprintf("parameter_%03d", i)] = fmt.Sprint(i)
	}
	for i := range 1100 {
		t.Rounds["rounds/log_loss"] = append(t.Rounds["rounds/log_loss"], 1/float64(i+1))
	}
	return t
}
