//go:build servers && failpoint

package chaos

import (
	"fmt"
	"slices"
	"time"

	"complaints/internal/kafka"

	"github.com/twmb/franz-go/pkg/kadm"
)

// doneWithin is how long the system may take to be done with all messages.
func (s *rowEnv) doneWithin() time.Duration {
	switch {
	case s.program != s.shared.program: // mutated; it may never be done
		return 30 * time.Second
	case s.messages.most > 0: // the soak, which may publish faster than this machine works
		return time.Hour
	}
	return 2 * time.Minute
}

// caughtUp waits until no transaction is open, and both groups have committed all
// that is there.
func (s *rowEnv) caughtUp() error {
	for _, what := range []struct {
		name string
		is   func() (bool, error)
	}{
		{"all is classified", s.lagIsZero(s.classifyGroup(), s.topics.Complaints)},
		{"no transaction is open", s.settled},
		{"all is in the lake", s.lagIsZero(s.sinkGroup(), s.topics.Complaints, s.topics.Classified)},
	} {
		if err := s.until(s.doneWithin(), what.name, what.is); err != nil {
			return err
		}
	}
	return nil
}

func (s *rowEnv) lagIsZero(group string, topics ...string) func() (bool, error) {
	return func() (bool, error) {
		lags, err := kafka.Lag(s.ctx, s.shared.client, group, topics...)
		return err == nil && lags.Total() == 0, err
	}
}

// settled says whether readers of committed records see the outputs to their ends.
func (s *rowEnv) settled() (bool, error) {
	outputs := []string{s.topics.Classified, s.topics.DeadLetter}
	stable, err := s.shared.admin.ListCommittedOffsets(s.ctx, outputs...)
	if err != nil {
		return false, err
	}
	ends, err := s.shared.admin.ListEndOffsets(s.ctx, outputs...)
	if err != nil {
		return false, err
	}
	same := true
	ends.Each(func(end kadm.ListedOffset) {
		o, ok := stable.Lookup(end.Topic, end.Partition)
		same = same && ok && o.Err == nil && end.Err == nil && o.Offset == end.Offset
	})
	return same, nil
}

// members waits until both groups have as many members, and their partitions.
func (s *rowEnv) members(n int) error {
	return s.groups(fmt.Sprintf("it has %d members", n), func(members []kadm.DescribedGroupMember) bool { return len(members) == n })
}

// without waits until both groups have members, and none of these.
func (s *rowEnv) without(ids map[string]bool) error {
	return s.groups("the sleeper is out of it", func(members []kadm.DescribedGroupMember) bool {
		return len(members) > 0 && !slices.ContainsFunc(members, func(m kadm.DescribedGroupMember) bool { return ids[m.MemberID] })
	})
}

// joined waits until both groups have a member beside these.
func (s *rowEnv) joined(ids map[string]bool) error {
	return s.groups("the new one is in it", func(members []kadm.DescribedGroupMember) bool {
		return slices.ContainsFunc(members, func(m kadm.DescribedGroupMember) bool { return !ids[m.MemberID] })
	})
}

// memberIDs are those of both groups.
func (s *rowEnv) memberIDs() (map[string]bool, error) {
	ids := map[string]bool{}
	return ids, s.groups("it has members", func(members []kadm.DescribedGroupMember) bool {
		for _, m := range members {
			ids[m.MemberID] = true
		}
		return len(members) > 0
	})
}

// listed are the members of both groups, in whatever state those are: a process that
// fell asleep in a rebalance keeps its group from becoming stable.
func (s *rowEnv) listed() (map[string]bool, error) {
	ids := map[string]bool{}
	described, err := s.shared.admin.DescribeGroups(s.ctx, s.classifyGroup(), s.sinkGroup())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotInjected, err)
	}
	for _, g := range described {
		for _, m := range g.Members {
			ids[m.MemberID] = true
		}
	}
	return ids, nil
}

func (s *rowEnv) groups(what string, is func([]kadm.DescribedGroupMember) bool) error {
	for _, group := range []string{s.classifyGroup(), s.sinkGroup()} {
		err := s.bringAbout(time.Minute, "group "+group+": "+what, func() (bool, error) {
			described, err := s.shared.admin.DescribeGroups(s.ctx, group)
			if err != nil {
				return false, err
			}
			g := described[group]
			return g.Err == nil && g.State == "Stable" && is(g.Members), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
