package kafka

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Recovers says whether an error of a poll is just its end, or one after which the
// client fetches again or joins its group again, as it does after a sleep.
func Recovers(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	if errors.Is(err, kerr.UnknownTopicID) {
		return false
	}
	if kerr.IsRetriable(err) {
		return true
	}
	if _, ok := errors.AsType[*kgo.ErrGroupSession](err); !ok {
		return false
	}
	// The client joins its group again by itself. Where the broker answered at all,
	// only these answers say that it may.
	if _, answered := errors.AsType[*kerr.Error](err); !answered {
		return true
	}
	return errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.StaleMemberEpoch)
}
