package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"complaints/consumer/api"

	"github.com/twmb/franz-go/pkg/kadm"
)

// groupEvery is how often the brokers are asked how the group stands.
const groupEvery = 2 * time.Second

// facts is what the role api shows and answers of the stream roles: what was
// committed comes from the sessions, partitions and lag from the brokers, so that
// they are what the other consumers see too.
type facts struct {
	api.Board

	mu    sync.Mutex // guards err
	err   error      // why the role has no partitions; nil: it does, or stands by
	asked time.Time
}

// watch asks how a group stands until ctx ends. Its members of this process are
// those whose client id begins with prefix.
func (f *facts) watch(ctx context.Context, admin *kadm.Client, group, prefix string) {
	tick := time.NewTicker(groupEvery)
	defer tick.Stop()
	for {
		partitions, lag, err := standing(ctx, admin, group, prefix)
		if ctx.Err() != nil {
			return
		}
		f.Holds(partitions, lag)
		f.mu.Lock()
		f.err, f.asked = err, time.Now()
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// standing returns the partitions that this process holds, and what waits there;
// -1 where that is not known.
func standing(ctx context.Context, admin *kadm.Client, group, prefix string) ([]api.Partition, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	lags, err := admin.Lag(ctx, group)
	if err != nil {
		return nil, -1, fmt.Errorf("ask how group %s stands: %w", group, err)
	}
	g := lags[group]
	if err := g.Error(); err != nil {
		return nil, -1, fmt.Errorf("ask how group %s stands: %w", group, err)
	}
	member := false
	for _, m := range g.Members {
		member = member || strings.HasPrefix(m.ClientID, prefix)
	}
	if !member || g.State != "Stable" {
		return nil, 0, fmt.Errorf("group %s is %s, and has %d members; this process joins it", group, strings.ToLower(g.State), len(g.Members))
	}
	var held []api.Partition
	var lag int64
	sorted := g.Lag.Sorted()
	for i := range sorted {
		l := &sorted[i]
		if l.Member == nil || !strings.HasPrefix(l.Member.ClientID, prefix) {
			continue
		}
		held = append(held, api.Partition{Topic: l.Topic, Partition: l.Partition})
		if l.Lag < 0 || lag < 0 {
			lag = -1
			continue
		}
		lag += l.Lag
	}
	return held, lag, nil
}

// ready says whether the group has given this process its partitions. A process
// that stands by, since there are more than partitions, is ready too.
func (f *facts) ready(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.asked.IsZero():
		return errors.New("the brokers were not asked yet")
	case time.Since(f.asked) > 10*groupEvery:
		return fmt.Errorf("the brokers have not answered for %s", time.Since(f.asked).Round(time.Second))
	}
	return f.err
}
