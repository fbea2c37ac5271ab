package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"complaints/internal/lake"
	"complaints/internal/registry"
)

// runRollback lets a published version serve again.
func runRollback(ctx context.Context, c *rollbackConfig, stdout io.Writer) error {
	store, err := lake.Open(ctx, c.Lake)
	if err != nil {
		return err
	}
	from, to, err := registry.Rollback(ctx, store, c.Version, c.Reason)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "%s serves in place of %s; consumers see it at their next look, --model-poll\n", to, from.Name()); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil || client == nil {
		return err
	}
	if _, err := recordVersion(ctx, store, client, c.Lake.URL, to); err != nil {
		return fmt.Errorf("%s serves, but MLflow does not know: %w", to, err)
	}
	return nil
}

// runModels lists the versions that were published, the newest first.
func runModels(ctx context.Context, c *modelsConfig, stdout io.Writer) error {
	store, err := lake.Open(ctx, c.Lake)
	if err != nil {
		return err
	}
	list, err := registry.List(ctx, store)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(stdout).Encode(list)
	}
	return printModels(stdout, list)
}

func printModels(w io.Writer, list []registry.Model) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tversion\tpublished\trows\tto\taccuracy\tmacro F1\tlog loss\tECE\tserved")
	for _, p := range list {
		mark, served, published := " ", "never", p.Published.Format(time.DateTime)
		if p.Published.IsZero() {
			published = "never"
		}
		switch {
		case p.BuiltIn:
			mark, served = "*", "since ever: no model was published, so that consumers serve the one in their program (--allow-bootstrap)"
		case p.Serves:
			mark = "*"
		case p.Challenges:
			mark = "+"
		}
		if p.Since != nil {
			served = fmt.Sprintf("since %s: %s", p.Since.Format(time.DateTime), p.Why)
		}
		if p.Fault != "" {
			served += "; its manifest cannot be read: " + p.Fault
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%.4f\t%.4f\t%.4f\t%.4f\t%s\n", mark, p.Version, published,
			p.Training.Rows, p.Training.To, p.Metrics.Accuracy, p.Metrics.MacroF1, p.Metrics.LogLoss, p.Metrics.ECE, served)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\n* serves, + challenges it. The metrics are of each model's own test rows: those of different weeks do not compare.")
	return err
}
