package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// readCommits reads the committed offsets of both groups.
func (r *run) readCommits(ctx context.Context) error {
	classified, err := r.committed(ctx, r.cfg.Group)
	if err != nil {
		return err
	}
	r.noCommits = true
	for _, p := range r.partitionsOf(r.cfg.Topics.Complaints) {
		if c, ok := classified.Lookup(p.topic, p.number); ok && c.At >= 0 {
			p.commit, p.latest, r.noCommits = c.At, c.At, false
		}
	}
	if r.noCommits {
		r.report.fault(1, Fault{Kind: Missing, Where: "group " + r.cfg.Group, Detail: fmt.Sprintf(
			"it has no committed offset of topic %s, so nothing of the topic is proven; is the group's name right, and does its consumer run?", r.cfg.Topics.Complaints)})
	}
	if r.cfg.SinkGroup == "" {
		return nil
	}
	sinkOffsets, err := r.committed(ctx, r.cfg.SinkGroup)
	if err != nil {
		return err
	}
	for _, topic := range r.topics() {
		for _, p := range r.partitionsOf(topic) {
			if c, ok := sinkOffsets.Lookup(topic, p.number); ok {
				p.sinkCommit = max(c.At, 0)
			}
		}
	}
	return nil
}

func (r *run) committed(ctx context.Context, group string) (kadm.OffsetResponses, error) {
	committed, err := r.admin.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("committed offsets of %s: %w", group, err)
	}
	return committed, nil
}

// errBehind says that the committed offsets are behind the results.
var errBehind = errors.New("results stand past the committed offsets")

// readCommitsAgain waits a little for the committed offsets to pass all results that
// were read: results and offsets are one transaction, and readers see its parts one
// after the other. Results that are past the offsets even then are none of it.
func (r *run) readCommitsAgain(ctx context.Context) error {
	if r.noCommits {
		return nil
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		committed, err := r.committed(kadm.RequireStable(ctx), r.cfg.Group)
		if err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		for _, p := range r.partitionsOf(r.cfg.Topics.Complaints) {
			if c, ok := committed.Lookup(p.topic, p.number); ok {
				p.latest = c.At
			}
			if p.found.last() >= p.latest {
				err = errBehind
			}
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(r.cfg.CommitWait), backoff.WithBackOff(backoff.NewConstantBackOff(200*time.Millisecond)))
	if errors.Is(err, errBehind) {
		return nil // compareResults counts them
	}
	return err
}
