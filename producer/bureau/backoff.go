package bureau

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Backoff says how often and after what time to ask again.
type Backoff struct {
	Attempts int           // all in all
	Base     time.Duration // doubled each time
	Max      time.Duration
}

// DefaultBackoff gives up after about six minutes.
var DefaultBackoff = Backoff{Attempts: 10, Base: time.Second, Max: time.Minute}

// maxRetryAfter bounds what a server may ask for.
const maxRetryAfter = 15 * time.Minute

// fault is a failure that may pass.
type fault struct {
	err        error
	retryAfter time.Duration // the server's wish; 0 is none
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// wait is the time before another attempt: the server's wish, or between half
// and all of a time that doubles, so that many clients do not come back at once.
func (b Backoff) wait(attempt int, wish time.Duration) time.Duration {
	if wish > 0 {
		return min(wish, maxRetryAfter)
	}
	d := b.Max
	if shifted := b.Base << (attempt - 1); shifted > 0 && attempt < 30 {
		d = min(d, shifted)
	}
	return d/2 + rand.N(d/2+1)
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

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
