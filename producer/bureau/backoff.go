package bureau

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Backoff says how often and after what time to ask again.
type Backoff struct {
	Attempts uint          // all in all
	Base     time.Duration // doubled each time, and varied so that many clients do not come back at once
	Max      time.Duration
}

// DefaultBackoff gives up after about six minutes.
var DefaultBackoff = Backoff{Attempts: 10, Base: time.Second, Max: time.Minute}

// maxRetryAfter bounds what a server may ask for.
const maxRetryAfter = 15 * time.Minute

func (b Backoff) options(notify backoff.Notify) []backoff.RetryOption {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval, wait.Multiplier = b.Base, b.Max, 2
	return []backoff.RetryOption{
		backoff.WithBackOff(wait), backoff.WithMaxTries(b.Attempts), backoff.WithNotify(notify),
		backoff.WithMaxElapsedTime(0), // the attempts are the limit
	}
}

// fault is a failure that may pass.
type fault struct {
	err        error
	retryAfter time.Duration // the server's wish; 0 is none
}

func (f *fault) Error() string { return f.err.Error() }

// Unwrap tells the wish to whoever asks again.
func (f *fault) Unwrap() []error {
	if f.retryAfter > 0 {
		return []error{f.err, &backoff.RetryAfterError{Duration: min(f.retryAfter, maxRetryAfter)}}
	}
	return []error{f.err}
}

// retryAfter reads the header of that name: seconds or a date (RFC 9110, 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil {
		return time.Duration(min(max(s, 0), 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
