package lake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// answers is an S3 endpoint that gives the next of its answers to each request,
// and the last of them for ever.
type answers struct {
	list   []answer
	seen   int
	header http.Header // of the last request
}

type answer struct {
	status int
	code   string // of an error document
	body   string
	header http.Header
	cut    bool // the connection is closed without an answer
	silent bool // it stays open, without an answer
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	now := a.list[min(a.seen, len(a.list)-1)]
	a.seen++
	a.header = r.Header
	if now.silent {
		<-r.Context().Done()
	}
	if now.cut {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), now.header)
	w.Header().Set("ETag", `"e"`)
	w.WriteHeader(now.status)
	if now.code != "" {
		fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>m</Message></Error>`, now.code)
		return
	}
	_, _ = io.WriteString(w, now.body)
}

func answering(t *testing.T, list ...answer) (*s3Store, *answers) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	a := &answers{list: list}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	s, err := openS3(t.Context(), Config{S3Endpoint: server.URL}, "bucket", "")
	if err != nil {
		t.Fatal(err)
	}
	s.pause = func(ctx context.Context, _ int) error { return ctx.Err() }
	return s, a
}

var (
	ok         = answer{status: 200}
	exists     = answer{status: 412, code: "PreconditionFailed"}
	busy       = answer{status: 409, code: "ConditionalRequestConflict"}
	slowDown   = answer{status: 503, code: "SlowDown"}
	tooMany    = answer{status: 429, code: "TooManyRequests"}
	failed     = answer{status: 500, code: "InternalError"}
	forbidden  = answer{status: 403, code: "AccessDenied"}
	noBucket   = answer{status: 404, code: "NoSuchBucket"}
	noKey      = answer{status: 404, code: "NoSuchKey"}
	timeout    = answer{status: 400, code: "RequestTimeout"}
	okButError = answer{status: 200, code: "PreconditionFailed"}
	cut        = answer{cut: true}
)

func TestPutNewTellsAnswersApart(t *testing.T) {
	for _, c := range []struct {
		name     string
		answers  []answer
		want     error // nil, one of the package's, or errOther
		requests int
	}{
		{"stored", []answer{ok}, nil, 1},
		{"412 is somebody's object", []answer{exists}, ErrExists, 1},
		{"409 is tried again", []answer{busy, busy, ok}, nil, 3},
		{"412 after 409 is somebody's object", []answer{busy, exists}, ErrExists, 2},
		{"500 is tried again", []answer{failed, ok}, nil, 2},
		{"412 after 500 may be our own", []answer{failed, exists}, ErrAmbiguous, 2},
		{"412 after a cut connection may be our own", []answer{cut, exists}, ErrAmbiguous, 2},
		{"412 after a timeout may be our own", []answer{timeout, exists}, ErrAmbiguous, 2},
		{"412 after 503 may be our own", []answer{slowDown, exists}, ErrAmbiguous, 2},
		{"429 is tried again", []answer{tooMany, tooMany, ok}, nil, 3},
		{"412 inside a 200 says nothing", []answer{okButError, exists}, ErrAmbiguous, 2},
		{"503 without end", []answer{slowDown}, ErrAmbiguous, attempts},
		{"409 without end", []answer{busy}, ErrAmbiguous, attempts},
		{"403 is final", []answer{forbidden}, errOther, 1},
		{"403 after 500 leaves the first open", []answer{failed, forbidden}, ErrAmbiguous, 2},
		{"no such bucket is final", []answer{noBucket}, errOther, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, a := answering(t, c.answers...)
			check(t, s.PutNew(t.Context(), "some/key", []byte("body"), nil), c.want)
			if a.seen != c.requests {
				t.Errorf("%d requests, want %d", a.seen, c.requests)
			}
		})
	}
}

func TestReplaceLooksAfterAnUnclearAnswer(t *testing.T) {
	mine, other := answer{status: 200, body: "body"}, answer{status: 200, body: "another"}
	for _, c := range []struct {
		name    string
		answers []answer
		want    error
	}{
		{"replaced", []answer{ok}, nil},
		{"another version", []answer{exists}, ErrChanged},
		{"the version is gone", []answer{noKey}, ErrChanged},
		{"unclear, and it is there", []answer{failed, exists, mine}, nil},
		{"unclear, and another is there", []answer{failed, exists, other}, ErrChanged},
		{"unclear, and looking fails", []answer{failed, exists, forbidden}, ErrAmbiguous},
		{"no such bucket", []answer{noBucket}, errOther},
	} {
		t.Run(c.name, func(t *testing.T) {
			// It asks for the metadata first.
			s, _ := answering(t, append([]answer{ok}, c.answers...)...)
			check(t, s.Replace(t.Context(), "some/key", []byte("body"), `"e"`), c.want)
		})
	}
}

func TestReadsAreTriedAgain(t *testing.T) {
	s, a := answering(t, failed, cut, slowDown, answer{status: 200, body: "body"})
	body, etag, err := s.Get(t.Context(), "some/key")
	if err != nil || string(body) != "body" || etag != `"e"` || a.seen != 4 {
		t.Fatalf("got %q, %q, %v after %d requests", body, etag, err, a.seen)
	}
}

func TestAMissingBucketIsNotAnEmptyOne(t *testing.T) {
	s, _ := answering(t, noBucket)
	_, _, err := s.Get(t.Context(), "some/key")
	check(t, err, errOther)
	_, err = s.List(t.Context(), "chain/", "", 1)
	check(t, err, errOther)
}

func TestPutNewEndsWithItsContext(t *testing.T) {
	s, _ := answering(t, slowDown)
	ctx, cancel := context.WithCancel(t.Context())
	s.pause = func(ctx context.Context, n int) error {
		if n == 2 {
			cancel()
		}
		return ctx.Err()
	}
	err := s.PutNew(ctx, "some/key", nil, nil)
	if !errors.Is(err, ErrAmbiguous) || !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want ambiguous and cancelled", err)
	}
}

var errOther = errors.New("an error that decides nothing")

func TestEachFolderHasItsKey(t *testing.T) {
	s, a := answering(t, ok)
	s.prefix, s.keys = "some/prefix/", map[string]string{"bronze": "arn:aws:kms:eu-central-1:1:key/b"}
	for key, want := range map[string]string{"bronze/a": "arn:aws:kms:eu-central-1:1:key/b", "silver/a": "", "chain/bronze/a": ""} {
		check(t, s.PutNew(t.Context(), key, nil, nil), nil)
		if got := a.header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"); got != want {
			t.Errorf("put %s with key %q, want %q", key, got, want)
		}
		check(t, s.Replace(t.Context(), key, nil, "e"), nil)
		if got := a.header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"); got != want {
			t.Errorf("replace %s with key %q, want %q", key, got, want)
		}
	}
}

func check(t *testing.T, got, want error) {
	t.Helper()
	if errors.Is(want, errOther) {
		for _, err := range []error{nil, ErrExists, ErrAmbiguous, ErrNotFound, ErrChanged} {
			if errors.Is(got, err) {
				t.Errorf("got %v, want another error", got)
			}
		}
		return
	}
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReplaceKeepsTheObjectsOwnKey(t *testing.T) {
	const own = "arn:aws:kms:us-east-1:1:key/own"
	kms := func(algorithm, key, bucketKey string) answer {
		h := http.Header{}
		h.Set("X-Amz-Server-Side-Encryption", algorithm)
		if key != "" {
			h.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", key)
			h.Set("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", bucketKey)
		}
		h.Set("X-Amz-Meta-Rows", "7")
		return answer{status: 200, header: h}
	}
	for _, c := range []struct {
		name           string
		head           answer
		keys           map[string]string
		algorithm, key string // of the put
	}{
		{"a key of its own", kms("aws:kms", own, "true"), nil, "aws:kms", own},
		{"a key of its own, and another one configured", kms("aws:kms", own, "true"), map[string]string{"bronze": "configured"}, "aws:kms", own},
		{"two layers of keys", kms("aws:kms:dsse", own, "false"), nil, "aws:kms:dsse", own},
		{"no key of its own", kms("AES256", "", ""), nil, "", ""},
		{"no key of its own, and one configured", kms("AES256", "", ""), map[string]string{"bronze": "configured"}, "aws:kms", "configured"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, a := answering(t, c.head, ok)
			s.keys = c.keys
			if err := s.Replace(t.Context(), "bronze/x", []byte("body"), `"e"`); err != nil {
				t.Fatal(err)
			}
			algorithm, key := a.header.Get("X-Amz-Server-Side-Encryption"), a.header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
			if algorithm != c.algorithm || key != c.key || a.header.Get("X-Amz-Meta-Rows") != "7" {
				t.Errorf("put with %q and key %q, metadata %q; want %q and %q", algorithm, key, a.header.Get("X-Amz-Meta-Rows"), c.algorithm, c.key)
			}
		})
	}
}

// A list that is no list is no empty list.
func TestAListIsNotEmptyWhereItFailed(t *testing.T) {
	const one = `<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated>` +
		`<Contents><Key>chain/a</Key><Size>1</Size></Contents></ListBucketResult>`
	for name, first := range map[string]answer{
		"an error inside of a 200": {status: 200, code: "InternalError"},
		"no body":                  {status: 200},
		"a page of a proxy":        {status: 200, body: "<html><body>Please wait</body></html>"},
	} {
		t.Run(name, func(t *testing.T) {
			s, a := answering(t, first, answer{status: 200, body: one})
			found, err := s.List(t.Context(), "chain/", "", 10)
			if err != nil || len(found) != 1 || a.seen != 2 {
				t.Errorf("%d objects after %d requests, %v", len(found), a.seen, err)
			}
		})
	}
}

// A small object does not wait as long as a large one may take.
func TestGetGivesUpASilentConnection(t *testing.T) {
	s, a := answering(t, answer{silent: true, cut: true}, answer{status: 200, body: "body"})
	s.timeout = func(bytes int64) time.Duration {
		if bytes > 1000 {
			return time.Minute
		}
		return 50 * time.Millisecond
	}
	began := time.Now()
	body, _, err := s.Get(t.Context(), "some/key")
	if took := time.Since(began); err != nil || string(body) != "body" || a.seen != 2 || took > 30*time.Second {
		t.Errorf("%q and %v after %d requests and %s", body, err, a.seen, took)
	}
}

// The console of S3 makes an empty object of a folder. It is no object of the lake,
// and no other store has one.
func TestAFolderIsNotListed(t *testing.T) {
	page := func(truncated bool, keys ...string) answer {
		body := fmt.Sprintf(`<ListBucketResult><Name>bucket</Name><IsTruncated>%t</IsTruncated>`, truncated)
		for _, key := range keys {
			body += "<Contents><Key>" + key + "</Key><Size>0</Size></Contents>"
		}
		return answer{status: 200, body: body + "</ListBucketResult>"}
	}
	s, _ := answering(t, page(true, "gold/complaints/", "gold/complaints/dt=1/"), page(true, "gold/complaints/dt=1/a", "gold/complaints/dt=2/"), page(false, "gold/complaints/dt=2/a"))
	found, err := s.List(t.Context(), "gold/", "", 10)
	if err != nil || len(found) != 2 || found[0].Key != "gold/complaints/dt=1/a" || found[1].Key != "gold/complaints/dt=2/a" {
		t.Errorf("listed %v, %v", found, err)
	}
}

func TestPermanentErrorsAreToldFromPassingOnes(t *testing.T) {
	for _, c := range []struct {
		name                  string
		answer                answer
		permanent, unanswered bool
	}{
		{"AccessDenied", forbidden, true, false},
		{"a wrong key", answer{status: 403, code: "InvalidAccessKeyId"}, true, false},
		{"an expired token", answer{status: 400, code: "ExpiredToken"}, true, false},
		{"no such bucket", noBucket, true, false},
		{"no such key", noKey, false, false},
		{"SlowDown", slowDown, false, true},
		{"InternalError", failed, false, true},
		{"a request that took too long", timeout, false, true},
		{"a connection that is closed", cut, false, true},
	} {
		s, _ := answering(t, c.answer)
		_, _, get := s.Get(t.Context(), "key")
		_, list := s.List(t.Context(), "prefix/", "", 1)
		put := s.PutNew(t.Context(), "key", nil, nil)
		for what, err := range map[string]error{"get": get, "list": list, "put": put} {
			if Permanent(err) != c.permanent || Unanswered(err) != c.unanswered {
				t.Errorf("%s, %s: permanent %t, unanswered %t: %v", what, c.name, Permanent(err), Unanswered(err), err)
			}
		}
	}
}
