//go:build servers

package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"complaints/deploy/servers"

	"go.yaml.in/yaml/v3"
)

// TestPrometheusScrapesARunningSystem runs the system and a Prometheus with the rules of this folder beside it. Every
// metric that an alert or a panel of the dashboard names must be one that the system exports.
func TestPrometheusScrapesARunningSystem(t *testing.T) {
	t.Parallel()
	kafka, s3 := servers.Kafka(t), servers.VersityGW(t)
	stream, api := freeAddr(t), freeAddr(t)
	env := append(s3.Env(), "COMPLAINTS_BROKERS="+kafka.Brokers[0], "COMPLAINTS_LAKE=s3://"+s3.Bucket, "COMPLAINTS_PARTITIONS=2")
	background(t, "consumer", append(env, "COMPLAINTS_HTTP_ADDR="+stream, "COMPLAINTS_IDLE_FLUSH=1s"), program(t, "consumer"), "--allow-bootstrap")
	background(t, "api", append(env, "COMPLAINTS_HTTP_ADDR="+api), program(t, "consumer"), "--roles", "api")
	waitFor(t, "the consumer", func() error { return get(t.Context(), "http://"+stream+"/readyz") })
	waitFor(t, "the api", func() error { return get(t.Context(), "http://"+api+"/readyz") })

	prom := startPrometheus(t, map[string]string{"consumer": stream, "api": api})
	waitFor(t, "both targets to be up", func() error { return prom.wants("sum(up)", "2") })
	foreground(t, env, program(t, "producer"), "--sample", "--limit", "300")
	resp, err := http.Post("http://"+api+"/v1/predict", "application/json", body(`{"text": ["The bank closed my account."]}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	waitFor(t, "Prometheus to see 300 complaints", func() error { return prom.wants("sum(complaints_classified_total)", "300") })
	waitFor(t, "all of them to be in gold", func() error { return prom.wants(`complaints_lake_rows_total{layer="gold"}`, "300") })

	for _, addr := range []string{stream, api} {
		namesFollowTheConventions(t, addr)
	}
	exported := prom.metricNames(t)
	_, rules := alerts(t)
	for _, q := range append(rules, panels(t)...) {
		for _, name := range metricName.FindAllString(q.expr, -1) {
			if !exported[name] {
				t.Errorf("%s asks for %s, which the system does not export", q.where, name)
			}
		}
	}
	for _, q := range panels(t) {
		// The built-in model has no date.
		if n := prom.count(t, q.expr); n == 0 && q.where != "panel Age of the model" {
			t.Errorf("%s shows nothing: %s", q.where, q.expr)
		}
	}
	if n := prom.count(t, `ALERTS{alertstate="firing"}`); n != 0 {
		t.Errorf("%d alerts ring on a healthy system", n)
	}
}

// namesFollowTheConventions asks promtool, which looks at names, units and help of all that a process exports.
func namesFollowTheConventions(t *testing.T, addr string) {
	t.Helper()
	resp, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	cmd := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	cmd.Stdin = resp.Body
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("metrics of %s: %v\n%s", addr, err, out)
	}
}

var metricName = regexp.MustCompile(`\b(?:complaints|process|go)_[a-z0-9_]+`)

func freeAddr(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", servers.FreePort(t)) }

type prometheusServer struct{ url string }

// startPrometheus runs Prometheus with this folder's settings; only the targets and the pace are the test's.
func startPrometheus(t *testing.T, targets map[string]string) prometheusServer {
	t.Helper()
	var config map[string]any
	readYAML(t, "prometheus/prometheus.yml", &config)
	rules, err := filepath.Abs("prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	config["global"] = map[string]any{"scrape_interval": "1s", "evaluation_interval": "1s"}
	config["rule_files"] = []string{rules}
	for _, job := range config["scrape_configs"].([]any) {
		job := job.(map[string]any)
		target, ok := targets[job["job_name"].(string)]
		if !ok {
			t.Fatalf("the job %v has no target in this test", job["job_name"])
		}
		delete(job, "dns_sd_configs")
		job["static_configs"] = []any{map[string]any{"targets": []string{target}}}
	}
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	b, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	background(t, "prometheus", nil, "prometheus", "--config.file", file, "--storage.tsdb.path", t.TempDir(), "--web.listen-address", addr)
	p := prometheusServer{"http://" + addr}
	waitFor(t, "Prometheus", func() error { return get(t.Context(), p.url+"/-/ready") })
	return p
}

func (p prometheusServer) ask(path string, parameters url.Values, into any) error {
	resp, err := http.Get(p.url + path + "?" + parameters.Encode())
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer := struct {
		Status string `json:"status"`
		Error  string `json:"error"`
		Data   any    `json:"data"`
	}{Data: into}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return errors.New(answer.Error)
	}
	return nil
}

type sample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

func (p prometheusServer) query(expr string) ([]sample, error) {
	var data struct {
		Result []sample `json:"result"`
	}
	err := p.ask("/api/v1/query", url.Values{"query": {expr}}, &data)
	return data.Result, err
}

// wants is nil if the expression gives one sample of that value.
func (p prometheusServer) wants(expr, value string) error {
	result, err := p.query(expr)
	if err != nil {
		return err
	}
	if len(result) != 1 || result[0].Value[1] != value {
		return fmt.Errorf("%s is %v, want %s", expr, result, value)
	}
	return nil
}

func (p prometheusServer) count(t *testing.T, expr string) int {
	t.Helper()
	result, err := p.query(expr)
	if err != nil {
		t.Errorf("%s: %v", expr, err)
	}
	return len(result)
}

func (p prometheusServer) metricNames(t *testing.T) map[string]bool {
	t.Helper()
	var names []string
	if err := p.ask("/api/v1/label/__name__/values", nil, &names); err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{}
	for _, n := range names {
		set[n] = true
	}
	return set
}
