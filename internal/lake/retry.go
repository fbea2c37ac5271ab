package lake

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// outcome is what an answer says about the attempt that it answers.
type outcome int

const (
	done     outcome = iota
	refused          // 412: the condition did not hold, nothing was done
	absent           // 404
	conflict         // 409: another operation on the key got in between, nothing was done; try again
	denied           // another 4xx: nothing was done, and trying again is no use
	unknown          // a timeout, a reset, 429, 5xx, an error inside a 200: done or not
)

// embeddedError is an error document that came with status 200.
type embeddedError struct{ code string }

func (e *embeddedError) Error() string { return "status 200 with the error " + e.code }

func outcomeOf(err error) outcome {
	if err == nil {
		return done
	}
	var embedded *embeddedError
	var response *awshttp.ResponseError
	if errors.As(err, &embedded) || !errors.As(err, &response) {
		return unknown
	}
	switch status := response.HTTPStatusCode(); {
	case codeOf(err) == "NoSuchBucket":
		return denied // a misspelt bucket must not look like an empty one
	case status == 412:
		return refused
	case status == 404:
		return absent
	case status == 409:
		return conflict
	case status == 408 || status == 429 || status >= 500 || status < 400 || codeOf(err) == "RequestTimeout":
		return unknown
	}
	return denied
}

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// Permanent says whether an error of a store is one that no retry heals: credentials
// or permissions that are refused, a bucket that is not there, a folder that may not
// be written.
func Permanent(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || isAnswer(err) && outcomeOf(err) == denied
}

// Unanswered says whether a store gave no answer, or one that says that it cannot
// answer now.
func Unanswered(err error) bool {
	return errors.Is(err, ErrAmbiguous) || errors.Is(err, errNoList) || isAnswer(err) && outcomeOf(err) == unknown
}

// isAnswer says whether an error came of a request to S3, answered or not.
func isAnswer(err error) bool {
	_, ok := errors.AsType[*smithy.OperationError](err)
	return ok
}

// backoff is how long to wait before the attempts after the first. The values
// bound an operation to about half a minute of waiting.
const (
	attempts     = 8
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 8 * time.Second
)

// pause waits before attempt n, counted from 0, with full jitter so that many
// partitions do not come back at once.
func pause(ctx context.Context, n int) error {
	if n == 0 {
		return ctx.Err()
	}
	d := min(firstBackoff<<(n-1), maxBackoff)
	return sleep(ctx, d/2+rand.N(d/2))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
