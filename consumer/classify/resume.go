package classify

import (
	"context"
	"fmt"

	"complaints/internal/kafka"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
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
	var unknown, empty []int32
	for p, o := range offsets[topic] {
		log, at := bounds[p], o.EpochOffset().Offset
		switch {
		case at < 0 && log.End > 0:
			unknown = append(unknown, p)
		case at < 0:
			empty = append(empty, p)
		case at >= 0 && (at < log.Start || at > log.End):
			if err := s.leave(ctx, p, at, log); err != nil {
				return nil, fmt.Errorf("%s/%d: the committed offset %d is outside of the log, which holds %d to %d: %w",
					topic, p, at, log.Start, log.End, err)
			}
			offsets[topic][p] = kgo.NewOffset().At(log.Start)
		}
	}
	if len(unknown) > 0 {
		if err := s.resumeUnknown(ctx, offsets[topic], unknown); err != nil {
			return nil, err
		}
	}
	if unknown = append(unknown, empty...); len(unknown) == 0 {
		return offsets, nil
	}
	return offsets, s.commitStart(ctx, offsets[topic], unknown, bounds)
}

// Hole is a run of offsets of a partition that the log no longer has.
type Hole struct {
	TopicID    string // 32 hex digits
	Partition  int32
	From, Next int64
}

// leave allows to go on at the start of the log where the committed offset lies
// outside of it. Markers and aborted records that are gone are no loss; messages
// are one, which the operator must accept.
func (s *session) leave(ctx context.Context, partition int32, committed int64, log kafka.Bounds) error {
	accepted := s.role.cfg.From == FromStart
	if committed > log.End {
		if !accepted {
			return fmt.Errorf("give --from %s to go on at its start", FromStart)
		}
		s.log.Error("committed offset lies behind the end of the log; going on at its start", "partition", partition, "committed", committed, "start", log.Start)
		return nil
	}
	removed, known := log.Start-committed, false
	if ask := s.role.cfg.Removed; ask != nil && !accepted {
		n, told, err := ask(ctx, Hole{TopicID: s.topicID, Partition: partition, From: committed, Next: log.Start})
		if err != nil {
			return fmt.Errorf("look in the lake for what was removed: %w", err)
		}
		if told {
			removed, known = n, true
		}
	}
	switch {
	case known && removed == 0:
		s.log.Info("no message stood between the committed offset and the start of the log", "partition", partition, "committed", committed, "start", log.Start)
	case accepted:
		s.log.Error("messages were removed before they were classified; going on at the start of the log as told", "partition", partition, "committed", committed, "start", log.Start)
	case known:
		return fmt.Errorf("%d messages were removed before they were classified; %s", removed, goOn)
	default:
		return fmt.Errorf("up to %d messages were removed before they were classified; %s", removed, goOn)
	}
	return nil
}

// goOn names all that has to be given where retention was faster than the consumers.
const goOn = "give --from start to go on without them, and --accept-loss so that the role sink does too where the lake lacks them"

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
	if err := kafka.Commit(ctx, s.stream.Client(), begin); err != nil {
		return fmt.Errorf("commit where %s starts: %w", topic, err)
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
		spans, offsets := wholeLog(bounds), int64(0)
		for _, span := range spans {
			offsets += span.To - span.From
		}
		if offsets == 0 {
			continue
		}
		s.log.Info("reading results, since a partition has no committed offset", "topic", topic, "offsets", offsets)
		err = kafka.ReadCommitted(ctx, s.role.cfg.Kafka, kafka.Range{Topic: topic, Spans: spans}, func(r *kgo.Record) error {
			if p, offset, ok := sourceOf(r, s.role.cfg.Topics.Classified, s.topicID); ok && offset >= last[p] {
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

// sourceOf says which message of the topic with an id a result or a dead letter
// is of. A dead letter says it in its headers, a result in its value.
func sourceOf(r *kgo.Record, classified, topicID string) (partition int32, offset int64, ok bool) {
	if r.Topic == classified {
		c, err := schema.DecodeClassified(r.Value)
		return c.Partition, c.Offset, err == nil && c.TopicID == topicID
	}
	of, err := schema.DeadLetterSource(func(name string) string { return kafka.HeaderOf(r, name) })
	return of.Partition, of.Offset, err == nil && of.TopicID == topicID
}
