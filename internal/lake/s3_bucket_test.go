//go:build bucket

package lake_test

import (
	"os"
	"testing"

	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
)

// TestBucket asks a real bucket for what the stores promise: make test-bucket.
// The credentials come as always with AWS.
func TestBucket(t *testing.T) {
	url := os.Getenv("COMPLAINTS_TEST_LAKE")
	if url == "" {
		t.Fatal("COMPLAINTS_TEST_LAKE is not set: give an empty s3://bucket/prefix")
	}
	laketest.Accept(t, func(t testing.TB) lake.Store {
		s, err := lake.Open(t.Context(), lake.Config{
			URL: url, S3Endpoint: os.Getenv("COMPLAINTS_S3_ENDPOINT"), S3Region: os.Getenv("COMPLAINTS_S3_REGION"),
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
