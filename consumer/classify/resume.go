package classify

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"complaints/internal/kafka"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kadm"
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
	adm := kadm.NewClient(s.stream.Client())
	starts, err := kafka.Offsets(adm.ListStartOffsets(ctx, topic))
	if err != nil {
		return nil, fmt.Errorf("list the start offsets of %s: %w", topic, err)
	}
	ends, err := kafka.Offsets(adm.ListEndOffsets(ctx, topic))
	if err != nil {
		return nil, fmt.Errorf("list the end offsets of %s: %w", topic, err)
	}
	var unknown []int32
	for p, o := range offsets[topic] {
		start, _ := starts.Lookup(topic, p)
		end, _ := ends.Lookup(topic, p)
		at := o.EpochOffset().Offset
		switch {
		case at < 0 && end.Offset > 0:
			unknown = append(unknown, p)
		case at >= 0 && (at < start.Offset || at > end.Offset):
			if s.role.cfg.From != FromStart {
				return nil, fmt.Errorf("%s/%d: the committed offset %d is outside of the log, which holds %d to %d; give --from %s to go on at its start",
					topic, p, at, start.Offset, end.Offset, FromStart)
			}
			s.log.Error("committed offset is outside of the log, starting at its start", "topic", topic, "partition", p, "committed", at, "start", start.Offset)
			offsets[topic][p] = kgo.NewOffset().At(start.Offset)
		}
	}
	if len(unknown) == 0 {
		return offsets, nil
	}
	if err := s.resumeUnknown(ctx, offsets[topic], unknown); err != nil {
		return nil, err
	}
	return offsets, s.commitStart(ctx, offsets[topic], unknown, starts)
}

// commitStart commits where partitions without a commit begin, so that from now
// on a missing commit means a lost one.
func (s *session) commitStart(ctx context.Context, offsets map[int32]kgo.Offset, partitions []int32, starts kadm.ListedOffsets) error {
	topic := s.role.cfg.Topics.Complaints
	begin := map[string]map[int32]kgo.EpochOffset{topic: {}}
	for _, p := range partitions {
		at := offsets[p].EpochOffset().Offset
		if at < 0 {
			start, _ := starts.Lookup(topic, p)
			at = start.Offset
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
	t := s.role.cfg.Topics
	adm := kadm.NewClient(s.stream.Client())
	ends, err := kafka.Offsets(adm.ListCommittedOffsets(ctx, t.Classified, t.DeadLetter))
	if err != nil {
		return nil, fmt.Errorf("list the end offsets of the outputs: %w", err)
	}
	last := make(map[int32]int64)
	starts, err := kafka.Offsets(adm.ListStartOffsets(ctx, t.Classified, t.DeadLetter))
	if err != nil {
		return nil, fmt.Errorf("list the start offsets of the outputs: %w", err)
	}
	open := make(map[string]map[int32]int64) // partitions that are not read to their end
	total := int64(0)
	ends.Each(func(o kadm.ListedOffset) {
		start, _ := starts.Lookup(o.Topic, o.Partition)
		if o.Offset <= start.Offset {
			return
		}
		if open[o.Topic] == nil {
			open[o.Topic] = make(map[int32]int64)
		}
		open[o.Topic][o.Partition] = o.Offset
		total += o.Offset - start.Offset
	})
	if total == 0 {
		return last, nil
	}
	s.log.Info("reading the outputs, since a partition has no committed offset", "offsets", total)
	return last, s.scan(ctx, open, last)
}

func (s *session) scan(ctx context.Context, open map[string]map[int32]int64, last map[int32]int64) error {
	from := make(map[string]map[int32]kgo.Offset)
	for topic, partitions := range open {
		from[topic] = make(map[int32]kgo.Offset)
		for p := range partitions {
			from[topic][p] = kgo.NewOffset().AtStart()
		}
	}
	cl, err := kgo.NewClient(append(append([]kgo.Opt{}, s.role.cfg.Kafka...),
		kgo.ConsumePartitions(from),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// A partition ends with the marker of a transaction, which must be seen.
		kgo.KeepControlRecords(),
	)...)
	if err != nil {
		return err
	}
	defer cl.Close()
	for len(open) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("read the outputs: %w", err)
		}
		if err := fetchError(fetches); err != nil {
			return fmt.Errorf("read the outputs: %w", err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if p, offset, ok := s.sourceOf(r); ok && offset >= last[p] {
				last[p] = offset
			}
			if r.Offset+1 >= open[r.Topic][r.Partition] {
				delete(open[r.Topic], r.Partition)
				if len(open[r.Topic]) == 0 {
					delete(open, r.Topic)
				}
			}
		})
	}
	return nil
}

// sourceOf says which message of the topic with this id a result or a dead letter
// is of. A dead letter says it in its headers, a result in its value.
func (s *session) sourceOf(r *kgo.Record) (partition int32, offset int64, ok bool) {
	if r.Attrs.IsControl() {
		return 0, 0, false
	}
	if r.Topic == s.role.cfg.Topics.Classified {
		c, err := schema.DecodeClassified(r.Value)
		return c.Partition, c.Offset, err == nil && c.TopicID == s.topicID
	}
	h := make(map[string]string, len(r.Headers))
	for _, kv := range r.Headers {
		h[kv.Key] = string(kv.Value)
	}
	p, errP := strconv.ParseInt(h[schema.HeaderSourcePartition], 10, 32)
	offset, errO := strconv.ParseInt(h[schema.HeaderSourceOffset], 10, 64)
	return int32(p), offset, errP == nil && errO == nil && h[schema.HeaderSourceTopicID] == s.topicID
}
