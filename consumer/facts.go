package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"complaints/consumer/api"
	"complaints/internal/kafka"

	"github.com/twmb/franz-go/pkg/kadm"
)

// facts is what the role api shows and answers of the stream roles: what was
// committed comes from the sessions, partitions and lag from the brokers, so that
// they are what the other consumers see too.
type facts struct {
	api.ActivityLog

	mu    sync.Mutex // guards all below
	err   error      // why the role has no partitions; nil: it does, or stands by
	asked time.Time
}

// standing is the part of this process in a group.
type standing struct {
	held []api.Partition
	lag  int64 // of the partitions that it holds; -1 where that is not known
	err  error
}

// note takes in how the group stands now.
func (f *facts) note(s standing) {
	f.SetAssignment(s.held, s.lag)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.asked = s.err, time.Now()
}

// standingOf asks for the members of a group. Those of this process are those
// whose client id is prefix and the number of a session.
func standingOf(ctx context.Context, admin *kadm.Client, group, prefix string, lag kafka.Lags) standing {
	groups, err := admin.DescribeGroups(ctx, group)
	g := groups[group]
	if err := errors.Join(err, g.Err); err != nil {
		return standing{lag: -1, err: fmt.Errorf("ask how group %s stands: %w", group, err)}
	}
	member := false
	var s standing
	for i := range g.Members {
		m := &g.Members[i]
		// Not all that begins so: the sessions of an instance a-1 do as well as those of a.
		session, ours := strings.CutPrefix(m.ClientID, prefix)
		if _, err := strconv.ParseUint(session, 10, 0); !ours || err != nil {
			continue
		}
		member = true
		assigned, ok := m.Assigned.AsConsumer()
		if !ok {
			continue
		}
		for _, t := range assigned.Topics {
			for _, p := range t.Partitions {
				s.held = append(s.held, api.Partition{Topic: t.Topic, Partition: p})
				s.lag += lag[t.Topic][p]
			}
		}
	}
	if !member || g.State != "Stable" {
		return standing{err: fmt.Errorf("group %s is %s, and has %d members; this process joins it", group, strings.ToLower(g.State), len(g.Members))}
	}
	slices.SortFunc(s.held, func(a, b api.Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return s
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
