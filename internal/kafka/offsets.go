package kafka

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Offsets takes the answer of a list of offsets, and its error also where one
// partition alone has one: the offset of a partition that cannot be read, as just
// after an election, is -1.
func Offsets(listed kadm.ListedOffsets, err error) (kadm.ListedOffsets, error) {
	return listed, errors.Join(err, listed.Error())
}

// Commit commits offsets of a client's group, outside of a transaction, and returns
// the errors of all partitions.
func Commit(ctx context.Context, cl *kgo.Client, offsets map[string]map[int32]kgo.EpochOffset) (failed error) {
	cl.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = err
		if resp == nil {
			return
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				failed = errors.Join(failed, kerr.ErrorForCode(p.ErrorCode))
			}
		}
	})
	return failed
}
