package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// weeklySchedule is Sunday, 15:00 UTC, as a user gives it.
func weeklySchedule(t *testing.T) schedule {
	t.Helper()
	c := runConfig{Every: "0 15 * * 0", MinClassRows: 1, ReviewPrecision: 1}
	if err := c.complete(); err != nil {
		t.Fatal(err)
	}
	return c.schedule
}

func TestEveryFollowsTheSchedule(t *testing.T) {
	s := weeklySchedule(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var at []string
		var said strings.Builder
		train := func(context.Context) error {
			at = append(at, time.Now().UTC().Format("Mon 2006-01-02 15:04"))
			switch len(at) {
			case 1:
				return errors.New("the lake is away")
			case 2:
				return &rejectedError{"rejected"}
			case 3:
				time.Sleep(8 * 24 * time.Hour) // the next Sunday passes meanwhile
			case 4:
				cancel()
				return ctx.Err()
			}
			return nil
		}
		// The fake clock starts on Saturday, 2000-01-01.
		if err := everySoOften(ctx, s, train, func(f string, args ...any) { fmt.Fprintf(&said, f+"\n", args...) }); err != nil {
			t.Errorf("stopped with %v", err)
		}
		want := []string{"Sun 2000-01-02 15:00", "Sun 2000-01-09 15:00", "Sun 2000-01-16 15:00", "Sun 2000-01-30 15:00"}
		if !slices.Equal(at, want) {
			t.Errorf("trained at %q, want %q", at, want)
		}
		if out := said.String(); !strings.Contains(out, "the lake is away") || strings.Contains(out, "failed: rejected") || !strings.Contains(out, "2000-01-30T15:00:00Z") {
			t.Errorf("said %q", out)
		}
	})
}

func TestEveryStopsWhileItWaits(t *testing.T) {
	s := weeklySchedule(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- everySoOften(ctx, s, func(context.Context) error { return errors.New("trained") }, t.Logf)
		}()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stopped with %v", err)
		}
	})
}

// A clock that is set while a training waits, or a machine that sleeps, moves the training with it.
func TestWaitUntilFollowsTheClock(t *testing.T) {
	for name, tc := range map[string]struct {
		jump, wait time.Duration // of the clock after an hour, and how long it then is until the time comes
	}{
		"untouched": {0, 24 * time.Hour}, "forward": {20 * time.Hour, 4 * time.Hour}, "beyond": {30 * time.Hour, time.Hour}, "back": {-5 * time.Hour, 29 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				clock := func() time.Time {
					if time.Since(began) < time.Hour {
						return time.Now().Round(0)
					}
					return time.Now().Round(0).Add(tc.jump)
				}
				if !waitUntil(t.Context(), began.Round(0).Add(24*time.Hour), clock) {
					t.Error("it did not come")
				}
				if waited := time.Since(began); waited < tc.wait || waited > tc.wait+time.Minute {
					t.Errorf("waited %s, want %s", waited, tc.wait)
				}
			})
		})
	}
}

func TestScheduleHasFiveFields(t *testing.T) {
	friday := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	sunday := time.Date(2026, 11, 29, 15, 0, 0, 0, time.UTC)
	for _, fields := range []string{"0 15 * * 0", "0 15 * * 7", "0 15 * * SUN"} {
		s, err := parseSchedule(fields)
		if err != nil {
			t.Errorf("%q: %v", fields, err)
			continue
		}
		if next := s.Next(friday); !next.Equal(sunday) {
			t.Errorf("%q comes at %s, want %s", fields, next, sunday)
		}
	}
	for _, fields := range []string{"", "Sundays", "TZ=UTC", "CRON_TZ=UTC", "@every -1s", "@every 1s", "* * * * * *", "60 15 * * 0", "0 15 30 2 *"} {
		if s, err := parseSchedule(fields); err == nil {
			t.Errorf("%q is taken, and comes at %s", fields, s.Next(friday))
		}
	}
}
