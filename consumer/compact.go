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
	store, err := lake.OpenExisting(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	results, views, err := compactLayers(ctx, cfg, store)
	if err != nil {
		return fmt.Errorf("lake %s: %w", cfg.Lake.URL, err)
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

// compactLayers compacts all days of all layers that are to be, and returns the
// statements of their views too.
func compactLayers(ctx context.Context, cfg *compactConfig, store lake.Store) (results []compact.Result, views []string, err error) {
	all, err := daysOf(ctx, cfg, store)
	if err != nil {
		return nil, nil, err
	}
	for _, layer := range cfg.Layers {
		format, err := rows.Of(layer, rows.Config{})
		if err != nil {
			return nil, nil, err
		}
		c := compact.Config{Store: store, Layer: layer, Rows: format, Grace: cfg.Grace, MaxBytes: cfg.MaxBytes, Now: time.Now()}
		days, err := daysToCompact(ctx, c, all[layer], cfg.Day)
		if err != nil {
			return nil, nil, err
		}
		for _, day := range days {
			result, err := compact.Day(ctx, c, day)
			if err != nil {
				return nil, nil, err
			}
			results = append(results, result)
		}
		views = append(views, compact.View(layer, days))
	}
	return results, views, nil
}

// daysOf lists the days of each layer. It is an error if no layer has any, or has
// one that is named.
func daysOf(ctx context.Context, cfg *compactConfig, store lake.Store) (map[schema.Layer][]schema.Day, error) {
	all := map[schema.Layer][]schema.Day{}
	var found []schema.Day
	for _, layer := range cfg.Layers {
		days, err := lake.Days(ctx, store, layer)
		if err != nil {
			return nil, err
		}
		all[layer] = days
		found = append(found, days...)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("there is no object of %v", cfg.Layers)
	}
	for _, day := range cfg.Day {
		if !slices.Contains(found, day) {
			return nil, fmt.Errorf("there is no object of %v on the day %s", cfg.Layers, day)
		}
	}
	return all, nil
}

// daysToCompact are those that are compacted already, since more may have come,
// and those that are named, or else of all those that are over.
func daysToCompact(ctx context.Context, c compact.Config, all, named []schema.Day) ([]schema.Day, error) {
	days, err := lake.Days(ctx, c.Store, c.Layer.Daily())
	if err != nil {
		return nil, err
	}
	if len(named) == 0 {
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
