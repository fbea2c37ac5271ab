package lake

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Config says where the lake is. The tags are those of kong; a program embeds it.
//
// Credentials, region and proxies of S3 come the usual way (AWS_PROFILE,
// AWS_ACCESS_KEY_ID, an instance role …). AWS_ENDPOINT_URL works too. The variables
// are named here because kong would make S_3 of S3.
type Config struct {
	URL         string            `name:"lake" placeholder:"URL" help:"The lake: s3://bucket/prefix or file://directory."`
	S3Endpoint  string            `name:"s3-endpoint" env:"COMPLAINTS_S3_ENDPOINT" placeholder:"URL" help:"Endpoint of an S3 store that is not AWS."`
	S3Region    string            `name:"s3-region" env:"COMPLAINTS_S3_REGION" help:"Region of the bucket; by default as the AWS configuration says, else us-east-1."`
	S3KMSKeys   map[string]string `name:"s3-kms-keys" env:"COMPLAINTS_S3_KMS_KEYS" placeholder:"FOLDER=KEY;…" help:"KMS key of the objects below a first folder, as bronze=arn:aws:kms:…; all others take the bucket's."`
	S3PathStyle bool              `name:"s3-path-style" env:"COMPLAINTS_S3_PATH_STYLE" help:"Put the bucket into the path and not into the host name; always so with an endpoint."`
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Check says what is wrong with the configuration, before anything is opened.
func (c Config) Check() error {
	_, _, err := c.parse()
	if err != nil {
		return err
	}
	if c.S3Endpoint != "" {
		if u, err := url.Parse(c.S3Endpoint); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("s3 endpoint %q: want http://host:port or https://host", c.S3Endpoint)
		}
	}
	return nil
}

// parse returns either a bucket and its prefix, or "" and a directory.
func (c Config) parse() (bucket, rest string, err error) {
	if dir, ok := strings.CutPrefix(c.URL, "file://"); ok && dir != "" {
		return "", dir, nil
	}
	if where, ok := strings.CutPrefix(c.URL, "s3://"); ok {
		bucket, prefix, _ := strings.Cut(where, "/")
		prefix = strings.Trim(prefix, "/")
		if bucketName.MatchString(bucket) && (prefix == "" || checkKey(prefix) == nil) {
			return bucket, prefix, nil
		}
	}
	return "", "", fmt.Errorf("lake %q: want s3://bucket/prefix or file://directory", c.URL)
}

// Open opens the lake. A directory is created if absent; a bucket is not, and
// is first asked when it is used.
func Open(ctx context.Context, c Config) (Store, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	bucket, rest, err := c.parse()
	if err != nil {
		return nil, err
	}
	if bucket == "" {
		return openDir(rest)
	}
	return openS3(ctx, c, bucket, rest)
}

// checkKey refuses names that a directory and S3 would not treat alike.
func checkKey(key string) error {
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment[0] == '.' || strings.ContainsFunc(segment, badKeyRune) {
			return fmt.Errorf("object key %q: want segments of letters, digits and ._=- joined by slashes", key)
		}
	}
	return nil
}

func badKeyRune(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("._=-", r)
}
