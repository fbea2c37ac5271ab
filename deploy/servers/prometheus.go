//go:build servers

package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// PrometheusServer is one Prometheus with an empty database.
type PrometheusServer struct {
	process
	URL string // http://127.0.0.1:port
}

// Prometheus starts a Prometheus that scrapes /metrics of the targets (host:port) each second as the job test. The
// rule files, paths, may be none.
func Prometheus(tb testing.TB, targets, ruleFiles []string) *PrometheusServer {
	tb.Helper()
	binary := installed(tb, "prometheus")
	dir := tb.TempDir()
	config := filepath.Join(dir, "prometheus.json")
	writePrometheus(tb, config, targets, ruleFiles)
	addr := localAddr(FreePort(tb))
	p := &PrometheusServer{URL: "http://" + addr}
	p.process = process{
		name:   "prometheus",
		within: time.Minute,
		ready:  func(ctx context.Context) error { return answers(ctx, p.URL+"/-/ready") },
		command: func() *exec.Cmd {
			return exec.Command(binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
				"--web.listen-address="+addr, "--log.level=warn")
		},
	}
	p.launch(tb)
	return p
}

// writePrometheus writes the settings as JSON, which YAML takes too.
func writePrometheus(tb testing.TB, file string, targets, ruleFiles []string) {
	tb.Helper()
	settings := map[string]any{
		"global":     map[string]any{"scrape_interval": "1s", "evaluation_interval": "1s"},
		"rule_files": ruleFiles,
		"scrape_configs": []any{map[string]any{
			"job_name":       "test",
			"static_configs": []any{map[string]any{"targets": targets}},
		}},
	}
	b, err := json.Marshal(settings)
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		tb.Fatalf("write Prometheus's settings: %v", err)
	}
}

// Sample is one series and its value at the time of a query.
type Sample struct {
	Labels map[string]string
	Value  string // as Prometheus prints it
}

// Query runs one PromQL query for now and gives its samples.
func (p *PrometheusServer) Query(ctx context.Context, query string) ([]Sample, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/api/v1/query?query="+url.QueryEscape(query), http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Error string `json:"error"`
		Data  struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
				Value  [2]any            `json:"value"` // time, value
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s: %s", query, answer.Error)
	}
	var samples []Sample
	for _, r := range answer.Data.Result {
		samples = append(samples, Sample{Labels: r.Metric, Value: fmt.Sprint(r.Value[1])})
	}
	return samples, nil
}

// Promtool runs Prometheus's checker (check rules FILE, test rules FILE, check config FILE) and fails the test if it
// finds a fault.
func Promtool(tb testing.TB, args ...string) {
	tb.Helper()
	if out, err := exec.CommandContext(tb.Context(), installed(tb, "promtool"), args...).CombinedOutput(); err != nil {
		tb.Fatalf("promtool %q: %v\n%s", args, err, out)
	}
}

// installed gives the path of a program of a Debian package, and fails the test with the make target that installs it.
func installed(tb testing.TB, program string) string {
	tb.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		tb.Fatalf("%v: run `make debian` as root", err)
	}
	return path
}
