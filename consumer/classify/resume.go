package classify

import (
	"context"
	"errors"
	"fmt"

	"complaints/internal/kafka"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// resume checks the offsets at which assigned partitions are about to start.
//
// The position is the committed offset alone. Where that is missing although the
// outputs hold results of the partition, or lies outside of the log, going on
// would repeat results or skip messages without a word; so it refuses, unless the
// operator said where to go on.
func (s *session) resume(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	// A new client joins its group at once, maybe before newSession has it.
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	topic := s.role.cfg.Topics.Complaints
	// A topic that was created anew since has no commits, which means nothing.
	if id, _, err := kafka.TopicID(ctx, s.stream.Client(), topic); err != nil {
		return nil, err
	} else if id != s.topicID {
		return nil, fmt.Errorf("topic %s had the id %s and has %s now: %w", topic, s.topicID, id, kerr.UnknownTopicID)
	}
	bounds, err := kafka.TopicBounds(ctx, s.stream.Client(), topic)
	if err != nil {
		return nil, err
	}
	var unknown []int32
	for p, o := range offsets[topic] {
		log, at := bounds[p], o.EpochOffset().Offset
		switch {
		case at < 0 && log.End > 0:
			unknown = append(unknown, p)
		case at >= 0 && (at < log.Start || at > log.End):
			if s.role.cfg.From != FromStart {
				return nil, fmt.Errorf("%s/%d: the committed offset %d is outside of the log, which holds %d to %d; give --from %s to go on at its start",
					topic, p, at, log.Start, log.End, FromStart)
			}
			s.log.Error("committed offset is outside of the log, starting at its start", "topic", topic, "partition", p, "committed", at, "start", log.Start)
			offsets[topic][p] = kgo.NewOffset().At(log.Start)
		}
	}
	if len(unknown) == 0 {
		return offsets, nil
	}
	if err := s.resumeUnknown(ctx, offsets[topic], unknown); err != nil {
		return nil, err
	}
	return offsets, s.commitStart(ctx, offsets[topic], unknown, bounds)
}

// commitStart commits where partitions without a commit begin, so that from now
// on a missing commit means a lost one.
func (s *session) commitStart(ctx context.Context, offsets map[int32]kgo.Offset, partitions []int32, bounds map[int32]kafka.Bounds) error {
	topic := s.role.cfg.Topics.Complaints
	begin := map[string]map[int32]kgo.EpochOffset{topic: {}}
	for _, p := range partitions {
		at := offsets[p].EpochOffset().Offset
		if at < 0 {
			at = bounds[p].Start
		}
		begin[topic][p] = kgo.EpochOffset{Epoch: -1, Offset: at}
	}
	var failed error
	s.stream.Client().CommitOffsetsSync(ctx, begin, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = err
		if resp == nil {
			return
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				failed = errors.Join(failed, kerr.ErrorForCode(p.ErrorCode))
			}
		}
	})
	if failed != nil {
		return fmt.Errorf("commit where %s starts: %w", topic, failed)
	}
	return nil
}

// resumeUnknown decides on partitions that hold messages but have no commit.
func (s *session) resumeUnknown(ctx context.Context, offsets map[int32]kgo.Offset, unknown []int32) error {
	if s.role.cfg.From == FromStart {
		s.log.Warn("no committed offset, starting at the start of the log as told", "partitions", unknown)
		return nil
	}
	last, err := s.lastResults(ctx)
	if err != nil {
		return err
	}
	for _, p := range unknown {
		offset, ok := last[p]
		switch {
		case !ok:
			// Nothing was ever classified of it: it starts at its beginning.
		case s.role.cfg.From == FromOutputs:
			s.log.Info("no committed offset, going on after the last result", "partition", p, "offset", offset+1)
			offsets[p] = kgo.NewOffset().At(offset + 1)
		default:
			return fmt.Errorf("%s/%d: group %s has no committed offset, but the outputs hold results up to offset %d; "+
				"give --from %s to go on after them, or --from %s to classify all again (gold_latest hides the repeats)",
				s.role.cfg.Topics.Complaints, p, s.role.cfg.Group, offset, FromOutputs, FromStart)
		}
	}
	return nil
}

// lastResults reads the outputs up to their present end and returns the highest
// source offset that they hold for each partition of the source topic's id.
func (s *session) lastResults(ctx context.Context) (map[int32]int64, error) {
	last := make(map[int32]int64)
	for _, topic := range []string{s.role.cfg.Topics.Classified, s.role.cfg.Topics.DeadLetter} {
		bounds, err := kafka.TopicBounds(ctx, s.stream.Client(), topic)
		if err != nil {
			return nil, err
		}
		spans := make(map[int32]kafka.Span)
		for p, b := range bounds {
			spans[p] = kafka.Span{From: b.Start, To: b.Stable}
		}
		s.log.Info("reading results, since a partition has no committed offset", "topic", topic)
		err = kafka.ReadCommitted(ctx, s.role.cfg.Kafka, kafka.Range{Topic: topic, Spans: spans}, func(r *kgo.Record) error {
			if p, offset, ok := s.sourceOf(r); ok && offset >= last[p] {
				last[p] = offset
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}

// sourceOf says which message of the topic with this id a result or a dead letter
// is of. A dead letter says it in its headers, a result in its value.
func (s *session) sourceOf(r *kgo.Record) (partition int32, offset int64, ok bool) {
	if r.Topic == s.role.cfg.Topics.Classified {
		c, err := schema.DecodeClassified(r.Value)
		return c.Partition, c.Offset, err == nil && c.TopicID == s.topicID
	}
	of, err := schema.DeadLetterSource(func(name string) string { return kafka.HeaderOf(r, name) })
	return of.Partition, of.Offset, err == nil && of.TopicID == s.topicID
}
