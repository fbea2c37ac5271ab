package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
	"complaints/schema"
)

// resultsOf is what the outputs hold of one partition of the complaints.
type resultsOf struct {
	commit int64    // of the group
	seen   *offsets // of messages that have a result
	dead   *offsets // those of seen whose result is a dead letter
}

// results checks that each message below the committed offsets has one result.
func (r *run) results(ctx context.Context) error {
	s := &r.report.Results
	s.Group, s.TopicID = r.cfg.Group, r.ids[r.cfg.Topics.Complaints]
	source, err := r.bounds(ctx, r.cfg.Topics.Complaints)
	if err != nil {
		return err
	}
	found, err := r.commits(ctx, source)
	if err != nil {
		return err
	}
	removed := false // results that retention has removed cannot be missed
	for _, topic := range []string{r.cfg.Topics.Classified, r.cfg.Topics.DeadLetter} {
		out, err := r.bounds(ctx, topic)
		if err != nil {
			return err
		}
		if err := r.scan(ctx, topic, out, ends(out), func(rec *kgo.Record) { r.result(rec, found) }); err != nil {
			return err
		}
		for partition, b := range out {
			if b.start == 0 {
				continue
			}
			if topic == r.cfg.Topics.Classified && r.has(schema.Gold) {
				if err := r.resultsFromGold(ctx, partition, b.start, found); err != nil {
					return err
				}
			} else {
				removed = true
			}
		}
	}
	return r.compare(ctx, source, found, removed)
}

// commits reads the committed offsets of the group.
func (r *run) commits(ctx context.Context, source map[int32]bounds) (map[int32]*resultsOf, error) {
	committed, err := r.admin.FetchOffsets(ctx, r.cfg.Group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("committed offsets of %s: %w", r.cfg.Group, err)
	}
	found := map[int32]*resultsOf{}
	for partition := range source {
		found[partition] = &resultsOf{seen: newOffsets(), dead: newOffsets()}
		if c, ok := committed.Lookup(r.cfg.Topics.Complaints, partition); ok {
			found[partition].commit = max(c.At, 0)
		}
	}
	return found, nil
}

// result notes a result of an output topic.
func (r *run) result(rec *kgo.Record, found map[int32]*resultsOf) {
	where := fmt.Sprintf("%s/%d", rec.Topic, rec.Partition)
	source, err := sourceOf(rec, rec.Topic == r.cfg.Topics.DeadLetter)
	if err != nil {
		r.report.fault(1, Fault{Corrupt, where, rec.Offset, rec.Offset + 1, err.Error()})
		return
	}
	r.note(source, rec.Topic == r.cfg.Topics.DeadLetter, where, rec.Offset, found)
}

func (r *run) note(source schema.Source, dead bool, where string, offset int64, found map[int32]*resultsOf) {
	if source.TopicID != r.ids[r.cfg.Topics.Complaints] {
		r.report.Results.OtherTopic++
		return
	}
	of := found[source.Partition]
	if of == nil || source.Offset < 0 {
		r.report.fault(1, Fault{Foreign, where, offset, offset + 1, fmt.Sprintf("it is the result of %s/%d@%d, which does not exist", source.Topic, source.Partition, source.Offset)})
		return
	}
	if !of.seen.add(source.Offset) {
		r.report.fault(1, Fault{Repeat, where, offset, offset + 1, fmt.Sprintf("%s/%d@%d has another result already", source.Topic, source.Partition, source.Offset)})
		return
	}
	if dead {
		of.dead.add(source.Offset)
	}
}

// sourceOf says which message a result is of.
func sourceOf(rec *kgo.Record, dead bool) (schema.Source, error) {
	if !dead {
		c, err := schema.DecodeClassified(rec.Value)
		if err != nil {
			return schema.Source{}, fmt.Errorf("it is no classified complaint: %w", err)
		}
		return c.Source, nil
	}
	return schema.DeadLetterSource(func(name string) string { return kafka.HeaderOf(rec, name) })
}

// compare reads the complaints and takes each from the results that were seen.
func (r *run) compare(ctx context.Context, source map[int32]bounds, found map[int32]*resultsOf, removed bool) error {
	marks, gaps := map[int32]int64{}, map[int32]*offsets{}
	for partition, of := range found {
		marks[partition] = min(of.commit, source[partition].end)
		gaps[partition] = newOffsets()
	}
	message := func(partition int32, offset int64) {
		r.report.Results.Messages++
		of := found[partition]
		switch {
		case !of.seen.remove(offset):
			gaps[partition].add(offset)
		case of.dead.has(offset):
			r.report.Results.DeadLettered++
		default:
			r.report.Results.Classified++
		}
	}
	err := r.scan(ctx, r.cfg.Topics.Complaints, source, marks, func(rec *kgo.Record) { message(rec.Partition, rec.Offset) })
	if err != nil {
		return err
	}
	for partition, of := range found {
		where := fmt.Sprintf("%s/%d", r.cfg.Topics.Complaints, partition)
		start := min(source[partition].start, of.commit)
		if start > 0 && r.has(schema.Bronze) {
			err := r.rowsBelow(ctx, schema.Bronze, part{r.ids[r.cfg.Topics.Complaints], partition}, start, func(offset int64) {
				r.report.Results.FromBronze++
				message(partition, offset)
			})
			if err != nil {
				return err
			}
		}
		r.leftOver(of, where, start)
		if removed {
			r.report.Results.NotCheckable += gaps[partition].count()
		} else {
			r.report.faults(Gap, where, "no result", gaps[partition])
		}
	}
	return nil
}

// leftOver judges results that no message was found for.
func (r *run) leftOver(of *resultsOf, where string, start int64) {
	foreign := newOffsets()
	for offset := range of.seen.all() {
		switch {
		case offset >= of.commit:
			r.report.Results.Later++
		case offset < start:
			r.report.Results.NotCheckable++
		default:
			foreign.add(offset)
		}
	}
	r.report.faults(Foreign, where, "a result of a message that is not committed", foreign)
}
