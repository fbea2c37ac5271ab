package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"complaints/consumer/erase"
	"complaints/internal/lake"
	"complaints/internal/mapping"
)

func runErase(ctx context.Context, cfg *eraseConfig, stdout io.Writer) error {
	m, err := mapping.Load(cfg.Mapping)
	if err != nil {
		return fmt.Errorf("--mapping: %w", err)
	}
	store, err := lake.OpenExisting(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	report, err := erase.Run(ctx, erase.Config{Store: store, ComplaintID: cfg.ComplaintID, Mapping: m, DryRun: cfg.DryRun})
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
	fmt.Fprintf(stdout, "%d objects read, %d with the complaint, %d rows %s\n", report.Read, len(report.Objects), report.Rows, done)
	if report.Predictions > 0 {
		fmt.Fprintf(stdout, "%d objects below predictions/ were not looked into: remove those of the complaint by hand\n", report.Predictions)
	}
	fmt.Fprintln(stdout, "Kafka's topics still have the message: see deploy/SECURITY.md")
	return nil
}
