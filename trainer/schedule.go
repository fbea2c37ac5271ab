package main

import (
	"context"
	"errors"
	"time"
)

// schedule says when the next training begins. Times are UTC.
type schedule interface {
	Next(after time.Time) time.Time
}

// everySoOften runs a training at each time of the schedule until ctx ends. One
// that fails is said, and the next one comes all the same: whatever was in its
// way may be gone. One that takes longer than a period lets the times pass that
// it takes. When ctx ends in the middle of a training, that one stops at its
// next step, and leaves nothing that the next one would not overwrite or find
// equal.
func everySoOften(ctx context.Context, s schedule, train func(context.Context) error, progress progressFunc) error {
	for {
		next := s.Next(time.Now().UTC())
		if next.IsZero() {
			return errors.New("--every names a time that never comes")
		}
		progress("the next training is at %s", next.Format(time.RFC3339))
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		var kept *keptError
		if err := train(ctx); err != nil && !errors.As(err, &kept) && ctx.Err() == nil {
			progress("the training failed: %v", err)
		}
	}
}
