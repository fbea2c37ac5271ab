// Package erase takes complaints out of the lake.
//
// In come the ids of complaints. All objects of bronze, silver, gold and labels
// and of the compacted copies are read, and those that have rows of them are written again
// in place, with these rows emptied: they keep the offsets and the timestamps of
// their records, and the word erased. So rows and claims still match, verify
// tells an erased row from a lost one, and no claim is changed.
//
// An object is replaced only in the version that was read (compare-and-swap), so
// that two erasures, of other complaints in one object, do not undo each other. A
// crash leaves some objects done; run it again. It may run beside sinks, which
// only create. A compaction beside it may copy a row a moment before it is erased,
// hence the copies come last, and passes are made until one finds nothing; a
// compaction that began before and ends later than the last pass needs a run more.
package erase

import (
	"context"
	"errors"
	"fmt"

	"complaints/consumer/rows"
	"complaints/internal/lake"
	"complaints/schema"
)

// Config is what is erased.
type Config struct {
	Store   lake.Store
	IDs     rows.IDs        // of the complaints
	Mapping *schema.Mapping // of bronze's messages; nil: by the fields' own names
	DryRun  bool            // look only
}

// Object is one that has, or had, some of the complaints.
type Object struct {
	Key  string `json:"key"`
	Rows int    `json:"rows"` // of the complaints
}

// Report is what was done, or would be.
type Report struct {
	DryRun      bool     `json:"dry_run"`
	Read        int      `json:"read"` // objects of the first pass
	Rows        int      `json:"rows"` // in all objects
	Objects     []Object `json:"objects"`
	Predictions int      `json:"predictions"`       // objects below predictions/, which are not looked into; at most 1000 are counted
	Remains     []Remain `json:"remains,omitempty"` // see [Remains]
}

// bounds of the work that another writer can cause.
const (
	maxPasses   = 5
	maxAttempts = 20 // of one object
)

// Run erases complaints, all in one pass over each object. It may be run again at any time. A lake without objects is
// an error: it is not the one that was meant.
func Run(ctx context.Context, cfg Config) (Report, error) {
	report := Report{DryRun: cfg.DryRun, Objects: []Object{}}
	if len(cfg.IDs) == 0 || cfg.IDs[""] {
		return report, errors.New("erase: no complaint id is given, or an empty one, which would be that of every row that has none")
	}
	for pass := 0; ; pass++ {
		found, err := onePass(ctx, cfg, &report, pass == 0)
		if err != nil {
			return report, fmt.Errorf("erase: %w", err)
		}
		if found == 0 || cfg.DryRun {
			break
		}
		if pass == maxPasses {
			return report, fmt.Errorf("erase: pass %d still found rows of the complaints; does somebody publish it again?", pass+1)
		}
	}
	if report.Read == 0 {
		return report, errors.New("erase: there is no object of bronze, silver, gold or labels, so nothing could be erased")
	}
	predictions, err := cfg.Store.List(ctx, schema.Predictions+"/", "", 1000)
	report.Predictions = len(predictions)
	return report, err
}

// onePass goes through all layers, the copies after what they are copies of.
func onePass(ctx context.Context, cfg Config, report *Report, first bool) (found int, err error) {
	for _, l := range []struct{ folder, layer schema.Layer }{
		{schema.Bronze, schema.Bronze},
		{schema.Silver, schema.Silver},
		{schema.Gold, schema.Gold},
		{schema.Labels, schema.Labels},
		{schema.Silver.Daily(), schema.Silver},
		{schema.Gold.Daily(), schema.Gold},
		{schema.Labels.Daily(), schema.Labels},
	} {
		format, err := rows.Of(l.layer, rows.Config{Mapping: cfg.Mapping})
		if err != nil {
			return found, err
		}
		n, err := eraser{cfg, format}.folder(ctx, lake.LayerPrefix(l.folder), report, first)
		if err != nil {
			return found, fmt.Errorf("%s: %w", l.folder, err)
		}
		found += n
	}
	return found, nil
}

// eraser erases the complaints from objects of one format.
type eraser struct {
	Config
	format rows.Format
}

func (e eraser) folder(ctx context.Context, prefix string, report *Report, first bool) (found int, err error) {
	for page, err := range lake.Pages(ctx, e.Store, prefix) {
		if err != nil {
			return found, err
		}
		for _, info := range page {
			n, err := e.object(ctx, info.Key)
			if err != nil {
				return found, fmt.Errorf("%s: %w", info.Key, err)
			}
			if first {
				report.Read++
			}
			if n > 0 {
				report.Objects = append(report.Objects, Object{info.Key, n})
				report.Rows += n
				found += n
			}
		}
	}
	return found, nil
}

// object erases the complaints from one object, and returns how many rows that were.
func (e eraser) object(ctx context.Context, key string) (int, error) {
	for range maxAttempts {
		n, err := e.mentions(ctx, key)
		if err == nil && n > 0 && !e.DryRun {
			n, err = e.replace(ctx, key)
		}
		switch {
		case errors.Is(err, lake.ErrNotFound): // removed by its age meanwhile
			return 0, nil
		case errors.Is(err, lake.ErrChanged), errors.Is(err, lake.ErrAmbiguous):
			continue // another erasure was faster, or it is not known: look again
		}
		return n, err
	}
	return 0, fmt.Errorf("it was changed by others in each of %d attempts", maxAttempts)
}

// mentions counts the rows, reading no more of the object than that takes.
func (e eraser) mentions(ctx context.Context, key string) (n int, err error) {
	err = lake.WithParquet(ctx, e.Store, key, func(f *lake.ParquetFile) error {
		at, err := e.format.Mentions(f, e.IDs)
		n = len(at)
		return err
	})
	return n, err
}

func (e eraser) replace(ctx context.Context, key string) (int, error) {
	body, etag, err := e.Store.Get(ctx, key)
	if err != nil {
		return 0, err
	}
	erased, n, err := e.format.Erase(body, e.IDs)
	if err != nil || n == 0 {
		return 0, err
	}
	return n, e.Store.Replace(ctx, key, erased, etag)
}
