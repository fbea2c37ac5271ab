//go:build servers

package sink

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"complaints/deploy/servers"
	"complaints/internal/lake"
)

// TestFindAmong100000Claims measures what a resume costs in a directory and in an
// S3 gateway with 100,000 claims of one partition.
func TestFindAmong100000Claims(t *testing.T) {
	const claims = 100_000
	gateway := servers.VersityGW(t)
	t.Setenv("AWS_ACCESS_KEY_ID", gateway.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", gateway.SecretKey)
	dir := filepath.Join(gateway.Dir, gateway.Bucket)
	c, memory, _, end := chainOf(t, claims)
	for i, key := range memory.keys {
		path := filepath.Join(dir, filepath.FromSlash(key))
		if i == 0 {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, memory.bodies[key], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, url := range map[string]string{"directory": "file://" + dir, "S3 gateway": "s3://" + gateway.Bucket} {
		store, err := lake.Open(t.Context(), lake.Config{URL: url, S3Endpoint: gateway.URL})
		if err != nil {
			t.Fatal(err)
		}
		for what, committed := range map[string]int64{"with the offset commit": end, "without": -1} {
			began := time.Now()
			counted := &countedStore{Store: store}
			c.store = counted
			l, err := c.find(t.Context(), committed, end)
			if err != nil || l.Next != end {
				t.Fatalf("%s %s: %+v, %v", name, what, l, err)
			}
			t.Logf("%s, %s: %s, %d requests", name, what, time.Since(began).Round(time.Millisecond), counted.requests)
		}
	}
}

// countedStore counts the requests of a resume.
type countedStore struct {
	lake.Store
	requests int
}

func (s *countedStore) List(ctx context.Context, prefix, after string, limit int) ([]lake.Info, error) {
	s.requests++
	return s.Store.List(ctx, prefix, after, limit)
}

func (s *countedStore) Get(ctx context.Context, key string) ([]byte, string, error) {
	s.requests++
	return s.Store.Get(ctx, key)
}
