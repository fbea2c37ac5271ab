package verify

import (
	"context"
	"errors"
	"slices"

	"complaints/internal/lake"
	"complaints/schema"
)

// strays looks for objects that no link claims.
func (r *run) strays(ctx context.Context, layer schema.Layer, chains map[part]*chain) error {
	prefix := string(layer) + "/" + schema.Dataset + "/"
	seen := 0
	for page, err := range lake.Pages(ctx, r.cfg.Store, prefix) {
		if err != nil {
			return err
		}
		for _, info := range page {
			if err := r.stray(ctx, layer, info.Key, chains); err != nil {
				return err
			}
		}
		seen += len(page)
		r.progress("%s: %d objects listed", layer, seen)
	}
	return nil
}

func (r *run) stray(ctx context.Context, layer schema.Layer, key string, chains map[part]*chain) error {
	name, bad := schema.ParseObjectKey(key)
	var detail string
	if bad != nil {
		detail = bad.Error()
	} else {
		var err error
		if detail, err = r.whyStray(ctx, layer, name, chains); err != nil {
			return err
		}
	}
	if detail != "" {
		r.report.fault(1, Fault{Stray, key, name.Start, name.Start, detail})
	}
	return nil
}

// whyStray says why no link claims an object, or nothing.
func (r *run) whyStray(ctx context.Context, layer schema.Layer, name schema.ObjectName, chains map[part]*chain) (string, error) {
	l := claimOf(chains[part{name.TopicID, name.Partition}], name.Start)
	if l == nil { // claimed since the chains were read, or not at all
		var err error
		if l, err = r.claimNow(ctx, layer, name); err != nil {
			return "", err
		}
	}
	switch {
	case l == nil:
		return "no link starts there", nil
	case l.Rows[name.Day] == 0:
		return "the link claims no rows of that day", nil
	}
	return "", nil
}

func claimOf(c *chain, start int64) *schema.Claim {
	if c == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(c.links, start, func(l *schema.Claim, start int64) int { return int(l.Start - start) })
	if !ok {
		return nil
	}
	return c.links[i]
}

func (r *run) claimNow(ctx context.Context, layer schema.Layer, name schema.ObjectName) (*schema.Claim, error) {
	key := (&schema.Claim{Layer: layer, TopicID: name.TopicID, Partition: name.Partition, Start: name.Start}).Key()
	body, _, err := r.cfg.Store.Get(ctx, key)
	if errors.Is(err, lake.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l, _ := schema.ParseClaim(key, body) // the check of the chains reports one that is none
	return l, nil
}
