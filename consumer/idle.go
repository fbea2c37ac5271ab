package main

import (
	"context"
	"time"

	"complaints/internal/kafka"
)

// waitIdle calls end once no message has come for a while, all is classified, and
// the lake holds all of it.
func (a *app) waitIdle(ctx context.Context, end func()) error {
	tick := time.NewTicker(max(a.cfg.IdleFor/10, time.Millisecond))
	defer tick.Stop()
	since := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		idle, err := a.idle(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case !idle:
			since = time.Now()
		case time.Since(since) >= a.cfg.IdleFor:
			a.log.Info("idle, ending")
			end()
			return nil
		}
	}
}

// idle says whether all messages that are there now went all the way.
func (a *app) idle(ctx context.Context) (bool, error) {
	if a.classify != nil {
		lag, err := kafka.Lag(ctx, a.admin, a.cfg.classifyGroup(), a.topics.Complaints)
		if err != nil || lag.Total() > 0 {
			return false, err
		}
	}
	if a.sink != nil {
		return a.sink.Idle(ctx)
	}
	return true, nil
}
