package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/internal/registry"
	"complaints/schema"
	"complaints/trainer/dataset"
)

// Each object of silver gets one object of predictions of its name, created once,
// with as many rows. What is there already is left as it is, so a scoring that was
// stopped goes on where it was, and one of the next day does that day's alone.
// Compacted days are not read: the objects that they were made of stay.

func runScore(ctx context.Context, c *scoreConfig, stdout, stderr io.Writer) error {
	store, err := lake.Open(ctx, c.Lake)
	if err != nil {
		return err
	}
	bundle, err := registry.LoadVersionOrChampion(ctx, store, c.Model)
	if err != nil {
		return err
	}
	s := newScoring(store, bundle, libraryConfig{Quiet: c.Quiet}.progress(stderr))
	if err := s.run(ctx, dataset.Silver{Store: store, Window: c.Window}); err != nil {
		return err
	}
	return s.print(stdout)
}

// scoring lets one model say what all stored complaints are about.
type scoring struct {
	store    lake.Store
	model    *classifier.Classifier
	progress dataset.Progress

	rows, objects, there atomic.Int64 // rows and objects written, and objects that were there
}

func newScoring(store lake.Store, model *classifier.Classifier, progress dataset.Progress) *scoring {
	return &scoring{store: store, model: model, progress: progress}
}

func (s *scoring) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s: %d rows in %d objects below %s; %d objects were there already\n",
		s.model.Version(), s.rows.Load(), s.objects.Load(), schema.PredictionPrefix(s.model.Version()), s.there.Load())
	return err
}

// run scores the days of a window of silver, as many objects at a time as there
// are cores; each is held as a whole, without its texts.
func (s *scoring) run(ctx context.Context, from dataset.Silver) error {
	days, err := from.Days(ctx)
	if err != nil {
		return err
	}
	if len(days) == 0 {
		return errors.New("silver has no rows yet: classify something with a consumer that writes it")
	}
	for i, day := range days {
		if err := s.day(ctx, day); err != nil {
			return err
		}
		s.progress("silver of %s, day %d of %d: %d rows scored", day, i+1, len(days), s.rows.Load())
	}
	return nil
}

func (s *scoring) day(ctx context.Context, day schema.Day) error {
	partitions, err := lake.DayObjects(ctx, s.store, schema.Silver, day)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, objects := range partitions {
		for _, o := range objects {
			g.Go(func() error {
				if err := s.object(ctx, o); err != nil {
					return fmt.Errorf("score %s: %w", o.Key, err)
				}
				return nil
			})
		}
	}
	return g.Wait()
}

// scoredText is what scoring reads of a row of silver.
type scoredText struct {
	Narrative       string  `parquet:"narrative"`
	Company         *string `parquet:"company,optional,dict"`
	TrueCategory    *string `parquet:"true_category,optional,dict"`
	Category        string  `parquet:"category,dict"`
	ModelVersion    string  `parquet:"model_version,dict"`
	SourceTopicID   string  `parquet:"source_topic_id,dict"`
	SourcePartition int32   `parquet:"source_partition"`
	SourceOffset    int64   `parquet:"source_offset"`
	KafkaPartition  int32   `parquet:"kafka_partition"`
	KafkaOffset     int64   `parquet:"kafka_offset"`
	RecordError     *string `parquet:"record_error,optional,dict"`
}

func (s *scoring) object(ctx context.Context, o lake.DayObject) error {
	key := schema.PredictionKey(s.model.Version(), o.ObjectName)
	_, err := s.store.Head(ctx, key)
	if err == nil {
		s.there.Add(1)
		return nil
	}
	if !errors.Is(err, lake.ErrNotFound) {
		return err
	}
	var rows []schema.PredictionRow
	scratch := s.model.NewScratch()
	err = lake.EachRowOf(ctx, s.store, o.Key, func(t *scoredText) error {
		rows = append(rows, s.row(t, scratch))
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	body, err := lake.WriteParquet(rows, nil, map[string]string{lake.FooterRows: fmt.Sprint(len(rows)), footerScored: o.Key, footerModel: s.model.Version()})
	if err != nil {
		return err
	}
	if err := readable(body, len(rows)); err != nil {
		return err
	}
	if err := lake.PutOnce(ctx, s.store, key, body); err != nil {
		return err
	}
	s.rows.Add(int64(len(rows)))
	s.objects.Add(1)
	return nil
}

// The keys of a footer that say what was scored by what.
const (
	footerScored = "complaints.scored"
	footerModel  = "complaints.model"
)

// readable opens a file again before it is published.
func readable(body []byte, rows int) error {
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return err
	}
	if f.Rows() != int64(rows) {
		return fmt.Errorf("%d rows were written and %d can be read", rows, f.Rows())
	}
	return f.Scrub()
}

func (s *scoring) row(t *scoredText, scratch *classifier.Scratch) schema.PredictionRow {
	row := schema.PredictionRow{
		TrueCategory: t.TrueCategory, CategoryBefore: t.Category, ModelBefore: t.ModelVersion, SourceTopicID: t.SourceTopicID,
		SourcePartition: t.SourcePartition, SourceOffset: t.SourceOffset, KafkaPartition: t.KafkaPartition, KafkaOffset: t.KafkaOffset, RecordError: t.RecordError,
	}
	if t.RecordError == nil {
		var fields classifier.Fields
		if t.Company != nil {
			fields.Company = *t.Company
		}
		p := s.model.PredictWith([]byte(t.Narrative), fields, scratch)
		row.SetProbabilities(s.model.Taxonomy(), p.Category, p.Probabilities)
		row.NeedsReview = p.NeedsReview
	}
	return row
}
