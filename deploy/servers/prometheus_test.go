//go:build servers

package servers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPrometheusScrapesAndEvaluates(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(rules, []byte("groups: [{name: g, rules: [{record: doubled, expr: 2 * letters_total}]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	Promtool(t, "check", "rules", rules)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, "letters_total 21")
	}))
	t.Cleanup(target.Close)
	p := Prometheus(t, []string{strings.TrimPrefix(target.URL, "http://")}, []string{rules})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		samples, err := p.Query(t.Context(), "doubled")
		if err == nil && len(samples) == 1 && samples[0].Value == "42" && samples[0].Labels["job"] == "test" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the rule gives %v, %v; want one sample of 42 of the job test", samples, err)
		}
	}
	if _, err := p.Query(t.Context(), "sum("); err == nil {
		t.Error("a query that is none gives no error")
	}
}
