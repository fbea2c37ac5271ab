package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"complaints/consumer/compact"
	"complaints/consumer/rows"
	"complaints/internal/lake"
	"complaints/schema"
)

func runCompact(ctx context.Context, cfg *compactConfig, stdout io.Writer) error {
	store, err := lake.Open(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	var results []compact.Result
	var views []string
	for _, name := range cfg.Layers {
		format, err := rows.Of(name, rows.Config{})
		if err != nil {
			return err
		}
		c := compact.Config{Store: store, Layer: name, Rows: format, Grace: cfg.Grace, MaxBytes: cfg.MaxBytes, Now: time.Now()}
		days, err := daysToCompact(ctx, c, cfg.Day)
		if err != nil {
			return err
		}
		for _, day := range days {
			result, err := compact.Day(ctx, c, day)
			if err != nil {
				return err
			}
			results = append(results, result)
		}
		views = append(views, compact.View(name, days))
	}
	if cfg.JSON {
		return json.NewEncoder(stdout).Encode(results)
	}
	for _, r := range results {
		if r.To > 0 {
			fmt.Fprintf(stdout, "%-6s %s: %d objects became %d, with %d rows\n", r.Layer, r.Day, r.From, r.To, r.Rows)
		}
	}
	if cfg.View {
		for _, v := range views {
			fmt.Fprintf(stdout, "\n%s", v)
		}
	}
	return nil
}

// daysToCompact are those that are compacted already, since more may have come,
// and those that are named, or else all that are over.
func daysToCompact(ctx context.Context, c compact.Config, named []schema.Day) ([]schema.Day, error) {
	days, err := lake.Days(ctx, c.Store, c.Layer.Daily())
	if err != nil {
		return nil, err
	}
	if len(named) == 0 {
		all, err := lake.Days(ctx, c.Store, c.Layer)
		if err != nil {
			return nil, err
		}
		for _, day := range all {
			if c.Closed(day) {
				named = append(named, day)
			}
		}
	}
	days = append(days, named...)
	slices.Sort(days)
	return slices.Compact(days), nil
}
