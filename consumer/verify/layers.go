package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"complaints/internal/lake"
	"complaints/schema"
)

// checkLayers checks that each record has one row in each layer.
func (r *run) checkLayers(ctx context.Context) error {
	for _, report := range r.report.Layers {
		if err := r.checkLayer(ctx, report); err != nil {
			return fmt.Errorf("%s: %w", report.Layer, err)
		}
	}
	return nil
}

func (r *run) checkLayer(ctx context.Context, report *LayerReport) error {
	present, records := false, false
	for _, p := range r.partitionsOf(report.Topic) {
		present = present || p.chain(report.Layer) != nil
		records = records || p.bounds.End > 0
	}
	if !present && records {
		r.report.fault(1, Fault{Kind: Missing, Where: "layer " + string(report.Layer), Detail: fmt.Sprintf(
			"the lake has no claim of topic %s (id %s), so nothing of the layer is proven; is it the lake of these topics, and was anything flushed yet?", report.Topic, r.ids[report.Topic])})
	}
	for _, p := range r.partitionsOf(report.Topic) {
		c := p.chain(report.Layer)
		if c == nil && present && p.sinkCommit > 0 { // not one claim is there
			c = p.addChain(report.Layer, report)
		}
		if c == nil {
			continue
		}
		if err := c.checkObjects(ctx); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		c.compare()
	}
	for id, p := range r.partitions { // of a topic that is no more
		if c := p.chain(report.Layer); c != nil && id.topicID != r.ids[report.Topic] {
			if err := c.checkObjects(ctx); err != nil {
				return err
			}
			c.rows = nil
		}
	}
	return r.findOrphans(ctx, report.Layer)
}

// objectCheck is what came of reading an object of a claim.
type objectCheck struct {
	claim *schema.Claim
	day   schema.Day
	found content
	err   error
}

// checkObjects reads the objects of a chain, a few at the same time.
func (c *chain) checkObjects(ctx context.Context) error {
	if err := c.dropPending(ctx); err != nil {
		return err
	}
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	checks := make(chan objectCheck)
	var g errgroup.Group
	g.SetLimit(parallel)
	go func() {
		defer close(checks)
		defer func() { _ = g.Wait() }() // each error comes with its check
		for _, claim := range c.claims {
			for day := range claim.Rows {
				g.Go(func() error {
					found, err := readObject(reading, c.p.run.cfg.Store, claim, day)
					checks <- objectCheck{claim, day, found, err}
					return nil
				})
			}
		}
	}()
	repeats, read := newOffsets(), 0
	var failed error
	for check := range checks {
		if err := c.noteObject(check, repeats); err != nil && failed == nil {
			failed = fmt.Errorf("%s: %w", check.claim.ObjectKey(check.day), err)
			cancel()
		}
		read++
		c.p.run.progress("%s: %d objects of %d claims of partition %d read", c.layer, read, len(c.claims), c.p.number)
	}
	c.p.run.report.faults(Repeat, c.where(), "more than one row", repeats)
	return failed
}

// dropPending takes the last claim off the chain if its objects are just being
// written. Once the topic no longer has the records, nobody can write them.
func (c *chain) dropPending(ctx context.Context) error {
	if len(c.claims) == 0 {
		return nil
	}
	last := c.claims[len(c.claims)-1]
	if c.p.bounds.End == 0 || last.Start < c.p.bounds.Start {
		return nil
	}
	pending, err := isPending(ctx, c.p.run.cfg.Store, last)
	if err != nil || !pending {
		return err
	}
	for _, rows := range last.Rows {
		c.report.Pending += rows
	}
	c.next = last.Start
	c.claims = c.claims[:len(c.claims)-1]
	return nil
}

func isPending(ctx context.Context, store lake.Store, claim *schema.Claim) (bool, error) {
	for day := range claim.Rows {
		_, err := store.Head(ctx, claim.ObjectKey(day))
		if errors.Is(err, lake.ErrNotFound) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// noteObject notes what an object holds. The error is one that kept us from reading it.
func (c *chain) noteObject(check objectCheck, repeats *offsets) error {
	claim, day, report := check.claim, check.day, c.p.run.report
	missing := errors.Is(check.err, lake.ErrNotFound)
	switch {
	case check.err == nil:
		c.report.Objects++
		c.report.Rows += int64(len(check.found.offsets))
		c.report.Erased += check.found.erased
		for _, offset := range check.found.offsets {
			if !c.rows.add(offset) {
				repeats.add(offset)
			}
		}
		return nil
	case missing && c.p.run.expired(claim.Layer, day):
		c.report.Expired += claim.Rows[day]
	case missing:
		report.fault(claim.Rows[day], Fault{
			Gap, claim.ObjectKey(day), claim.Start, claim.Next,
			fmt.Sprintf("the object is missing; the claim says %d rows", claim.Rows[day]),
		})
	case isDamaged(check.err):
		report.fault(1, Fault{Damaged, claim.ObjectKey(day), claim.Start, claim.Next, check.err.Error()})
	default:
		return check.err
	}
	c.damaged = append(c.damaged, c.rangeOf(claim))
	return nil
}

// expired says whether a layer's objects of a day may be gone by their age.
func (r *run) expired(layer schema.Layer, day schema.Day) bool {
	begin, err := time.Parse(time.DateOnly, string(day))
	keep := r.cfg.BronzeFor
	return layer == schema.Bronze && keep > 0 && err == nil && begin.Add(keep).Before(time.Now())
}

// compare compares the rows of the layer with what a reader of committed records sees.
func (c *chain) compare() {
	report, start, end := c.p.run.report, c.p.bounds.Start, c.p.bounds.End
	if c.next > end {
		report.fault(c.next-end, Fault{Foreign, c.where(), end, c.next, "the chain goes on past the end of the topic"})
	}
	if c.next < start && len(c.claims) > 0 {
		report.fault(start-c.next, Fault{Gap, c.where(), c.next, start, "removed from the topic before they were written to the lake"})
	}
	gaps, unwritten, foreign := newOffsets(), newOffsets(), newOffsets()
	for offset := range c.p.visible.all() {
		switch {
		case c.rows.has(offset):
		case offset < c.next:
			gaps.add(offset)
		case offset < min(c.p.sinkCommit, end):
			unwritten.add(offset)
		}
	}
	for _, reported := range c.damaged {
		gaps.removeRange(max(reported.From, start), reported.Next)
	}
	for _, claim := range c.claims {
		if claim.Lost { // nothing is missed that was claimed as lost
			gaps.removeRange(max(claim.Start, start), claim.Next)
		}
	}
	for offset := range c.rows.all() {
		if offset < start {
			c.report.NotCheckable++
		} else if !c.p.visible.has(offset) {
			foreign.add(offset)
		}
	}
	report.faults(Gap, c.where(), "no row", gaps)
	report.faults(Gap, c.where(), "no row and no complete claim, though group "+c.p.run.cfg.SinkGroup+" has committed them", unwritten)
	report.faults(Foreign, c.where(), "a row of no committed record", foreign)
	c.rows = nil
}
