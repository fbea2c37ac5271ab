//go:build servers

package verify_test

import (
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"complaints/deploy/servers"
	"complaints/internal/lake"
)

func TestErasingInS3(t *testing.T) {
	server := servers.VersityGW(t)
	t.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	e := newEnvironment(t)
	var err error
	if e.store, err = lake.Open(t.Context(), lake.Config{URL: "s3://" + server.Bucket, S3Endpoint: server.URL}); err != nil {
		t.Fatal(err)
	}
	e.dir = filepath.Join(server.Dir, server.Bucket)
	e.erasing()

	// The metadata of the objects that were replaced are as the sink gave them.
	api := s3.New(s3.Options{
		BaseEndpoint: &server.URL, UsePathStyle: true, Region: server.Region,
		Credentials: credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, ""),
	})
	infos, err := e.store.List(t.Context(), "gold/", "", 1000)
	if err != nil || len(infos) == 0 {
		t.Fatal(infos, err)
	}
	for _, info := range infos {
		head, err := api.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &server.Bucket, Key: aws.String(info.Key)})
		if err != nil || head.Metadata["rows"] == "" || head.Metadata["link"] == "" {
			t.Errorf("%s: metadata %v, %v", info.Key, head, err)
		}
	}
}
