//go:build servers

package servers

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestVersityGWKeepsTheFirstOfTwoThroughAKill(t *testing.T) {
	s := VersityGW(t)
	put := func(body string) error {
		_, err := s.Client().PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &s.Bucket, Key: aws.String("a/b"), IfNoneMatch: aws.String("*"), Body: strings.NewReader(body),
		})
		return err
	}
	if err := put("first"); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	s.Start()

	var answer *awshttp.ResponseError
	if err := put("second"); !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusPreconditionFailed {
		t.Errorf("the second put of one key: %v, want status 412", err)
	}
	got, err := s.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.Bucket, Key: aws.String("a/b")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	if body, err := io.ReadAll(got.Body); err != nil || string(body) != "first" {
		t.Errorf("read %q, %v", body, err)
	}
	s.Stop()
}
