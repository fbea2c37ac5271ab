package verify

import (
	"context"
	"errors"
	"slices"

	"complaints/internal/lake"
	"complaints/schema"
)

// matchRemoved matches the messages that retention has removed from the topic, as
// bronze has them, and returns the offsets that it removed before they were
// classified. Where bronze does not say what stood there, each offset counts.
func (p *partition) matchRemoved(ctx context.Context, match func(int64)) (unread *offsets, err error) {
	unread = newOffsets()
	start, known := p.bounds.Start, int64(0)
	if start == 0 {
		return unread, nil
	}
	addUnread := func(from, next int64) {
		for o := max(from, p.commit); o < min(next, start) && p.commit >= 0; o++ {
			unread.add(o)
		}
	}
	if c := p.chain(schema.Bronze); c != nil {
		below := Range{p.topicID, p.number, 0, start}
		err := eachRowIn(ctx, p.run.cfg.Store, schema.Bronze, below, func(offset int64) {
			if offset < p.commit {
				p.run.report.Results.FromBronze++
				match(offset)
			}
			addUnread(offset, offset+1)
		})
		if err != nil {
			return nil, err
		}
		for _, claim := range c.claims {
			if claim.Lost {
				addUnread(claim.Start, claim.Next)
			}
		}
		known = c.next
	}
	addUnread(known, start)
	return unread, nil
}

// eachRowIn calls each with the offsets of a layer's rows in a run of offsets. Objects
// that are missing or damaged are left out: the check of the layer reports them.
func eachRowIn(ctx context.Context, store lake.Store, layer schema.Layer, run Range, each func(int64)) error {
	claims, err := claimsIn(ctx, store, layer, run)
	if err != nil {
		return err
	}
	for _, claim := range claims {
		for day := range claim.Rows {
			found, err := readObject(ctx, store, claim, day)
			if isDamaged(err) || errors.Is(err, lake.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			slices.Sort(found.offsets)
			for _, offset := range found.offsets {
				if run.From <= offset && offset < run.Next {
					each(offset)
				}
			}
		}
	}
	return nil
}

// CountRows counts the rows that a layer has of a run of offsets. Known is false
// where the chain does not cover all of it, or only says that it was lost.
func CountRows(ctx context.Context, store lake.Store, layer schema.Layer, run Range) (rows int64, known bool, err error) {
	claims, err := claimsIn(ctx, store, layer, run)
	if err != nil {
		return 0, false, err
	}
	next := run.From
	for _, claim := range claims {
		if claim.Lost || claim.Start > next {
			return 0, false, nil
		}
		next = claim.Next
		for day, n := range claim.Rows {
			found, err := readObject(ctx, store, claim, day)
			switch {
			case isDamaged(err) || errors.Is(err, lake.ErrNotFound):
				rows += n // at most
			case err != nil:
				return 0, false, err
			}
			for _, offset := range found.offsets {
				if run.From <= offset && offset < run.Next {
					rows++
				}
			}
		}
	}
	return rows, next >= run.Next, nil
}

// readResultsFromGold takes results from gold that retention has removed from the
// classified topic: those of a partition below its start.
func (p *partition) readResultsFromGold(ctx context.Context) error {
	below := Range{p.topicID, p.number, 0, p.bounds.Start}
	claims, err := claimsIn(ctx, p.run.cfg.Store, schema.Gold, below)
	if err != nil {
		return err
	}
	for _, claim := range claims {
		if claim.Lost {
			p.run.removed = true // gold does not have them either
		}
		for day := range claim.Rows {
			if err := p.readGoldObject(ctx, claim, day); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *partition) readGoldObject(ctx context.Context, claim *schema.Claim, day schema.Day) error {
	store := p.run.cfg.Store
	if _, err := readObject(ctx, store, claim, day); err != nil {
		if isDamaged(err) || errors.Is(err, lake.ErrNotFound) {
			return nil // the check of the layer reports it
		}
		return err
	}
	return lake.EachRowOf(ctx, store, claim.ObjectKey(day), func(row *schema.GoldRow) error {
		if row.KafkaOffset >= p.bounds.Start || row.RecordError != nil && *row.RecordError != schema.Erased {
			return nil
		}
		p.run.report.Results.FromGold++
		source := schema.Source{Topic: row.SourceTopic, TopicID: row.SourceTopicID, Partition: row.SourcePartition, Offset: row.SourceOffset}
		p.run.note(source, false, position{claim.ObjectKey(day), row.KafkaOffset})
		return nil
	})
}
