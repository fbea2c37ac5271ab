package trace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
	"complaints/schema"
)

// kafkaTimeout is how long Kafka may take to say what it has. The lake goes without.
const kafkaTimeout = 15 * time.Second

// topics is what Kafka has of the two topics, by their ids.
type topics map[string]log

// log is a topic.
type log struct {
	name       string
	partitions int
	bounds     map[int32]kafka.Bounds
}

// openKafka asks which offsets the topics have. Where Kafka does not answer, the lake
// is all there is.
func (t *tracer) openKafka(ctx context.Context) error {
	if t.KafkaOpts == nil {
		return nil
	}
	client, err := kgo.NewClient(t.KafkaOpts...)
	if err != nil {
		return err
	}
	defer client.Close()
	asking, cancel := context.WithTimeout(ctx, kafkaTimeout)
	defer cancel()
	found := topics{}
	for _, name := range []string{t.Topics.Complaints, t.Topics.Classified} {
		id, n, err := kafka.TopicID(asking, client, name)
		var bounds map[int32]kafka.Bounds
		if err == nil {
			bounds, err = kafka.TopicBounds(asking, client, name)
		}
		if err != nil {
			t.note("Kafka could not be asked: %v", err)
			return ctx.Err()
		}
		found[id] = log{name, n, bounds}
	}
	t.kafka = found
	return nil
}

// askKafka says whether Kafka still has the message and the result.
func (t *tracer) askKafka(d *Decision) {
	for _, p := range []*Position{&d.Message, d.Result} {
		if p != nil {
			p.Kafka = t.kafka.state(p)
		}
	}
}

func (t topics) state(p *Position) State {
	if t == nil {
		return Unknown
	}
	bounds, ok := t[p.TopicID].bounds[p.Partition]
	if ok && p.Offset >= bounds.Start {
		return Present
	}
	return Removed // with its topic, where that has another id now
}

// searchKafka finds the results that the classified topic still has. The id is their
// key, so all are in one partition, as long as the topic has the partitions that it had.
func (t *tracer) searchKafka(ctx context.Context) error {
	for id, l := range t.kafka {
		if l.name != t.Topics.Classified {
			continue
		}
		key := &kgo.Record{Topic: l.name, Key: []byte(t.ComplaintID)}
		partition := int32(kgo.StickyKeyPartitioner(nil).ForTopic(l.name).Partition(key, l.partitions))
		b := l.bounds[partition]
		t.report.Searched = append(t.report.Searched, fmt.Sprintf("%s/%d, offsets %d up to %d", l.name, partition, b.Start, b.Stable))
		err := kafka.ReadCommitted(ctx, t.KafkaOpts, kafka.Range{
			Topic: l.name, TopicID: id, Spans: map[int32]kafka.Span{partition: {From: b.Start, To: b.Stable}},
		}, func(r *kgo.Record) error {
			t.report.Cost.Records++
			if string(r.Key) == t.ComplaintID {
				t.addResult(id, r)
			}
			return nil
		})
		if errors.Is(err, kerr.OffsetOutOfRange) {
			t.note("%s/%d was not searched to its end: %v", l.name, partition, err)
			err = nil
		}
		return err
	}
	return nil
}

// addResult adds the decision of a result.
func (t *tracer) addResult(topicID string, r *kgo.Record) {
	c, err := schema.DecodeClassified(append([]byte(nil), r.Value...))
	if err != nil {
		t.note("%s/%d has no result at offset %d: %s", r.Topic, r.Partition, r.Offset, plain(err))
		return
	}
	d := t.decision(Position{
		Topic: r.Topic, TopicID: topicID, Partition: r.Partition, Offset: r.Offset, Timestamp: schema.TimeOfMillis(kafka.Millis(r)),
	}, positionOf(c.Source))
	d.received, d.from = &c.Complaint, FromResult
	d.Answer = &Answer{
		Category: c.Category, CategoryCode: c.CategoryCode, Probability: c.Probability, Probabilities: c.Probabilities, NeedsReview: c.NeedsReview,
		TrueCategory: c.TrueCategory, Taxonomy: c.Taxonomy, ModelVersion: c.ModelVersion, ClassifiedAt: c.ClassifiedAt,
	}
}

func positionOf(s schema.Source) Position {
	return Position{Topic: s.Topic, TopicID: s.TopicID, Partition: s.Partition, Offset: s.Offset, Timestamp: s.Timestamp}
}

// decision returns the decision of a result, a new one if it is not known yet.
func (t *tracer) decision(result, message Position) *Decision {
	if d := t.found[result.place()]; d != nil {
		return d
	}
	d := &Decision{Message: message, Result: &result, Parts: []Part{}}
	t.found[result.place()] = d
	t.report.Decisions = append(t.report.Decisions, d)
	return d
}
