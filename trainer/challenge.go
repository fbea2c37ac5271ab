package main

import (
	"context"
	"fmt"
	"io"

	"complaints/internal/lake"
	"complaints/internal/registry"
	"complaints/schema"
)

// runChallenge lets consumers score a published version in the shadow of the
// champion, or none. It is loaded first, as consumers will.
func runChallenge(ctx context.Context, c *challengeConfig, stdout io.Writer) error {
	store, err := lake.Open(ctx, c.Lake)
	if err != nil {
		return err
	}
	now, err := registry.ReadChallenger(ctx, store)
	if err != nil {
		return err
	}
	if now.Version == c.Version {
		said := c.Version + " challenges already"
		if c.Off {
			said = "no model challenges"
		}
		_, err := fmt.Fprintln(stdout, said+", so nothing was changed")
		return err
	}
	why := "taken off"
	if !c.Off {
		why = "asked for"
		if err := registry.MayChallenge(ctx, store, c.Version); err != nil {
			return fmt.Errorf("%s cannot challenge, so nothing was changed: %w", c.Version, err)
		}
	}
	if err := registry.Move(ctx, store, schema.ChallengerKey, now, registry.ChangeTo(c.Version, why)); err != nil {
		return err
	}
	said := c.Version + " challenges"
	if c.Off {
		said = now.Version + " does not challenge any more"
	}
	_, err = fmt.Fprintln(stdout, said+"; consumers see it at their next look, --model-poll")
	return err
}
