//go:build servers

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"complaints/deploy/servers"
	"complaints/trainer/mlflow"

	"github.com/chromedp/chromedp"
)

// TestRunRecordsInMLflow trains while MLflow is away, records that later, trains again with it, and goes back.
func TestRunRecordsInMLflow(t *testing.T) {
	t.Parallel()
	w := newWeekly(t)
	train := append([]string{"run", "--lake", w.url, "--quiet", "--data", sampleFile}, anything...)
	_, err := runArgs(t, append(train, "--mlflow", "http://127.0.0.1:"+fmt.Sprint(servers.FreePort(t)))...)
	first, _ := w.champion()
	if err == nil || !first.Exists() || !strings.Contains(err.Error(), "promoted "+first.Version) || !strings.Contains(err.Error(), "trainer record --model "+first.Version) {
		t.Fatalf("without MLflow %q serves, and the error is %v", first.Version, err)
	}

	server := servers.MLflow(t)
	m := tracking{t, server.URL}
	for range 2 { // the second time changes nothing
		if _, err := runArgs(t, "record", "--lake", w.url, "--mlflow", server.URL); err != nil {
			t.Fatal(err)
		}
	}
	m.wantChampion(first.Version)
	if _, err := runArgs(t, append(train, "--seed", "2", "--mlflow", server.URL)...); err != nil {
		t.Fatal(err)
	}
	second, manifest := w.champion()
	m.wantChampion(second.Version)
	if _, err := runArgs(t, "rollback", "--lake", w.url, "--mlflow", server.URL); err != nil {
		t.Fatal(err)
	}
	m.wantChampion(first.Version)

	runs := m.runs()
	if len(runs) != 2 {
		t.Fatalf("MLflow has %d runs, want 2", len(runs))
	}
	later, live := runs[first.Version], runs[second.Version]
	if !slices.Equal(later.names(), live.names()) || len(later.Data.Metrics) < 40 || len(later.Data.Params) < 15 {
		t.Errorf("recorded later:\n%q\nat once:\n%q", later.names(), live.names())
	}
	for _, r := range runs {
		m.wantFiles(r, "confusion_matrix.png", "verdict.json")
		m.wantFiles(r, "bundle/model.txt", "bundle/features.bin", "bundle/manifest.json")
	}
	if got := live.metric("accuracy"); got != manifest.Metrics.Accuracy {
		t.Errorf("the accuracy is %v, want %v", got, manifest.Metrics.Accuracy)
	}
	if n := m.steps(live, "round_log_loss"); n < manifest.Training.Rounds {
		t.Errorf("%d rounds are there, want at least %d", n, manifest.Training.Rounds)
	}
	m.takePicture(live)
}

// tracking reads an MLflow server.
type tracking struct {
	t   *testing.T
	url string
}

type trackedRun struct {
	Info struct {
		ID         string `json:"run_id"`
		Experiment string `json:"experiment_id"`
		Status     string `json:"status"`
	} `json:"info"`
	Data struct {
		Metrics []struct {
			Key   string  `json:"key"`
			Value float64 `json:"value"`
		} `json:"metrics"`
		Params []trackedTag `json:"params"`
		Tags   []trackedTag `json:"tags"`
	} `json:"data"`
}

type trackedTag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (r *trackedRun) names() (names []string) {
	for _, m := range r.Data.Metrics {
		names = append(names, "metric "+m.Key)
	}
	for _, p := range r.Data.Params {
		names = append(names, "parameter "+p.Key)
	}
	slices.Sort(names)
	return names
}

func (r *trackedRun) metric(name string) float64 {
	for _, m := range r.Data.Metrics {
		if m.Key == name {
			return m.Value
		}
	}
	return -1
}

func (m tracking) ask(method, path, body string, out any) {
	m.t.Helper()
	request, err := http.NewRequest(method, m.url+"/api/2.0/mlflow/"+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil || resp.StatusCode != http.StatusOK {
		m.t.Fatalf("%s: status %d, %v", path, resp.StatusCode, err)
	}
}

// runs are those of the experiment, by the versions that they made.
func (m tracking) runs() map[string]trackedRun {
	m.t.Helper()
	var experiment struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		} `json:"experiment"`
	}
	m.ask(http.MethodGet, "experiments/get-by-name?experiment_name="+mlflow.Experiment, "", &experiment)
	var found struct {
		Runs []trackedRun `json:"runs"`
	}
	m.ask(http.MethodPost, "runs/search", fmt.Sprintf(`{"experiment_ids": [%q]}`, experiment.Experiment.ID), &found)
	runs := map[string]trackedRun{}
	for _, r := range found.Runs {
		if r.Info.Status != "FINISHED" {
			m.t.Errorf("run %s is %s", r.Info.ID, r.Info.Status)
		}
		for _, tag := range r.Data.Tags {
			if tag.Key == mlflow.VersionTag {
				runs[tag.Value] = r
			}
		}
	}
	return runs
}

func (m tracking) wantChampion(version string) {
	m.t.Helper()
	var got struct {
		Version struct {
			Tags []trackedTag `json:"tags"`
		} `json:"model_version"`
	}
	m.ask(http.MethodGet, "registered-models/alias?name="+mlflow.Model+"&alias="+mlflow.Champion, "", &got)
	for _, want := range []trackedTag{{mlflow.VersionTag, version}, {mlflow.Validation, "approved"}} {
		if !slices.Contains(got.Version.Tags, want) {
			m.t.Errorf("the champion has the tags %v, want %v", got.Version.Tags, want)
		}
	}
}

func (m tracking) wantFiles(r trackedRun, names ...string) {
	m.t.Helper()
	for _, name := range names {
		var list struct {
			Files []struct {
				Path string `json:"path"`
				Size int64  `json:"file_size"`
			} `json:"files"`
		}
		folder, _, _ := strings.Cut(name, "/")
		if folder == name {
			folder = ""
		}
		m.ask(http.MethodGet, "artifacts/list?run_id="+r.Info.ID+"&path="+url.QueryEscape(folder), "", &list)
		if !slices.ContainsFunc(list.Files, func(f struct {
			Path string `json:"path"`
			Size int64  `json:"file_size"`
		},
		) bool {
			return f.Path == name && f.Size > 100
		}) {
			m.t.Errorf("run %s has no %s: %+v", r.Info.ID, name, list.Files)
		}
	}
}

func (m tracking) steps(r trackedRun, metric string) int {
	m.t.Helper()
	var history struct {
		Metrics []struct{} `json:"metrics"`
	}
	m.ask(http.MethodGet, "metrics/get-history?max_results=5000&run_id="+r.Info.ID+"&metric_key="+metric, "", &history)
	return len(history.Metrics)
}

// takePicture keeps what the page of a run shows.
func (m tracking) takePicture(r trackedRun) {
	m.t.Helper()
	ctx := browser(m.t, 1280, "light")
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 1350, chromedp.EmulateScale(1)),
		chromedp.Navigate(m.url+"/#/experiments/"+r.Info.Experiment+"/runs/"+r.Info.ID),
		chromedp.Poll[chromedp.Void](`document.body.innerText.includes("macro_f1")`, chromedp.WithPollingTimeout(time.Minute)),
		chromedp.Sleep(2*time.Second), // it goes on drawing
	); err != nil {
		m.t.Fatal(err)
	}
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		m.t.Fatal(err)
	}
	servers.Artifact(m.t, "mlflow-run.png", picture)
}
