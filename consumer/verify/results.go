package verify

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
	"complaints/schema"
)

// noteResult notes which message a record of an output topic is the result of.
func (r *run) noteResult(rec *kgo.Record) {
	at := position{fmt.Sprintf("%s/%d", rec.Topic, rec.Partition), rec.Offset}
	dead := rec.Topic == r.cfg.Topics.DeadLetter
	source, err := sourceOf(rec, dead)
	if err != nil {
		r.report.fault(1, at.fault(Damaged, err.Error()))
		return
	}
	r.note(source, dead, at)
}

// position is where a result stands.
type position struct {
	where  string
	offset int64
}

func (p position) fault(kind Kind, detail string) Fault {
	return Fault{kind, p.where, p.offset, p.offset + 1, detail}
}

func (r *run) note(source schema.Source, dead bool, at position) {
	if source.TopicID != r.ids[r.cfg.Topics.Complaints] {
		r.report.Results.OtherTopic++
		return
	}
	p := r.partitions[partitionID{source.TopicID, source.Partition}]
	if p == nil || source.Offset < 0 {
		r.report.fault(1, at.fault(Foreign, fmt.Sprintf("it is the result of %s/%d@%d, which does not exist", source.Topic, source.Partition, source.Offset)))
		return
	}
	if !p.found.add(source.Offset) {
		r.report.fault(1, at.fault(Repeat, fmt.Sprintf("%s/%d@%d has another result already", source.Topic, source.Partition, source.Offset)))
		return
	}
	if dead {
		p.dead.add(source.Offset)
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

// compareResults checks that each message below the committed offsets has one result.
func (r *run) compareResults(ctx context.Context) error {
	s := &r.report.Results
	s.Group, s.TopicID = r.cfg.Group, r.ids[r.cfg.Topics.Complaints]
	var ahead int64
	for _, p := range r.partitionsOf(r.cfg.Topics.Complaints) {
		gaps, err := p.matchResults(ctx)
		if err != nil {
			return err
		}
		if r.removed {
			s.NotCheckable += gaps.count() // the result may have been among those
		} else {
			r.report.faults(Gap, p.String(), "no result", gaps)
		}
		ahead += p.judgeUnmatched()
	}
	if ahead > 0 {
		r.report.fault(ahead, Fault{Kind: Ahead, Where: "group " + r.cfg.Group, Detail: fmt.Sprintf(
			"%d results are of messages past its committed offsets, which were read again; was the group reset, or is it another's?", ahead)})
	}
	return nil
}

// matchResults takes each message from the results that were found, and returns
// those that have none.
func (p *partition) matchResults(ctx context.Context) (gaps *offsets, err error) {
	gaps = newOffsets()
	s := &p.run.report.Results
	match := func(offset int64) {
		s.Messages++
		switch {
		case !p.found.remove(offset):
			gaps.add(offset)
		case p.dead.has(offset):
			s.DeadLettered++
		default:
			s.Classified++
		}
	}
	for offset := range p.visible.all() {
		if offset < p.commit {
			match(offset)
		} else {
			s.NotClassified++
		}
	}
	unread, err := p.matchRemoved(ctx, match)
	p.run.report.faults(Gap, p.String(), "removed from the topic before they were classified", unread)
	return gaps, err
}

// judgeUnmatched judges results that no message was found for, and returns how many
// are past the committed offset.
func (p *partition) judgeUnmatched() (ahead int64) {
	foreign := newOffsets()
	for offset := range p.found.all() {
		switch {
		case offset >= max(p.latest, p.commit) && !p.run.noCommits:
			ahead++
		case offset >= p.commit:
			p.run.report.Results.Later++
		case offset < p.bounds.Start:
			p.run.report.Results.NotCheckable++
		default:
			foreign.add(offset)
		}
	}
	p.run.report.faults(Foreign, p.String(), "a result of a message that is not committed", foreign)
	return ahead
}
