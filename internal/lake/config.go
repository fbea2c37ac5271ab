package lake

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
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

// parse returns either a bucket and its prefix, or "" and a directory. An error
// names the character or the rule that is at fault.
func (c Config) parse() (bucket, rest string, err error) {
	if dir, ok := strings.CutPrefix(c.URL, "file://"); ok && dir != "" {
		return "", dir, nil
	}
	where, ok := strings.CutPrefix(c.URL, "s3://")
	if !ok {
		return "", "", fmt.Errorf("lake %q: want s3://bucket/prefix or file://directory", c.URL)
	}
	bucket, prefix, _ := strings.Cut(where, "/")
	prefix = strings.Trim(prefix, "/")
	if err := checkBucket(bucket); err != nil {
		return "", "", fmt.Errorf("lake %q: %w", c.URL, err)
	}
	if prefix != "" {
		if err := checkKey(prefix); err != nil {
			return "", "", fmt.Errorf("lake %q: prefix %w", c.URL, err)
		}
	}
	return bucket, prefix, nil
}

// Open opens the lake to write to it. A directory is created if absent; a bucket is
// not, and is first asked when it is used.
func Open(ctx context.Context, c Config) (Store, error) { return c.open(ctx, openDir) }

// OpenExisting opens a lake that must be there already, and creates nothing. A
// directory that is absent is an error; a bucket is first asked when it is used.
func OpenExisting(ctx context.Context, c Config) (Store, error) { return c.open(ctx, existingDir) }

func (c Config) open(ctx context.Context, dir func(string) (*dirStore, error)) (Store, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	bucket, rest, err := c.parse()
	if err != nil {
		return nil, err
	}
	if bucket == "" {
		return dir(rest)
	}
	return openS3(ctx, c, bucket, rest)
}

// checkBucket says which rule of S3 the name of a bucket breaks.
func checkBucket(name string) error {
	edge := func(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
	if len(name) < 3 || len(name) > 63 {
		return fmt.Errorf("bucket %q has %d characters, want 3 to 63", name, len(name))
	}
	for _, r := range name {
		if r > 0x7f || !edge(byte(r)) && r != '.' && r != '-' {
			return fmt.Errorf("bucket %q has the character %q, want lower-case letters, digits, dots and hyphens", name, r)
		}
	}
	if !edge(name[0]) || !edge(name[len(name)-1]) {
		return fmt.Errorf("bucket %q begins or ends with a dot or a hyphen, want a letter or a digit there", name)
	}
	return nil
}

// checkKey refuses names that a directory and S3 would not treat alike, and says
// what in them is at fault.
func checkKey(key string) error {
	for segment := range strings.SplitSeq(key, "/") {
		switch {
		case segment == "":
			return fmt.Errorf("%q has a slash too many: between two slashes, before the first and behind the last there must be a name", key)
		case segment[0] == '.':
			return fmt.Errorf("%q has the name %q, which begins with a dot", key, segment)
		}
		if i := strings.IndexFunc(segment, badKeyRune); i >= 0 {
			r, _ := utf8.DecodeRuneInString(segment[i:])
			return fmt.Errorf("%q has the character %q, want letters, digits and ._=- in names joined by slashes", key, r)
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
