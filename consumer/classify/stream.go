//go:build !failpoint

package classify

import "github.com/twmb/franz-go/pkg/kgo"

func newStream(transactionalID string, opts ...kgo.Opt) (stream, error) {
	return newTransactions(transactionalID, opts)
}
