package trace

import (
	"context"
	"errors"
	"fmt"
	"math"

	"complaints/consumer/rows"
	"complaints/internal/lake"
	"complaints/schema"
)

// place is where a record lies in Kafka.
type place struct {
	topicID   string
	partition int32
	offset    int64
}

func (p *Position) place() place { return place{p.TopicID, p.Partition, p.Offset} }

// parts reads the rows of a decision, each by its position.
func (t *tracer) parts(ctx context.Context, d *Decision) error {
	if err := t.bronze(ctx, d); err != nil || d.Result == nil {
		return err
	}
	for _, folder := range []schema.Layer{schema.Silver, schema.Silver.Daily()} {
		row, err := partOf(ctx, t, d, folder, silverRows)
		if err != nil {
			return err
		}
		if row != nil && row.RecordError == nil {
			d.setSilver(row, t.Text)
		}
	}
	for _, folder := range []schema.Layer{schema.Gold, schema.Gold.Daily()} {
		row, err := partOf(ctx, t, d, folder, goldRows)
		if err != nil {
			return err
		}
		if row != nil && row.RecordError == nil {
			d.setGold(row)
		}
	}
	return nil
}

// kind is how the rows of a type are read, by their numbers, and what tells an erased one.
type kind[Row any] struct {
	read   func(*lake.ParquetFile, []int64) ([]Row, error)
	erased func(*Row) bool
}

var (
	bronzeRows = kind[schema.BronzeRow]{lake.RowsAt[schema.BronzeRow], func(r *schema.BronzeRow) bool {
		return r.Value == nil && len(r.Headers) == 1 && r.Headers[0].Key == schema.HeaderErased
	}}
	silverRows = kind[schema.SilverRow]{lake.RowsAt[schema.SilverRow], func(r *schema.SilverRow) bool { return isErased(r.RecordError) }}
	goldRows   = kind[schema.GoldRow]{rows.GoldRowsAt, func(r *schema.GoldRow) bool { return isErased(r.RecordError) }}
)

func isErased(recordError *string) bool { return recordError != nil && *recordError == schema.Erased }

// bronze reads the message as it came.
func (t *tracer) bronze(ctx context.Context, d *Decision) error {
	row, err := partOf(ctx, t, d, schema.Bronze, bronzeRows)
	if err != nil || row == nil || row.Value == nil {
		return err
	}
	c, err := t.decode(ctx, *row.Value)
	if err != nil {
		t.note("the message in bronze could not be read: %s", plain(err))
		return ctx.Err()
	}
	d.received, d.from = &c, FromBronze
	return nil
}

// decode reads a message as classify does, but for a limit of its text.
func (t *tracer) decode(ctx context.Context, value []byte) (schema.Complaint, error) {
	if t.Schemas != nil {
		if err := t.Schemas.Load(ctx, value); err != nil {
			return schema.Complaint{}, fmt.Errorf("the schema registry gives no answer: %w", err)
		}
		var err error
		if value, err = t.Schemas.Decode(value); err != nil {
			return schema.Complaint{}, err
		}
	}
	c, _, err := t.Mapping.Decode(value, math.MaxInt)
	return c, err
}

// plain is an error without what it may quote of a message.
func plain(err error) string {
	if r, ok := errors.AsType[*schema.Rejection](err); ok {
		return string(r.Reason)
	}
	return err.Error()
}

// partOf finds the row of a decision in a folder of the lake, adds where and whether
// it is there to the parts, and returns it, nil if it is not there.
func partOf[Row any](ctx context.Context, t *tracer, d *Decision, folder schema.Layer, of kind[Row]) (*Row, error) {
	at := d.Result
	if folder == schema.Bronze {
		at = &d.Message
	}
	key, err := objectOf(ctx, t.store, folder, at)
	var row *Row
	if err == nil && key != "" {
		row, err = rowAt(ctx, t.store, key, at.Offset, of.read)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", folder, err)
	case row != nil && of.erased(row):
		d.Parts = append(d.Parts, Part{folder, key, Erased})
	case row != nil:
		d.Parts = append(d.Parts, Part{folder, key, Present})
	case folder == schema.Silver.Daily() || folder == schema.Gold.Daily():
		// Not compacted: that is no loss.
	default:
		state, err := t.missing(ctx, folder, at)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", folder, err)
		}
		d.Parts = append(d.Parts, Part{Layer: folder, State: state})
	}
	return row, nil
}

// objectOf names the object that has the row of a position if any has: of the
// partition's objects of the day the last one that starts before it, "" if none does.
func objectOf(ctx context.Context, store lake.Store, folder schema.Layer, at *Position) (key string, err error) {
	prefix := fmt.Sprintf("%sdt=%s/part-%05d-", lake.LayerPrefix(folder), schema.DayOf(int64(at.Timestamp)), at.Partition)
	for page, err := range lake.Pages(ctx, store, prefix) {
		if err != nil {
			return "", err
		}
		for _, info := range page {
			name, err := schema.ParseObjectKey(info.Key)
			if err != nil {
				return "", err
			}
			if name.TopicID == at.TopicID && name.Start <= at.Offset {
				key = info.Key // they come in the order of their starts
			}
		}
	}
	return key, nil
}

// rowAt reads the row of an offset, nil if the object has none or is gone.
func rowAt[Row any](ctx context.Context, store lake.Store, key string, offset int64, read func(*lake.ParquetFile, []int64) ([]Row, error)) (row *Row, err error) {
	err = lake.WithParquet(ctx, store, key, func(f *lake.ParquetFile) error {
		number, n := int64(-1), int64(0)
		if err := f.Integers("kafka_offset", func(o int64) error {
			if o == offset {
				number = n
			}
			n++
			return nil
		}); err != nil || number < 0 {
			return err
		}
		found, err := read(f, []int64{number})
		if err == nil {
			row = &found[0]
		}
		return err
	})
	if errors.Is(err, lake.ErrNotFound) { // removed by its age meanwhile
		return nil, nil
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", key, err)
	}
	return row, err
}

// missing says why a layer has no row of a position, by the claim that covers it.
func (t *tracer) missing(ctx context.Context, layer schema.Layer, at *Position) (State, error) {
	prefix, key := schema.ClaimPrefix(layer, at.TopicID, at.Partition), ""
	last := (&schema.Claim{Layer: layer, TopicID: at.TopicID, Partition: at.Partition, Start: at.Offset}).Key()
	for page, err := range lake.Pages(ctx, t.store, prefix) {
		if err != nil {
			return "", err
		}
		for _, info := range page {
			if info.Key <= last {
				key = info.Key
			}
		}
	}
	if key == "" {
		return Absent, nil
	}
	body, _, err := t.store.Get(ctx, key)
	if err != nil {
		return "", err
	}
	claim, err := schema.ParseClaim(key, body)
	switch {
	case err != nil:
		return "", err
	case claim.Next <= at.Offset:
		return Absent, nil
	case claim.Lost:
		return Lost, nil
	}
	return Removed, nil
}

// setSilver keeps the complaint as silver has it.
func (d *Decision) setSilver(r *schema.SilverRow, text bool) {
	whole := r.Complaint()
	d.silver = &whole
	shown := whole
	if !text {
		shown.Narrative = ""
	}
	d.Complaint = &shown
}

// setGold keeps the answer of a row.
func (d *Decision) setGold(r *schema.GoldRow) {
	d.Answer = &Answer{
		Category: r.Category, CategoryCode: int(r.CategoryCode), Probability: r.Probability, Probabilities: r.Probabilities.Entries,
		NeedsReview: r.NeedsReview, TrueCategory: textOf(r.TrueCategory), Taxonomy: textOf(r.Taxonomy), ModelVersion: r.ModelVersion,
		ClassifiedAt: schema.Time(r.ClassifiedAt),
	}
	if r.ChallengerVersion != nil && r.ChallengerCategory != nil && r.ChallengerProbability != nil {
		d.Answer.Challenger = &Challenger{*r.ChallengerVersion, *r.ChallengerCategory, *r.ChallengerProbability}
	}
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// note says what could not be told.
func (t *tracer) note(format string, args ...any) {
	t.report.Notes = append(t.report.Notes, fmt.Sprintf(format, args...))
}
