package deploy

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// query is a PromQL expression and where it stands.
type query struct{ where, expr string }

// alerts are the rules that Prometheus loads.
func alerts(t *testing.T) (names []string, queries []query) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert       string            `yaml:"alert"`
				Expr        string            `yaml:"expr"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	readYAML(t, "prometheus/rules.yml", &file)
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			names = append(names, r.Alert)
			queries = append(queries, query{"alert " + r.Alert, r.Expr})
			if want := "deploy/RUNBOOK.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want {
				t.Errorf("alert %s: runbook %q, want %q", r.Alert, r.Annotations["runbook"], want)
			}
		}
	}
	return names, queries
}

// panels are the queries of the dashboard, its variables filled in.
func panels(t *testing.T) (queries []query) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string `json:"title"`
			Type    string `json:"type"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(read(t, "grafana/dashboards/complaints.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h")
	for _, p := range dashboard.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q has no query", p.Title)
		}
		for _, target := range p.Targets {
			queries = append(queries, query{"panel " + p.Title, variables.Replace(target.Expr)})
		}
	}
	return queries
}

// TestEachAlertIsTestedAndExplained holds rules, their tests and the runbook together.
func TestEachAlertIsTestedAndExplained(t *testing.T) {
	names, _ := alerts(t)
	rings, still := map[string]bool{}, map[string]bool{}
	for _, file := range []string{"prometheus/rules_test.yml", "prometheus/rules_slow_test.yml"} {
		var tests struct {
			Tests []struct {
				Checks []struct {
					Alert  string `yaml:"alertname"`
					Expect []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			} `yaml:"tests"`
		}
		readYAML(t, file, &tests)
		for _, c := range tests.Tests {
			for _, check := range c.Checks {
				if len(check.Expect) > 0 {
					rings[check.Alert] = true
				} else {
					still[check.Alert] = true
				}
			}
		}
	}
	runbook := string(read(t, "RUNBOOK.md"))
	for _, name := range names {
		if !rings[name] || !still[name] {
			t.Errorf("alert %s: a test in which it rings %v, in which it keeps still %v", name, rings[name], still[name])
		}
		entry, _, _ := strings.Cut(after(runbook, "### "+name+"\n"), "\n### ")
		if !strings.Contains(entry, "- Look at: ") || !strings.Contains(entry, "- Do: ") {
			t.Errorf("alert %s: the runbook must have an entry that says what to look at and what to do", name)
		}
	}
	for _, heading := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(runbook, -1) {
		if !slices.Contains(names, heading[1]) {
			t.Errorf("runbook entry %s is of no alert", heading[1])
		}
	}
	// The alarms on AWS point to the same entries.
	for _, alarm := range regexp.MustCompile(`Runbook, (\w+)\.`).FindAllStringSubmatch(string(read(t, "aws/services.yaml")), -1) {
		if !slices.Contains(names, alarm[1]) {
			t.Errorf("an alarm on AWS names the runbook entry %s, which is not there", alarm[1])
		}
	}
}

func after(s, separator string) string {
	_, rest, _ := strings.Cut(s, separator)
	return rest
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	if err := yaml.Unmarshal(read(t, path), into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
