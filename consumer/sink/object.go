package sink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"complaints/internal/failpoint"
	"complaints/internal/lake"
	"complaints/schema"
)

// byDay splits records, in their order, by the day of their timestamps.
func byDay(records []Record) map[schema.Day][]Record {
	days := map[schema.Day][]Record{}
	var day schema.Day
	from, last := 0, int64(-1)
	for i := range records {
		if n := dayNumber(records[i].Timestamp); i == 0 || n != last {
			if i > from {
				days[day] = appendShared(days[day], records[from:i])
			}
			from, last, day = i, n, schema.DayOf(records[i].Timestamp)
		}
	}
	if len(records) > from {
		days[day] = appendShared(days[day], records[from:])
	}
	return days
}

// appendShared avoids a copy in the usual case of one run a day.
func appendShared(to, run []Record) []Record {
	if to == nil {
		return slices.Clip(run)
	}
	return append(to, run...)
}

// dayNumber tells days apart faster than their names do.
func dayNumber(unixMilli int64) int64 {
	const day = 24 * 60 * 60 * 1000
	n := unixMilli / day
	if unixMilli%day < 0 {
		n--
	}
	return n
}

// put writes the objects of a claim. Days that are not in the map are
// not written.
func (p *partition) put(ctx context.Context, c *chain, l *schema.Claim, days map[schema.Day][]Record) error {
	m := p.metrics.of(c.layer.Name)
	for _, day := range slices.Sorted(maps.Keys(days)) {
		bytes, took, err := c.putDay(ctx, l, day, days[day], m)
		if err != nil {
			return err
		}
		p.logger.Info("flushed", "layer", c.layer.Name, "dt", day, "rows", len(days[day]), "bytes", bytes,
			"start", l.Start, "next", l.Next, "seconds", took.Seconds())
		failpoint.Hit("sink/after-put")
	}
	return nil
}

// putDay returns how large the object is and how long its put took.
func (c *chain) putDay(ctx context.Context, l *schema.Claim, day schema.Day, records []Record, m *layerMetrics) (size int, took time.Duration, err error) {
	body, stored, err := c.layer.Rows.Encode(l, day, records)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: encode %s: %w", errBroken, l.ObjectKey(day), err)
	}
	if err := c.layer.Rows.Check(body, l, day, records); err != nil {
		return 0, 0, fmt.Errorf("%w: read %s back before it is put: %w", errBroken, l.ObjectKey(day), err)
	}
	meta := map[string]string{
		"link": l.Key(), "rows": strconv.Itoa(len(records)),
		"start": strconv.FormatInt(l.Start, 10), "next": strconv.FormatInt(l.Next, 10),
	}
	took, err = m.timePut(len(body), len(records), func() error { return c.create(ctx, l, day, body, meta) })
	if err == nil {
		stored()
	}
	return len(body), took, err
}

// create stores an object and returns nil if it stands in the store now. One
// that stood there before must be of the same claim: its writer had the claim too.
func (c *chain) create(ctx context.Context, l *schema.Claim, day schema.Day, body []byte, meta map[string]string) error {
	return lake.CreateOnce(
		func() error { return c.store.PutNew(ctx, l.ObjectKey(day), body, meta) },
		func() error { return c.belongs(ctx, l, day) },
	)
}

func (c *chain) belongs(ctx context.Context, l *schema.Claim, day schema.Day) error {
	r, err := c.store.Open(ctx, l.ObjectKey(day))
	if err != nil {
		return err
	}
	return errors.Join(c.layer.Rows.Belongs(r, r.Size(), l, day), r.Close())
}

// missing returns the days of a claim whose objects are not there.
func (c *chain) missing(ctx context.Context, l *schema.Claim) ([]schema.Day, error) {
	var days []schema.Day
	for _, day := range slices.Sorted(maps.Keys(l.Rows)) {
		_, err := c.store.Head(ctx, l.ObjectKey(day))
		if errors.Is(err, lake.ErrNotFound) {
			days = append(days, day)
		} else if err != nil {
			return nil, err
		}
	}
	return days, nil
}
