//go:build servers

package lake_test

import (
	"testing"

	"complaints/deploy/servers"
	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
)

func TestS3(t *testing.T) {
	server := servers.VersityGW(t)
	t.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	for _, prefix := range []string{"", "/some/prefix"} {
		t.Run("prefix "+prefix, func(t *testing.T) {
			laketest.Accept(t, func(t testing.TB) lake.Store {
				s, err := lake.Open(t.Context(), lake.Config{URL: "s3://" + server.Bucket + prefix, S3Endpoint: server.URL})
				if err != nil {
					t.Fatal(err)
				}
				return s
			})
		})
	}
}
