//go:build !failpoint

package classify

import "github.com/twmb/franz-go/pkg/kgo"

func newStream(opts ...kgo.Opt) (stream, error) { return kgo.NewGroupTransactSession(opts...) }
