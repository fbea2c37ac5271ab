package classify

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Schemas turns values of a schema registry into JSON.
type Schemas interface {
	// Knows says whether Decode needs nothing more of the registry.
	Knows(value []byte) bool
	// Load asks the registry for what Decode needs. An error means that it gave no answer.
	Load(ctx context.Context, value []byte) error
	// Decode gives the value as JSON; its error is a *[schema.Rejection].
	Decode(value []byte) ([]byte, error)
}

// How often a registry that is away is asked again.
const (
	askAgainFirst = 200 * time.Millisecond
	askAgainMost  = 5 * time.Second
)

// loadSchemas waits until all that the records need of the registry is there. No transaction is open meanwhile, since the
// broker would end it, and the client stays in its group by itself; partitions that move away from it take their records
// along, as the transaction then aborts. The error, if any, is that of a context that ended.
func (s *session) loadSchemas(ctx context.Context, records []*kgo.Record) error {
	schemas := s.role.cfg.Schemas
	if schemas == nil {
		return nil
	}
	for _, r := range records {
		if r.Attrs.IsControl() || schemas.Knows(r.Value) {
			continue
		}
		if err := s.loadSchema(ctx, r.Value); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) loadSchema(ctx context.Context, value []byte) error {
	waited := false
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = askAgainFirst, askAgainMost
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		return struct{}{}, s.role.cfg.Schemas.Load(ctx, value)
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
		waited = true
		s.role.setDown(s.number, fmt.Errorf("the schema registry gives no answer: %w", err))
		s.log.Warn("wait for the schema registry", "err", err)
	}))
	if waited && err == nil {
		s.role.setDown(s.number, nil)
		s.log.Info("the schema registry answers again")
	}
	return err
}
