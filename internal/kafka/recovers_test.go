package kafka_test

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
)

func TestRecovers(t *testing.T) {
	timeout := &net.OpError{Op: "read", Err: context.DeadlineExceeded}
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{context.Canceled, true},
		{kerr.NotLeaderForPartition, true},
		{&kgo.ErrGroupSession{Err: kerr.UnknownMemberID}, true},
		{&kgo.ErrGroupSession{Err: fmt.Errorf("join: %w", &net.OpError{Op: "read", Err: net.ErrClosed})}, true},
		{&kgo.ErrGroupSession{Err: timeout}, true},
		{&kgo.ErrGroupSession{Err: kerr.GroupAuthorizationFailed}, false},
		{&kgo.ErrGroupSession{Err: kerr.InvalidSessionTimeout}, false},
		{kerr.OffsetOutOfRange, false},
		{kerr.UnknownTopicID, false},
		{net.ErrClosed, false},
	} {
		if got := kafka.Recovers(tc.err); got != tc.want {
			t.Errorf("Recovers(%v) = %v, want %v", tc.err, got, tc.want)
		}
	}
}
