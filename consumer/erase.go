package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"complaints/consumer/erase"
	"complaints/consumer/rows"
	"complaints/internal/lake"
	"complaints/internal/mapping"
)

func runErase(ctx context.Context, cfg *eraseConfig, stdout io.Writer) error {
	m, err := mapping.Load(cfg.Mapping)
	if err != nil {
		return fmt.Errorf("--mapping: %w", err)
	}
	ids, err := cfg.ids()
	if err != nil {
		return err
	}
	store, err := lake.OpenExisting(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	report, err := erase.Run(ctx, erase.Config{Store: store, IDs: ids, Mapping: m, DryRun: cfg.DryRun})
	if err != nil {
		return fmt.Errorf("lake %s: %w", cfg.Lake.URL, err)
	}
	if cfg.JSON {
		return json.NewEncoder(stdout).Encode(report)
	}
	done := "erased"
	if cfg.DryRun {
		done = "to erase"
	}
	for _, o := range report.Objects {
		fmt.Fprintf(stdout, "%s: %d rows %s\n", o.Key, o.Rows, done)
	}
	fmt.Fprintf(stdout, "%d objects read, %d with the complaints, %d rows %s\n", report.Read, len(report.Objects), report.Rows, done)
	if report.Predictions > 0 {
		fmt.Fprintf(stdout, "%d objects below predictions/ were not looked into: remove those of the complaints by hand\n", report.Predictions)
	}
	fmt.Fprintln(stdout, "Kafka's topics still have the messages: see deploy/SECURITY.md")
	return nil
}

// ids are those that are given, and those of the file.
func (c *eraseConfig) ids() (rows.IDs, error) {
	ids := rows.IDs{}
	if c.ComplaintID != "" {
		ids[c.ComplaintID] = true
	}
	if c.From == "" {
		return ids, nil
	}
	body, err := os.ReadFile(c.From)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	for line := range strings.Lines(string(body)) {
		if id := strings.TrimSpace(line); id != "" {
			ids[id] = true
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("--from %s: it has no id", c.From)
	}
	return ids, nil
}
