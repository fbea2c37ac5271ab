package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// s3Store keeps objects in a bucket, below a prefix that is empty or ends with
// a slash.
type s3Store struct {
	api     *s3.Client
	bucket  string
	prefix  string
	keys    map[string]string                      // KMS key by first folder
	pause   func(ctx context.Context, n int) error // before attempt n
	timeout func(bytes int64) time.Duration        // of an attempt that carries so many
}

func openS3(ctx context.Context, c Config, bucket, prefix string) (*s3Store, error) {
	var opts []func(*config.LoadOptions) error
	if c.S3Region != "" {
		opts = append(opts, config.WithRegion(c.S3Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("lake: AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if prefix != "" {
		prefix += "/"
	}
	api := s3.NewFromConfig(cfg, func(o *s3.Options) {
		// The SDK would repeat a put whose first attempt was stored, and give
		// its 412 as if another had been first. We have to tell both apart.
		o.Retryer = aws.NopRetryer{}
		if c.S3Endpoint != "" {
			o.BaseEndpoint = aws.String(c.S3Endpoint)
		}
		// A host name of bucket and endpoint resolves in AWS alone.
		o.UsePathStyle = c.S3PathStyle || o.BaseEndpoint != nil
		o.APIOptions = append(o.APIOptions, findEmbeddedErrors)
		// Its notes on checksums that were not sent are no news to anybody.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return &s3Store{api: api, bucket: bucket, prefix: prefix, keys: c.S3KMSKeys, pause: pause, timeout: attemptTimeout}, nil
}

var errorCode = regexp.MustCompile(`<Error>[\s\S]*?<Code>([^<]*)</Code>`)

// findEmbeddedErrors makes an error of an error document that answers a put
// with status 200. The SDK ignores the body of that answer.
func findEmbeddedErrors(stack *middleware.Stack) error {
	if stack.ID() != "PutObject" {
		return nil
	}
	find := func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
		out middleware.DeserializeOutput, meta middleware.Metadata, err error,
	) {
		out, meta, err = next.HandleDeserialize(ctx, in)
		response, ok := out.RawResponse.(*smithyhttp.Response)
		if err != nil || !ok || response.StatusCode != http.StatusOK || response.Body == nil {
			return out, meta, err
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, 16<<10))
		if err != nil {
			return out, meta, err
		}
		if m := errorCode.FindSubmatch(body); m != nil {
			return out, meta, &embeddedError{string(m[1])}
		}
		response.Body = io.NopCloser(bytes.NewReader(body))
		return out, meta, nil
	}
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("FindEmbeddedErrors", find), middleware.After)
}

func (s *s3Store) name(key string) (*string, error) {
	if err := checkKey(key); err != nil {
		return nil, fmt.Errorf("object key %w", err)
	}
	return aws.String(s.prefix + key), nil
}

// attemptTimeout bounds one request that carries n bytes: a connection that is
// cut without a word must not hold a partition for long.
func attemptTimeout(n int64) time.Duration {
	return 20*time.Second + time.Duration(n/(256<<10))*time.Second
}

// try repeats a request that reads, until it is answered.
func (s *s3Store) try(ctx context.Context, size int64, request func(context.Context) error) error {
	var last error
	for n := range attempts {
		if err := s.pause(ctx, n); err != nil {
			return errors.Join(err, last)
		}
		once, cancel := context.WithTimeout(ctx, s.timeout(size))
		last = request(once)
		cancel()
		switch outcomeOf(last) {
		case unknown, conflict:
		case absent:
			return ErrNotFound
		case refused:
			return ErrChanged
		default:
			return last
		}
	}
	return last
}

func (s *s3Store) Get(ctx context.Context, key string) (body []byte, etag string, err error) {
	name, err := s.name(key)
	if err != nil {
		return nil, "", err
	}
	err = s.try(ctx, 64<<20, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		// How much there is to wait for, only the answer says.
		bound := time.AfterFunc(s.timeout(0), cancel)
		defer bound.Stop()
		out, err := s.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: name})
		if err != nil {
			return err
		}
		defer out.Body.Close()
		bound.Reset(s.timeout(aws.ToInt64(out.ContentLength)))
		etag = aws.ToString(out.ETag)
		body, err = io.ReadAll(out.Body)
		if err == nil && out.ContentLength != nil && *out.ContentLength != int64(len(body)) {
			return io.ErrUnexpectedEOF
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("get %s: %w", key, err)
	}
	return body, etag, nil
}

func (s *s3Store) Head(ctx context.Context, key string) (Info, error) {
	name, err := s.name(key)
	if err != nil {
		return Info{}, err
	}
	out, err := s.head(ctx, name)
	if err != nil {
		return Info{}, fmt.Errorf("head %s: %w", key, err)
	}
	return Info{Key: key, Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag), ModTime: aws.ToTime(out.LastModified)}, nil
}

func (s *s3Store) head(ctx context.Context, name *string) (out *s3.HeadObjectOutput, err error) {
	err = s.try(ctx, 0, func(ctx context.Context) error {
		var failed error
		out, failed = s.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: name})
		return failed
	})
	return out, err
}

func (s *s3Store) PutNew(ctx context.Context, key string, body []byte, meta map[string]string) error {
	name, err := s.name(key)
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{Bucket: &s.bucket, Key: name, Metadata: meta, IfNoneMatch: aws.String("*")}
	switch outcome, err := s.put(ctx, in, body); outcome {
	case done:
		return nil
	case refused:
		return fmt.Errorf("put %s: %w", key, ErrExists)
	case unknown:
		return fmt.Errorf("put %s: %w: %w", key, ErrAmbiguous, err)
	default:
		return fmt.Errorf("put %s: %w", key, err)
	}
}

// put repeats a conditional put until its outcome is known, or says that it is
// not. After an attempt of unknown outcome a refusal says nothing any more: the
// object that is in the way may be our own.
func (s *s3Store) put(ctx context.Context, in *s3.PutObjectInput, body []byte) (outcome, error) {
	folder, _, _ := strings.Cut(strings.TrimPrefix(*in.Key, s.prefix), "/")
	if kmsKey, ok := s.keys[folder]; ok && in.SSEKMSKeyId == nil {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, &kmsKey
		// One request to KMS for many objects; a bucket's own setting does not reach a key that the request names.
		in.BucketKeyEnabled = aws.Bool(true)
	}
	var last error
	sure := true
	for n := range attempts {
		if err := s.pause(ctx, n); err != nil {
			return unknown, errors.Join(err, last)
		}
		once, cancel := context.WithTimeout(ctx, s.timeout(int64(len(body))))
		in.Body = bytes.NewReader(body)
		_, last = s.api.PutObject(once, in)
		cancel()
		switch o := outcomeOf(last); {
		case o == done:
			return done, nil
		case o == unknown:
			sure = false
		case o == conflict:
		case sure:
			return o, last
		default:
			return unknown, last
		}
	}
	return unknown, last
}

func (s *s3Store) Replace(ctx context.Context, key string, body []byte, etag string) error {
	name, err := s.name(key)
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{Bucket: &s.bucket, Key: name}
	if etag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &etag
		// A put brings its own metadata and key, so the object's own are given again. If
		// they are of another version than etag, the put is refused.
		out, err := s.head(ctx, name)
		switch {
		case errors.Is(err, ErrNotFound): // the put will say so
		case err != nil:
			return fmt.Errorf("replace %s: %w", key, err)
		default:
			in.Metadata = out.Metadata
			if out.SSEKMSKeyId != nil {
				in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled = out.ServerSideEncryption, out.SSEKMSKeyId, out.BucketKeyEnabled
			}
		}
	}
	outcome, err := s.put(ctx, in, body)
	switch outcome {
	case done:
		return nil
	case refused:
		return fmt.Errorf("replace %s: %w", key, ErrChanged)
	case absent: // the version that was to be replaced is gone
		return fmt.Errorf("replace %s: %w", key, ErrChanged)
	case unknown:
		return s.look(ctx, key, body, err)
	default:
		return fmt.Errorf("replace %s: %w", key, err)
	}
}

// look decides a replacement whose outcome is not known. Equal content is the
// caller's own or as good.
func (s *s3Store) look(ctx context.Context, key string, body []byte, cause error) error {
	now, _, err := s.Get(ctx, key)
	switch {
	case err == nil && bytes.Equal(now, body):
		return nil
	case err == nil:
		return fmt.Errorf("replace %s: %w: %w", key, ErrChanged, cause)
	default:
		return fmt.Errorf("replace %s: %w: %w", key, ErrAmbiguous, errors.Join(cause, err))
	}
}

// errNoList is an answer in which nothing of a list is, as that of a proxy or one
// whose body got lost. The SDK takes it for a list of nothing.
var errNoList = errors.New("the answer is no list of objects")

func (s *s3Store) List(ctx context.Context, prefix, startAfter string, limit int) ([]Info, error) {
	var found []Info
	if startAfter != "" {
		startAfter = s.prefix + startAfter
	}
	for len(found) < limit {
		page := min(limit-len(found), 1000)
		var out *s3.ListObjectsV2Output
		in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: aws.String(s.prefix + prefix), MaxKeys: aws.Int32(int32(page))}
		if startAfter != "" {
			in.StartAfter = &startAfter
		}
		err := s.try(ctx, 1<<20, func(ctx context.Context) (err error) {
			out, err = s.api.ListObjectsV2(ctx, in)
			if err == nil && out.Name == nil && out.KeyCount == nil && out.IsTruncated == nil {
				return errNoList
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		for _, o := range out.Contents {
			startAfter = aws.ToString(o.Key)
			if strings.HasSuffix(startAfter, "/") { // S3's console makes such a thing of a folder
				continue
			}
			found = append(found, Info{
				Key: strings.TrimPrefix(startAfter, s.prefix), Size: aws.ToInt64(o.Size),
				ETag: aws.ToString(o.ETag), ModTime: aws.ToTime(o.LastModified),
			})
		}
		if !aws.ToBool(out.IsTruncated) || len(out.Contents) == 0 {
			break
		}
	}
	return found, nil
}
