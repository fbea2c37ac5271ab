package verify

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"complaints/internal/lake"
	"complaints/schema"
)

// chain is the claims of one partition in one layer, and what their objects hold.
type chain struct {
	p       *partition
	layer   schema.Layer
	report  *LayerReport
	claims  []*schema.Claim // in order
	next    int64           // the end of the last claim
	rows    *offsets        // of the objects
	damaged []Range         // claims with objects that are missing or damaged, reported already
}

// where is the folder of the chain.
func (c *chain) where() string {
	return strings.TrimSuffix(schema.ClaimPrefix(c.layer, c.p.topicID, c.p.number), "/")
}

func (c *chain) rangeOf(claim *schema.Claim) Range {
	return Range{c.p.topicID, c.p.number, claim.Start, claim.Next}
}

// chain returns the chain of a layer, or nil if the lake has none.
func (p *partition) chain(layer schema.Layer) *chain {
	for _, c := range p.chains {
		if c.layer == layer {
			return c
		}
	}
	return nil
}

// addChain adds an empty chain of a layer.
func (p *partition) addChain(layer schema.Layer, report *LayerReport) *chain {
	c := &chain{p: p, layer: layer, report: report, rows: newOffsets()}
	p.chains = append(p.chains, c)
	return c
}

// readChains reads the claims of all layers, those of former topics too.
func (r *run) readChains(ctx context.Context) error {
	if r.cfg.Store == nil {
		return nil
	}
	for _, layer := range r.cfg.Layers {
		report := &LayerReport{Layer: layer, Topic: r.cfg.Topics.Of(layer), Lost: []Range{}}
		r.report.Layers = append(r.report.Layers, report)
		if err := r.readLayerChains(ctx, report); err != nil {
			return fmt.Errorf("%s: %w", layer, err)
		}
	}
	return nil
}

// readLayerChains finds the partitions that a layer has claims of, and reads them.
func (r *run) readLayerChains(ctx context.Context, report *LayerReport) error {
	prefix := "chain/" + string(report.Layer) + "/"
	after := ""
	for {
		first, err := r.cfg.Store.List(ctx, prefix, after, 1)
		if err != nil || len(first) == 0 {
			return err
		}
		id, err := partitionIDOf(prefix, first[0].Key)
		if err != nil {
			r.report.fault(1, Fault{Orphan, first[0].Key, 0, 0, err.Error()})
			after = first[0].Key
			continue
		}
		p := r.partition(report.Topic, id)
		if p.chain(report.Layer) == nil {
			if err := p.addChain(report.Layer, report).readClaims(ctx); err != nil {
				return err
			}
			report.Partitions++
		}
		// Behind all digits. A foreign name may come behind that too.
		after = max(first[0].Key, schema.ClaimPrefix(report.Layer, id.topicID, id.number)+"~")
	}
}

// partitionIDOf reads topic id and partition from the key of a claim.
func partitionIDOf(prefix, key string) (partitionID, error) {
	fields := strings.Split(strings.TrimPrefix(key, prefix), "/")
	if len(fields) != 3 || len(fields[0]) != 32 {
		return partitionID{}, errors.New("it is no name of a claim")
	}
	n, err := strconv.ParseInt(fields[1], 10, 32)
	if err != nil {
		return partitionID{}, errors.New("it is no name of a claim")
	}
	return partitionID{fields[0], int32(n)}, nil
}

// readClaims reads the claims of the partition and checks that they are one chain.
func (c *chain) readClaims(ctx context.Context) error {
	r := c.p.run
	for page, err := range lake.Pages(ctx, r.cfg.Store, c.where()+"/") {
		if err != nil {
			return err
		}
		claims, err := readClaims(ctx, r.cfg.Store, page)
		if err != nil {
			return err
		}
		for i, claim := range claims {
			if claim != nil {
				c.append(claim)
			} else {
				r.report.fault(1, Fault{Damaged, page[i].Key, c.next, c.next, "it is no claim"})
			}
		}
		r.progress("%s: %d claims of partition %d read", c.layer, len(c.claims), c.p.number)
	}
	return nil
}

// parallel is how many objects are read at the same time.
const parallel = 8

// readClaims reads claims, a few at the same time. One that cannot be parsed is nil.
func readClaims(ctx context.Context, store lake.Store, infos []lake.Info) ([]*schema.Claim, error) {
	claims := make([]*schema.Claim, len(infos))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, info := range infos {
		if _, ok := startOf(info.Key); !ok { // a store may refuse to get it
			continue
		}
		g.Go(func() error {
			body, _, err := store.Get(ctx, info.Key)
			if err != nil {
				return err
			}
			if claim, err := schema.ParseClaim(info.Key, body); err == nil {
				claims[i] = claim
			}
			return nil
		})
	}
	return claims, g.Wait()
}

// startOf reads the first offset of a claim from its key, as [schema.Claim.Key] makes it.
func startOf(key string) (start int64, ok bool) {
	digits, ok := strings.CutSuffix(path.Base(key), ".json")
	if !ok || len(digits) != 20 {
		return 0, false
	}
	start, err := strconv.ParseInt(digits, 10, 64)
	return start, err == nil && start >= 0
}

// append appends a claim to the chain.
func (c *chain) append(claim *schema.Claim) {
	report := c.p.run.report
	c.report.Claims++
	switch {
	case claim.Start > c.next:
		report.fault(claim.Start-c.next, Fault{Gap, c.where(), c.next, claim.Start, "no claim covers these offsets"})
	case claim.Start < c.next:
		report.fault(c.next-claim.Start, Fault{Repeat, c.where(), claim.Start, c.next, "two claims cover these offsets"})
	}
	if claim.Lost {
		c.report.Lost = append(c.report.Lost, c.rangeOf(claim))
	}
	c.claims = append(c.claims, claim)
	c.next = max(c.next, claim.Next)
}

// claimsIn returns the claims of a layer that cover some of a run of offsets, in order.
func claimsIn(ctx context.Context, store lake.Store, layer schema.Layer, run Range) ([]*schema.Claim, error) {
	var overlap []lake.Info
	for page, err := range lake.Pages(ctx, store, schema.ClaimPrefix(layer, run.TopicID, run.Partition)) {
		if err != nil {
			return nil, err
		}
		for _, info := range page {
			start, ok := startOf(info.Key)
			switch {
			case !ok || start >= run.Next:
			case start <= run.From:
				overlap = append(overlap[:0], info) // it begins behind those before it
			default:
				overlap = append(overlap, info)
			}
		}
	}
	all, err := readClaims(ctx, store, overlap)
	if err != nil {
		return nil, err
	}
	claims := all[:0]
	for _, claim := range all {
		if claim != nil && claim.Next > run.From {
			claims = append(claims, claim)
		}
	}
	return claims, nil
}
