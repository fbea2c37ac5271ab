package main

import (
	"context"
	"fmt"
	"io"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/internal/registry"
	"complaints/trainer/dataset"
)

// runTaxonomy writes the taxonomy of the files' labels.
func runTaxonomy(ctx context.Context, c *taxonomyCommand, stdout, stderr io.Writer) error {
	progress := libraryConfig{Quiet: c.Quiet}.progress(stderr)
	t, err := c.files().Taxonomy(ctx, dataset.Derive{MinRows: c.MinClassRows, Rest: c.Rest}, progress)
	if err != nil {
		return err
	}
	_, err = stdout.Write(t.JSON())
	return err
}

// runPublish lets a bundle from a directory serve. It is loaded first, as consumers
// load it. No gate asks whether it is better than what serves: whoever publishes it
// has looked at its metrics.
func runPublish(ctx context.Context, c *publishConfig, stdout io.Writer) error {
	parts, err := classifier.ReadDir(c.Model)
	if err != nil {
		return err
	}
	bundle, err := classifier.Load(parts)
	if err != nil {
		return fmt.Errorf("in %q: %w", c.Model, err)
	}
	store, err := lake.Open(ctx, c.Lake)
	if err != nil {
		return err
	}
	champion, err := registry.Champion(ctx, store)
	if err != nil {
		return err
	}
	if champion.Version == bundle.Version() {
		return fmt.Errorf("%s serves already", bundle.Version())
	}
	if err := registry.Publish(ctx, store, bundle.Version(), parts); err != nil {
		return err
	}
	why := "published"
	if c.Reason != "" {
		why += ": " + c.Reason
	}
	if err := registry.Promote(ctx, store, champion, bundle.Version(), why); err != nil {
		return fmt.Errorf("%s is published, but does not serve: %w", bundle.Version(), err)
	}
	_, err = fmt.Fprintf(stdout, "%s serves in place of %s, with taxonomy %s (%d categories); consumers see it at their next look, --model-poll\n",
		bundle.Version(), champion.Name(), bundle.Taxonomy().ID(), bundle.Taxonomy().Len())
	return err
}
