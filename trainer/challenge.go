package main

import (
	"context"
	"fmt"
	"io"

	"complaints/internal/lake"
	"complaints/internal/registry"
)

// runChallenge lets consumers score a published version beside the champion, or
// none.
func runChallenge(ctx context.Context, c *challengeConfig, stdout io.Writer) error {
	store, err := lake.Open(ctx, c.Lake)
	if err != nil {
		return err
	}
	before, err := registry.Challenge(ctx, store, c.Version)
	if err != nil {
		return err
	}
	said := c.Version + " challenges"
	switch {
	case before == c.Version && c.Off:
		said = "no model challenges, so nothing was changed"
	case before == c.Version:
		said += " already, so nothing was changed"
	case c.Off:
		said = before + " does not challenge any more; consumers see it at their next look, --model-poll"
	default:
		said += "; consumers see it at their next look, --model-poll"
	}
	_, err = fmt.Fprintln(stdout, said)
	return err
}
