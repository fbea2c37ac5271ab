package main

import (
	"context"
	"errors"
	"time"

	cron "github.com/netresearch/go-cron"

	"complaints/trainer/dataset"
)

// schedule says when the next training begins. Times are UTC.
type schedule interface {
	Next(after time.Time) time.Time
}

// parseSchedule reads five fields: minute, hour, day of the month, month and weekday.
// Short forms as @every are refused: none of them is a time of the week.
func parseSchedule(fields string) (schedule, error) {
	s, err := cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(fields)
	if err != nil {
		return nil, err
	}
	if s.Next(time.Now().UTC()).IsZero() {
		return nil, errors.New("it names a time that never comes")
	}
	return s, nil
}

// everySoOften runs a training at each time of the schedule until ctx ends. One
// that fails is said, and the next one comes all the same: whatever was in its
// way may be gone. One that takes longer than a period lets the times pass that
// it takes. When ctx ends in the middle of a training, that one stops at its
// next step, and leaves nothing that the next one would not overwrite or find
// equal.
func everySoOften(ctx context.Context, s schedule, train func(context.Context) error, progress dataset.Progress) error {
	for {
		next := s.Next(time.Now().UTC())
		progress("the next training is at %s", next.Format(time.RFC3339))
		if !waitUntil(ctx, next, time.Now) {
			return nil
		}
		var rejected *rejectedError
		if err := train(ctx); err != nil && !errors.As(err, &rejected) && ctx.Err() == nil {
			progress("the training failed: %v", err)
		}
	}
}

// waitUntil waits for a time of the wall clock, or says that ctx ended before. It
// looks at the clock once a minute: one timer for a week would not see that the
// clock was set, or that the machine slept, in which time timers stand still.
func waitUntil(ctx context.Context, at time.Time, now func() time.Time) bool {
	for left := at.Sub(now()); left > 0; left = at.Sub(now()) {
		timer := time.NewTimer(min(left, time.Minute))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
	return ctx.Err() == nil
}
