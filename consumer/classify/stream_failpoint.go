//go:build failpoint

package classify

import (
	"context"

	"complaints/internal/failpoint"

	"github.com/twmb/franz-go/pkg/kgo"
)

func newStream(transactionalID string, opts ...kgo.Opt) (stream, error) {
	if !failpoint.On(failpoint.PlainCommit) {
		return newTransactions(transactionalID, opts)
	}
	cl, err := kgo.NewClient(append(opts, kgo.DisableAutoCommit())...)
	return &plainStream{cl}, err
}

// plainStream is the guarantee taken out: results first, then a plain commit of
// the offsets. Tests show that the check notices.
type plainStream struct{ cl *kgo.Client }

func (s *plainStream) PollRecords(ctx context.Context, n int) kgo.Fetches {
	return s.cl.PollRecords(ctx, n)
}
func (s *plainStream) Begin() error { return nil }
func (s *plainStream) Produce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	s.cl.Produce(ctx, r, promise)
}

func (s *plainStream) End(ctx context.Context, _ kgo.TransactionEndTry) (bool, error) {
	if err := s.cl.Flush(ctx); err != nil {
		return false, err
	}
	return true, s.cl.CommitUncommittedOffsets(ctx)
}
func (s *plainStream) Client() *kgo.Client { return s.cl }
func (s *plainStream) Close()              { s.cl.Close() }
