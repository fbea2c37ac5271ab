package dataset

import (
	"cmp"
	"errors"
	"slices"
)

// Collector keeps of examples, as they come, one of each group of near-copies.
// So no template letter outweighs what people wrote themselves, and no text can
// be fitted on and judged by. Which one it is, and in which order finish gives
// them, does not depend on the order in which they come: a lake that was flushed
// or compacted otherwise gives the same model. Texts go to a scratch file.
type Collector struct {
	texts *Spill
	kept  []Example // without their texts, until finish
	of    []keptText
	first map[uint64]int32  // by group
	dates map[string]string // each date once
	left  Dropped
	err   error // the first of the scratch file
}

// keptText is what is known of the text of a kept example.
type keptText struct {
	at       int64  // in the scratch file
	key, raw uint64 // hashes of it, without and with regard to case and spacing
	length   int32  // bytes
	copies   int32
	conflict bool // it came with two categories
}

// Dropped says what was not kept.
type Dropped struct {
	Copies      int `json:"copies"`        // copies of a text that was kept; case and spacing do not matter
	NearCopies  int `json:"near_copies"`   // texts that begin as one that was kept
	Conflicting int `json:"conflicting"`   // texts that came with two categories
	OverMaxRows int `json:"over_max_rows"` // drawn out, because there were more rows than wanted
}

// NewCollector returns a collector that keeps texts in a scratch file.
func NewCollector(texts *Spill) *Collector {
	return &Collector{texts: texts, first: map[uint64]int32{}, dates: map[string]string{}}
}

// Add takes an example into account.
func (c *Collector) Add(e Example) {
	n := keptText{key: textKey(e.Text), raw: rawKey(e.Text)}
	i, seen := c.first[e.Group]
	if !seen {
		c.first[e.Group] = int32(len(c.kept))
		c.kept, c.of = append(c.kept, Example{}), append(c.of, keptText{})
		c.keep(len(c.kept)-1, e, n)
		return
	}
	old, of := &c.kept[i], &c.of[i]
	switch {
	case n.key > of.key:
		c.left.NearCopies++
	case n.key < of.key:
		c.left.NearCopies += 1 + int(of.copies) // the old one and its copies
		c.left.Copies -= int(of.copies)
		c.keep(int(i), e, n)
	default:
		c.left.Copies++
		n.copies, n.conflict = of.copies+1, of.conflict || old.Category != e.Category
		e.Date = earlier(e.Date, old.Date)
		if n.raw < of.raw {
			c.keep(int(i), e, n)
		} else {
			of.copies, of.conflict, old.Date = n.copies, n.conflict, c.date(e.Date)
		}
	}
}

// keep makes an example the one of its group.
func (c *Collector) keep(i int, e Example, n keptText) {
	at, err := c.texts.put(e.Text)
	if c.err == nil {
		c.err = err
	}
	n.at, n.length = at, int32(len(e.Text))
	e.Text, e.Date = "", c.date(e.Date)
	c.kept[i], c.of[i] = e, n
}

func (c *Collector) date(s string) string {
	date, ok := c.dates[s]
	if !ok {
		date = s
		c.dates[date] = date
	}
	return date
}

// earlier is the earlier of two dates; none is later than any.
func earlier(a, b string) string {
	if a == "" || b != "" && b < a {
		return b
	}
	return a
}

// Finish returns what was kept, without texts of two categories. Of more rows
// than limit (0: none), the seed draws that many by their groups.
func (c *Collector) Finish(limit int, seed uint64) ([]Example, Dropped, error) {
	if err := c.texts.seal(); c.err != nil || err != nil {
		return nil, c.left, errors.Join(c.err, err)
	}
	kept := c.kept[:0]
	for i, e := range c.kept {
		of := &c.of[i]
		e.Text = c.texts.text(of.at, int(of.length))
		if of.conflict {
			c.left.Conflicting++
			continue
		}
		kept = append(kept, e)
	}
	slices.SortFunc(kept, func(a, b Example) int { return cmp.Compare(a.Group, b.Group) }) // each has another
	if limit > 0 && len(kept) > limit {
		c.left.OverMaxRows = len(kept) - limit
		place := func(e Example) uint64 { return Mix(e.Group ^ Mix(seed)) }
		order := AllRows(len(kept))
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(place(kept[a]), place(kept[b])) })
		order = order[:limit]
		slices.Sort(order)
		drawn := make([]Example, limit)
		for i, r := range order {
			drawn[i] = kept[r]
		}
		kept = drawn
	}
	return kept, c.left, nil
}
