package classify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"complaints/internal/kafka"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// reset is what an operator did to the group: partitions whose committed offset no
// consumer has committed, and what the topics held before this process began.
//
// A consumer's commit carries its member id as metadata, and those of the tools
// that set offsets carry none.
type reset struct {
	role    *Role
	topicID string
	commits map[int32]int64
	source  map[int32]kafka.Bounds
	outputs map[string]map[int32]kafka.Span // by topic
}

// lookForReset returns what counts and logs the messages that a reset of the group
// repeats or leaves out, or nil if there was none. Counting reads the outputs, so it
// goes on beside the sessions.
func (r *Role) lookForReset(ctx context.Context) (report func(context.Context), err error) {
	cl, err := kgo.NewClient(r.cfg.Kafka...)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	found := reset{role: r, commits: map[int32]int64{}, outputs: map[string]map[int32]kafka.Span{}}
	committed, err := kadm.NewClient(cl).FetchOffsetsForTopics(ctx, r.cfg.Group, r.cfg.Topics.Complaints)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("committed offsets of %s: %w", r.cfg.Group, err)
	}
	for partition, o := range committed[r.cfg.Topics.Complaints] {
		if o.At >= 0 && o.Metadata == "" && o.Err == nil {
			found.commits[partition] = o.At
		}
	}
	if len(found.commits) == 0 {
		return nil, nil
	}
	if found.topicID, _, err = kafka.TopicID(ctx, cl, r.cfg.Topics.Complaints); err != nil {
		return nil, err
	}
	if found.source, err = kafka.TopicBounds(ctx, cl, r.cfg.Topics.Complaints); err != nil {
		return nil, err
	}
	for _, topic := range []string{r.cfg.Topics.Classified, r.cfg.Topics.DeadLetter} {
		bounds, err := kafka.TopicBounds(ctx, cl, topic)
		if err != nil {
			return nil, err
		}
		found.outputs[topic] = wholeLog(bounds)
	}
	return found.report, nil
}

// wholeLog is all that a reader of committed records sees now.
func wholeLog(bounds map[int32]kafka.Bounds) map[int32]kafka.Span {
	spans := map[int32]kafka.Span{}
	for partition, b := range bounds {
		spans[partition] = kafka.Span{From: b.Start, To: b.Stable}
	}
	return spans
}

// report logs how many messages the reset repeats, and how many it leaves out.
func (r *reset) report(ctx context.Context) {
	log, group := r.role.cfg.Logger, r.role.cfg.Group
	repeated, leftOut, err := r.count(ctx)
	if err != nil {
		if ctx.Err() == nil {
			log.Warn("the group was reset, and the messages that this repeats or leaves out cannot be counted", "group", group, "err", err)
		}
		return
	}
	if n, partitions := sum(repeated); n > 0 {
		log.Warn("the group was reset to earlier offsets; results of these messages stand in the outputs already and come again",
			"messages", n, "partitions", partitions, "group", group)
	}
	if n, partitions := sum(leftOut); n > 0 {
		log.Warn("the group was reset to later offsets; these messages are left out", "messages", n, "partitions", partitions, "group", group)
	}
}

func sum(byPartition map[int32]int64) (n int64, partitions []int32) {
	for partition, count := range byPartition {
		n += count
		partitions = append(partitions, partition)
	}
	slices.Sort(partitions)
	return n, partitions
}

// count counts results past the committed offsets, and messages between the last
// result and the committed offset.
func (r *reset) count(ctx context.Context) (repeated, leftOut map[int32]int64, err error) {
	repeated, leftOut = map[int32]int64{}, map[int32]int64{}
	last := map[int32]int64{}
	whole := true // no result was removed
	for topic, spans := range r.outputs {
		for _, span := range spans {
			whole = whole && span.From == 0
		}
		err := kafka.ReadCommitted(ctx, r.role.cfg.Kafka, kafka.Range{Topic: topic, Spans: spans}, func(rec *kgo.Record) error {
			partition, offset, ok := sourceOf(rec, r.role.cfg.Topics.Classified, r.topicID)
			commit, reset := r.commits[partition]
			if !ok || !reset {
				return nil
			}
			if offset >= commit {
				repeated[partition]++
			}
			last[partition] = max(last[partition], offset+1)
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	between := map[int32]kafka.Span{}
	for partition, commit := range r.commits {
		if next, ok := last[partition]; ok || whole {
			between[partition] = kafka.Span{From: max(next, r.source[partition].Start), To: min(commit, r.source[partition].Stable)}
		}
	}
	err = kafka.ReadCommitted(ctx, r.role.cfg.Kafka, kafka.Range{Topic: r.role.cfg.Topics.Complaints, Spans: between}, func(rec *kgo.Record) error {
		leftOut[rec.Partition]++
		return nil
	})
	return repeated, leftOut, err
}
