package verify

import (
	"context"
	"errors"
	"slices"

	"complaints/internal/lake"
	"complaints/schema"
)

// findOrphans looks for objects that no chain knows.
func (r *run) findOrphans(ctx context.Context, layer schema.Layer) error {
	prefix := string(layer) + "/" + schema.Dataset + "/"
	seen := 0
	for page, err := range lake.Pages(ctx, r.cfg.Store, prefix) {
		if err != nil {
			return err
		}
		for _, info := range page {
			if err := r.checkKnown(ctx, layer, info.Key); err != nil {
				return err
			}
		}
		seen += len(page)
		r.progress("%s: %d objects listed", layer, seen)
	}
	return nil
}

// checkKnown checks that a claim says of an object that it is there.
func (r *run) checkKnown(ctx context.Context, layer schema.Layer, key string) error {
	name, bad := schema.ParseObjectKey(key)
	if bad != nil {
		r.report.fault(1, Fault{Orphan, key, 0, 0, bad.Error()})
		return nil //nolint:nilerr // a name that is none is a fault of the lake, and no failure of the check
	}
	claim := r.claimOf(layer, name)
	if claim == nil { // claimed since the chains were read, or not at all
		var err error
		if claim, err = r.readClaimNow(ctx, layer, name); err != nil {
			return err
		}
	}
	switch {
	case claim == nil:
		r.report.fault(1, Fault{Orphan, key, name.Start, name.Start, "no claim starts there"})
	case claim.Rows[name.Day] == 0:
		r.report.fault(1, Fault{Orphan, key, name.Start, name.Start, "the claim says no rows of that day"})
	}
	return nil
}

// claimOf returns the claim of an object, as far as the chains were read.
func (r *run) claimOf(layer schema.Layer, name schema.ObjectName) *schema.Claim {
	p := r.partitions[partitionID{name.TopicID, name.Partition}]
	if p == nil || p.chain(layer) == nil {
		return nil
	}
	claims := p.chain(layer).claims
	i, ok := slices.BinarySearchFunc(claims, name.Start, func(claim *schema.Claim, start int64) int { return int(claim.Start - start) })
	if !ok {
		return nil
	}
	return claims[i]
}

func (r *run) readClaimNow(ctx context.Context, layer schema.Layer, name schema.ObjectName) (*schema.Claim, error) {
	key := (&schema.Claim{Layer: layer, TopicID: name.TopicID, Partition: name.Partition, Start: name.Start}).Key()
	body, _, err := r.cfg.Store.Get(ctx, key)
	if errors.Is(err, lake.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	claim, _ := schema.ParseClaim(key, body) // the check of the chains reports one that is none
	return claim, nil
}
