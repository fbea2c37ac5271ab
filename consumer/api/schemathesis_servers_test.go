//go:build servers

package api

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"complaints/deploy/servers"
	"complaints/schema"
)

// taken takes all labels.
type taken struct{}

func (taken) Publish(context.Context, []schema.Label) error { return nil }

// What the description promises holds for requests made from it, good and bad.
func TestSchemathesis(t *testing.T) {
	// No schema can say that fewer texts are explained than classified.
	url, _ := serve(t, newAPI(t, func(c *Config) { c.Limits.Explained, c.Labels = Limits{}.withDefaults().Texts, taken{} }))
	config, err := filepath.Abs("testdata/schemathesis.toml")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, servers.Schemathesis(t), "--config-file", config, "run", url+routeOpenAPI,
		"--max-examples", "50", "--seed", "1")
	cmd.Dir = t.TempDir() // it keeps notes of its own
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
