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

func TestTrainingsFollowTheSchedule(t *testing.T) {
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
				return &keptError{"kept"}
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
		if out := said.String(); !strings.Contains(out, "the lake is away") || strings.Contains(out, "failed: kept") || !strings.Contains(out, "2000-01-30T15:00:00Z") {
			t.Errorf("said %q", out)
		}
	})
}

func TestAStopWhileWaitingIsNoError(t *testing.T) {
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
