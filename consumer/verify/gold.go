package verify

import (
	"context"
	"errors"

	"complaints/internal/lake"
	"complaints/schema"
)

// resultsFromGold takes results from gold that retention has removed from the
// classified topic: those of a partition below its start.
func (r *run) resultsFromGold(ctx context.Context, partition int32, start int64, found map[int32]*resultsOf) error {
	p := part{r.ids[r.cfg.Topics.Classified], partition}
	return r.linksBelow(ctx, schema.Gold, p, start, func(l *schema.Claim) error {
		for day := range l.Rows {
			if err := r.goldObject(ctx, l, day, start, found); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *run) goldObject(ctx context.Context, l *schema.Claim, day schema.Day, start int64, found map[int32]*resultsOf) error {
	if _, err := readObject(ctx, r.cfg.Store, l, day); err != nil {
		var damaged *objectError
		if errors.As(err, &damaged) || errors.Is(err, lake.ErrNotFound) {
			return nil // the check of the layer reports it
		}
		return err
	}
	return lake.EachRowOf(ctx, r.cfg.Store, l.ObjectKey(day), func(row *schema.GoldRow) error {
		if row.KafkaOffset >= start || row.RecordError != nil && *row.RecordError != schema.Erased {
			return nil
		}
		r.report.Results.FromGold++
		source := schema.Source{Topic: row.SourceTopic, TopicID: row.SourceTopicID, Partition: row.SourcePartition, Offset: row.SourceOffset}
		r.note(source, false, l.ObjectKey(day), row.KafkaOffset, found)
		return nil
	})
}
