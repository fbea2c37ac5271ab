//go:build servers

package servers

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// S3Server is an S3 gateway (versitygw) over a temporary directory. Stop, Kill, Pause, Continue and Start act on it.
type S3Server struct {
	process
	URL       string // http://127.0.0.1:port
	Region    string
	AccessKey string
	SecretKey string
	Bucket    string // there and empty at the start
	Dir       string // holds a directory for each bucket, with its objects as files
}

// VersityGW starts an S3 gateway with one empty bucket.
func VersityGW(tb testing.TB) *S3Server {
	tb.Helper()
	binary := cached(tb, "versitygw", "bin/versitygw")
	addr := localAddr(FreePort(tb))
	s := &S3Server{
		URL:       "http://" + addr,
		Region:    "us-east-1",
		AccessKey: "complaints",
		SecretKey: "complaints-secret",
		Bucket:    "lake",
		Dir:       filepath.Join(tb.TempDir(), "buckets"),
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		tb.Fatalf("make the directory of buckets: %v", err)
	}
	s.process = process{
		name:   "versitygw",
		within: 30 * time.Second,
		ready:  func(ctx context.Context) error { return answers(ctx, s.URL+"/ready") },
		command: func() *exec.Cmd {
			// S3 keeps connections open and the gateway by default does not: without this, a test measures handshakes.
			cmd := exec.Command(binary, "--port", addr, "--region", s.Region, "--keep-alive", "--health", "/ready", "posix", s.Dir)
			cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKey, "ROOT_SECRET_KEY="+s.SecretKey)
			return cmd
		},
	}
	s.launch(tb)
	s.CreateBucket(tb, s.Bucket)
	return s
}

// Client is an S3 client of the server, for tests that look at the bucket past the code they test.
func (s *S3Server) Client() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.URL),
		Region:       s.Region,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
		UsePathStyle: true,
	})
}

// Env are the variables by which AWS's libraries and tools, and so the programs of this module, find the server.
func (s *S3Server) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL_S3=" + s.URL,
		"AWS_REGION=" + s.Region,
		"AWS_ACCESS_KEY_ID=" + s.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
	}
}

// CreateBucket creates a further bucket.
func (s *S3Server) CreateBucket(tb testing.TB, name string) {
	tb.Helper()
	if _, err := s.Client().CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		tb.Fatalf("create bucket %s: %v", name, err)
	}
}

// answers is nil if a GET of the address gives 200.
func answers(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}
