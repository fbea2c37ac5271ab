package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"complaints/consumer/rows"
	"complaints/internal/lake"
	"complaints/schema"
)

// find finds the messages and results of the id. A day that is given is all that is
// read of the lake. Without one Kafka is asked first, and the lake only where Kafka
// has no result, or all is asked for.
func (t *tracer) find(ctx context.Context) error {
	if len(t.Days) == 0 && t.kafka != nil {
		if err := t.searchKafka(ctx); err != nil {
			return err
		}
		if len(t.report.Decisions) > 0 && !t.All {
			t.note("older results, which the topic no longer has, were not looked for: --all reads all days of the lake")
			return nil
		}
	}
	if err := t.searchLayer(ctx, schema.Gold, t.addGold); err != nil || len(t.report.Decisions) > 0 {
		return err
	}
	// A lake without gold, or a message without a result.
	if err := t.searchLayer(ctx, schema.Silver, t.addSilver); err != nil || len(t.report.Decisions) > 0 {
		return err
	}
	if err := t.searchLayer(ctx, schema.Bronze, t.addBronze); err != nil {
		return err
	}
	if len(t.report.Decisions) == 0 {
		t.note("nothing that was searched has this id: it was never published, an erasure or retention has taken it, or another day has it")
	}
	return nil
}

// objectsAtOnce is how many objects are read at the same time.
const objectsAtOnce = 8

// searchLayer reads the ids of a layer, of the days that were given or of all.
func (t *tracer) searchLayer(ctx context.Context, layer schema.Layer, add func(*lake.ParquetFile, []int64) error) error {
	days := t.Days
	if len(days) == 0 {
		var err error
		if days, err = lake.Days(ctx, t.store, layer); err != nil {
			return err
		}
	}
	read := t.store.objects.Load()
	var mu sync.Mutex
	for _, day := range days {
		err := t.eachMention(ctx, layer, day, func(f *lake.ParquetFile, _ string, at []int64) error {
			mu.Lock()
			defer mu.Unlock()
			return add(f, at)
		})
		if err != nil {
			return fmt.Errorf("%s of %s: %w", layer, day, err)
		}
	}
	of := fmt.Sprintf("%d days", len(days))
	if len(days) == 1 {
		of = string(days[0])
	}
	t.report.Searched = append(t.report.Searched, fmt.Sprintf("%s of %s, %d objects", layer, of, t.store.objects.Load()-read))
	return nil
}

// eachMention calls each, from several goroutines, with the objects of a layer and day
// that have rows of the id, and the numbers of these.
func (t *tracer) eachMention(ctx context.Context, layer schema.Layer, day schema.Day, each func(f *lake.ParquetFile, key string, at []int64) error) error {
	format, err := rows.Of(layer, rows.Config{Mapping: t.Mapping})
	if err != nil {
		return err
	}
	keys, err := lake.EachOnce(ctx, t.store, layer, day)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(objectsAtOnce)
	for _, key := range keys {
		g.Go(func() error {
			err := lake.WithParquet(ctx, t.store, key, func(f *lake.ParquetFile) error {
				at, err := format.Mentions(f, rows.OneID(t.ComplaintID))
				if err != nil || len(at) == 0 {
					return err
				}
				return each(f, key, at)
			})
			if errors.Is(err, lake.ErrNotFound) { // removed by its age meanwhile
				return nil
			}
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func (t *tracer) addGold(f *lake.ParquetFile, at []int64) error {
	found, err := rows.GoldRowsAt(f, at)
	for i := range found {
		r := &found[i]
		t.decision(
			t.result(f, r.KafkaPartition, r.KafkaOffset, r.KafkaTimestamp),
			Position{r.SourceTopic, r.SourceTopicID, r.SourcePartition, r.SourceOffset, schema.Time(r.SourceTimestamp), Unknown},
		)
	}
	return err
}

func (t *tracer) addSilver(f *lake.ParquetFile, at []int64) error {
	found, err := lake.RowsAt[schema.SilverRow](f, at)
	for i := range found {
		r := &found[i]
		t.decision(
			t.result(f, r.KafkaPartition, r.KafkaOffset, r.KafkaTimestamp),
			Position{t.Topics.Complaints, r.SourceTopicID, r.SourcePartition, r.SourceOffset, schema.Time(r.SourceTimestamp), Unknown},
		)
	}
	return err
}

func (t *tracer) result(f *lake.ParquetFile, partition int32, offset, timestamp int64) Position {
	return Position{t.Topics.Classified, f.Footer(lake.FooterTopicID), partition, offset, schema.Time(timestamp), Unknown}
}

// addBronze adds messages without a result.
func (t *tracer) addBronze(f *lake.ParquetFile, at []int64) error {
	found, err := lake.RowsAt[schema.BronzeRow](f, at)
	for i := range found {
		r := &found[i]
		t.report.Decisions = append(t.report.Decisions, &Decision{Parts: []Part{}, Message: Position{
			r.KafkaTopic, r.KafkaTopicID, r.KafkaPartition, r.KafkaOffset, schema.Time(r.KafkaTimestamp), Unknown,
		}})
		t.note("offset %d of %s/%d has no result in what was searched: it is not classified yet, it was dead-lettered, or another day has its result", r.KafkaOffset, r.KafkaTopic, r.KafkaPartition)
	}
	return err
}

// labels reads what people said: all days of the layer, for a label may come at any
// time.
func (t *tracer) labels(ctx context.Context) error {
	days, err := lake.Days(ctx, t.store, schema.Labels)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	for _, day := range days {
		err := t.eachMention(ctx, schema.Labels, day, func(f *lake.ParquetFile, key string, at []int64) error {
			found, err := lake.RowsAt[schema.LabelRow](f, at)
			mu.Lock()
			defer mu.Unlock()
			for _, r := range found {
				t.report.Labels = append(t.report.Labels, Label{key, r.Category, r.Taxonomy, r.LabelledBy, schema.Time(r.LabelledAt), r.Source, r})
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("labels of %s: %w", day, err)
		}
	}
	slices.SortFunc(t.report.Labels, func(a, b Label) int {
		if a.row.Newer(&b.row) {
			return -1
		}
		return 1
	})
	return nil
}
