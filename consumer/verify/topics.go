package verify

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
	"complaints/schema"
)

// readOutputs reads the results, up to the present ends of their topics, and takes
// those that retention has removed from gold.
func (r *run) readOutputs(ctx context.Context) error {
	for _, topic := range []string{r.cfg.Topics.Classified, r.cfg.Topics.DeadLetter} {
		// The end is the high watermark: a transaction that is open below it may be
		// one whose offsets were read as committed.
		err := r.readTopic(ctx, topic, func(p *partition) int64 { return p.bounds.End }, r.noteResult)
		if err != nil {
			return err
		}
		for _, p := range r.partitionsOf(topic) {
			switch {
			case p.bounds.Start == 0:
			case topic == r.cfg.Topics.Classified && r.has(schema.Gold):
				if err := p.readResultsFromGold(ctx); err != nil {
					return err
				}
			default:
				r.removed = true
			}
		}
	}
	return nil
}

// readSources reads the messages and the labels, as far as the groups and the
// chains are and a reader sees them.
func (r *run) readSources(ctx context.Context) error {
	topics := []string{r.cfg.Topics.Complaints}
	if r.has(schema.Labels) {
		topics = append(topics, r.cfg.Topics.Labels)
	}
	for _, topic := range topics {
		if err := r.readTopic(ctx, topic, (*partition).claimed, nil); err != nil {
			return err
		}
	}
	return nil
}

// claimed is how far a topic is read of which other parts of the system say how far
// they are.
func (p *partition) claimed() int64 {
	mark := max(p.commit, p.sinkCommit)
	for _, c := range p.chains {
		mark = max(mark, c.next)
	}
	return max(min(mark, p.bounds.End), p.bounds.Stable)
}

// readTopic notes which records a reader of committed records sees in a topic from
// its start up to a mark, and hands them on. It waits for open transactions below
// the mark.
func (r *run) readTopic(ctx context.Context, topic string, mark func(*partition) int64, each func(*kgo.Record)) error {
	bounds, err := kafka.TopicBounds(ctx, r.client, topic)
	if err != nil {
		return err
	}
	spans := map[int32]kafka.Span{}
	for number, b := range bounds {
		p := r.partition(topic, partitionID{r.ids[topic], number})
		p.bounds = b
		spans[number] = kafka.Span{From: b.Start, To: mark(p)}
	}
	seen := 0
	all := kafka.Range{Topic: topic, TopicID: r.ids[topic], Spans: spans, Stall: r.cfg.Stall}
	return kafka.ReadCommitted(ctx, r.cfg.KafkaOpts, all, func(rec *kgo.Record) error {
		r.partitions[partitionID{r.ids[topic], rec.Partition}].visible.add(rec.Offset)
		if each != nil {
			each(rec)
		}
		seen++
		r.progress("%s: %d records read", topic, seen)
		return nil
	})
}
