// Package compact copies the rows of closed days into few large objects.
//
// In come the objects of a layer; none is changed or deleted, for the chain
// names them. Out go objects in a folder beside it (gold_daily, silver_daily, labels_daily),
// each of one day and partition, created once. An object is named by the first
// link whose rows it has, and its footer says where it ends; the next one goes
// on there. So after a crash, or beside another compaction, the next run finds
// what is done and repeats nothing, and rows that came late for a day follow in
// an object of their own.
//
// Who reads: the plain table has every row as soon as its object is put. The
// view of [View] takes the days that it names from the daily table and all
// others from the plain one. It is replaced, in one step, after the objects are
// there. A row that comes later for a day of the view is seen in the view when
// compact has run again, and in the plain table at once.
//
// Why no Iceberg: its tables need a catalog that commits, and a commit for each
// flush of each partition, by many processes that contend for one pointer; the
// exactly-once chain would be needed beside it all the same. Athena and DuckDB
// read plain Parquet without either, a copy of the bucket is a copy of the lake,
// and a directory works without a server. What Iceberg would give is atomic
// compaction in place, deletion of single rows and evolution of columns. The
// first is had here by never deleting, the third by columns that readers do not
// know being NULL. A single complaint is erased by rewriting its few objects, see
// package erase. Should that become frequent, it is the day to weigh it again: the
// daily folder can become an Iceberg table without a change to the chain.
package compact

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"complaints/internal/lake"
	"complaints/schema"
)

// Config is what is compacted.
type Config struct {
	Store    lake.Store
	Layer    schema.Layer
	Rows     Merger        // of the layer
	Grace    time.Duration // how long a day must be over
	MaxBytes int64         // of the objects that become one
	Now      time.Time
}

// Merger makes one object of a layer of many.
type Merger interface {
	// Merge returns an object with the rows of the files, checked, and sets the rows
	// of the claim, which goes into its footer with the day.
	Merge(files []*lake.ParquetFile, c *schema.Claim, day schema.Day) ([]byte, error)
}

// Closed says whether a day is over for long enough.
func (c Config) Closed(day schema.Day) bool {
	begin, err := time.Parse(time.DateOnly, string(day))
	return err == nil && !c.Now.Before(begin.AddDate(0, 0, 1).Add(c.Grace))
}

// Result is what was done for a day.
type Result struct {
	Layer schema.Layer `json:"layer"`
	Day   schema.Day   `json:"day"`
	From  int          `json:"from"` // objects that were read
	To    int          `json:"to"`   // objects that were written
	Rows  int64        `json:"rows"` // in those
	Held  int          `json:"held"` // daily objects that were there before
}

// Day compacts one closed day. It may be run again at any time.
func Day(ctx context.Context, cfg Config, day schema.Day) (Result, error) {
	result := Result{Layer: cfg.Layer, Day: day}
	if !cfg.Closed(day) {
		return result, fmt.Errorf("day %q: want YYYY-MM-DD of a day that is over since %s or longer, for late records may still come", day, cfg.Grace)
	}
	plain, err := lake.DayObjects(ctx, cfg.Store, cfg.Layer, day)
	if err != nil {
		return result, err
	}
	done, err := lake.DayObjects(ctx, cfg.Store, cfg.Layer.Daily(), day)
	if err != nil {
		return result, err
	}
	for p, list := range plain {
		result.Held += len(done[p])
		if err := partition(ctx, cfg, day, list, done[p], &result); err != nil {
			return result, fmt.Errorf("compact %s of %s/%d: %w", day, p.TopicID, p.Number, err)
		}
	}
	return result, nil
}

// partition compacts what of a partition is not in a daily object yet.
func partition(ctx context.Context, cfg Config, day schema.Day, plain, done []lake.DayObject, result *Result) error {
	next := int64(0)
	if n := len(done); n > 0 {
		var err error
		if next, err = lake.EndOf(ctx, cfg.Store, done[n-1].Key); err != nil {
			return err
		}
	}
	for len(plain) > 0 {
		if plain[0].Start < next {
			plain = plain[1:]
			continue
		}
		n, total := 0, int64(0)
		for n < len(plain) && (n == 0 || total+plain[n].Size <= cfg.MaxBytes) {
			total += plain[n].Size
			n++
		}
		var err error
		if next, err = merge(ctx, cfg, day, plain[:n], result); err != nil {
			return err
		}
	}
	return nil
}

// merge writes the daily object of plain ones, and returns where it ends.
func merge(ctx context.Context, cfg Config, day schema.Day, plain []lake.DayObject, result *Result) (next int64, err error) {
	files, closeAll, err := openAll(ctx, cfg.Store, plain)
	defer func() { err = errors.Join(err, closeAll()) }()
	if err != nil {
		return 0, err
	}
	last := len(plain) - 1
	if next, err = files[last].FooterInteger(lake.FooterNext); err != nil {
		return 0, fmt.Errorf("%s: %w", plain[last].Key, err)
	}
	name := plain[0].ObjectName
	link := &schema.Claim{
		Layer: cfg.Layer.Daily(), Topic: files[0].Footer(lake.FooterTopic), TopicID: name.TopicID,
		Partition: name.Partition, Start: name.Start, Next: next, Rows: map[schema.Day]int64{},
	}
	body, err := cfg.Rows.Merge(files, link, day)
	if err != nil {
		return 0, err
	}
	key := link.ObjectKey(day)
	theirs := false
	err = lake.CreateOnce(
		func() error { return cfg.Store.PutNew(ctx, key, body, nil) },
		func() (err error) { // another compaction's, or our own: where it ends is what counts
			next, err = lake.EndOf(ctx, cfg.Store, key)
			theirs = err == nil
			return err
		},
	)
	if err != nil || theirs {
		return next, err
	}
	result.From += len(plain)
	result.To++
	result.Rows += link.Rows[day]
	return next, nil
}

// openAll opens objects; closeAll, which is never nil, closes those that it opened.
func openAll(ctx context.Context, store lake.Store, plain []lake.DayObject) (files []*lake.ParquetFile, closeAll func() error, err error) {
	var readers []lake.Reader
	closeAll = func() (err error) {
		for _, r := range readers {
			err = errors.Join(err, r.Close())
		}
		return err
	}
	for _, o := range plain {
		r, err := store.Open(ctx, o.Key)
		if err != nil {
			return nil, closeAll, err
		}
		readers = append(readers, r)
		f, err := lake.OpenParquet(r, r.Size())
		if err != nil {
			return nil, closeAll, fmt.Errorf("%s: %w", o.Key, err)
		}
		files = append(files, f)
	}
	return files, closeAll, nil
}

// View returns the statement, as Athena and Trino take it, that makes a view of
// a layer: the named days from the daily table, all others from the plain one.
// Literals let the engine skip what it need not list. A day may only be named
// after [Day] has returned for it.
func View(layer schema.Layer, days []schema.Day) string {
	columns := lake.ColumnsOf[schema.GoldRow]()
	switch layer {
	case schema.Bronze, schema.Gold:
	case schema.Silver:
		columns = lake.ColumnsOf[schema.SilverRow]()
	case schema.Labels:
		columns = lake.ColumnsOf[schema.LabelRow]()
	}
	names := `"` + strings.Join(append(columns, "dt"), `", "`) + `"`
	if len(days) == 0 {
		return fmt.Sprintf("CREATE OR REPLACE VIEW %s_all AS\nSELECT %s FROM %s\n", layer, names, layer)
	}
	list := make([]string, len(days))
	for i, d := range days {
		list[i] = "'" + string(d) + "'"
	}
	in := strings.Join(list, ", ")
	return fmt.Sprintf("CREATE OR REPLACE VIEW %s_all AS\nSELECT %s FROM %s WHERE dt IN (%s)\nUNION ALL\nSELECT %s FROM %s WHERE dt NOT IN (%s)\n",
		layer, names, layer.Daily(), in, names, layer, in)
}
