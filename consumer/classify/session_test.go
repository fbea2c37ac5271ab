package classify

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// A client may be given partitions before the session that opened it knows of it.
func TestPartitionsWaitUntilTheSessionIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &session{ready: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		resumed := make(chan error)
		go func() {
			_, err := s.resume(ctx, nil)
			resumed <- err
		}()
		synctest.Wait()
		select {
		case err := <-resumed:
			t.Fatalf("resume returned (%v) before there was a client to ask", err)
		default:
		}
		cancel()
		if err := <-resumed; !errors.Is(err, context.Canceled) {
			t.Errorf("resume returned %v when its client was closed", err)
		}
	})
}
