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

// groupStatus is what the role api shows and answers of the stream roles: what was
// committed comes from the sessions, partitions and lag from the brokers, so that
// they are what the other consumers see too.
type groupStatus struct {
	api.ActivityLog

	mu    sync.Mutex // guards all below
	err   error      // why the role has no partitions; nil: it does, or stands by
	asked time.Time
}

// assignment is the part of this process in a group.
type assignment struct {
	held []api.Partition
	lag  int64 // of the partitions that it holds; -1 where that is not known
	err  error
}

// set takes in what the brokers say now.
func (g *groupStatus) set(a assignment) {
	g.SetAssignment(a.held, a.lag)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.err, g.asked = a.err, time.Now()
}

// readAssignment asks for the members of a group. Those of this process are those
// whose client id is prefix and the number of a session.
func readAssignment(ctx context.Context, admin *kadm.Client, group, prefix string, lag kafka.Lags) assignment {
	groups, err := admin.DescribeGroups(ctx, group)
	g := groups[group]
	if err := errors.Join(err, g.Err); err != nil {
		return assignment{lag: -1, err: fmt.Errorf("ask for the status of group %s: %w", group, err)}
	}
	member := false
	var s assignment
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
		return assignment{err: fmt.Errorf("group %s is %s, and has %d members; this process joins it", group, strings.ToLower(g.State), len(g.Members))}
	}
	slices.SortFunc(s.held, func(a, b api.Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return s
}

// ready says whether the group has given this process its partitions. A process
// that stands by, since there are more than partitions, is ready too.
func (g *groupStatus) ready(context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.asked.IsZero():
		return errors.New("the brokers were not asked yet")
	case time.Since(g.asked) > 10*groupEvery:
		return fmt.Errorf("the brokers have not answered for %s", time.Since(g.asked).Round(time.Second))
	}
	return g.err
}
