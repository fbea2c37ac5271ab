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
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/internal/mapping"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kgo"
)

func runErase(ctx context.Context, cfg *eraseConfig, stdout, stderr io.Writer) error {
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
	var opts []kgo.Opt
	if !cfg.LakeOnly {
		if opts, err = cfg.Kafka.Options(); err != nil {
			return err
		}
		opts = append(opts, kafka.WithLogger(newLogger(cfg.LogLevel, stderr)))
	}
	what := erase.Config{Store: store, IDs: ids, Mapping: m, DryRun: cfg.DryRun}
	report, err := erase.Run(ctx, what)
	if err == nil {
		report.Remains, err = erase.Remains(ctx, what, &report, schema.TopicNames(cfg.Topics.TopicPrefix), opts)
	}
	if err != nil {
		return fmt.Errorf("lake %s: %w", cfg.Lake.URL, err)
	}
	if cfg.JSON {
		return json.NewEncoder(stdout).Encode(report)
	}
	printErased(&report, stdout)
	return nil
}

func printErased(report *erase.Report, w io.Writer) {
	done := "erased"
	if report.DryRun {
		done = "to erase"
	}
	for _, o := range report.Objects {
		fmt.Fprintf(w, "%s: %d rows %s\n", o.Key, o.Rows, done)
	}
	fmt.Fprintf(w, "%d objects read, %d with the complaints, %d rows %s\n", report.Read, len(report.Objects), report.Rows, done)
	fmt.Fprintln(w, "what remains, see deploy/SECURITY.md:")
	for _, r := range report.Remains {
		fmt.Fprintf(w, "  %s: %s; until: %s\n", r.Where, r.What, r.Until)
	}
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
