package main

import (
	"cmp"
	"errors"
	"slices"
)

// collector keeps of examples, as they come, one of each group of near-copies,
// the first. So no template letter outweighs what people wrote themselves, and
// no text can be fitted on and judged by. Texts go to a scratch file.
type collector struct {
	texts    *spill
	kept     []example // without their texts, until finish
	at       []int64   // where the texts of kept are
	length   []int32   // of those, bytes
	keys     []uint64  // of those
	conflict []bool    // the text of kept came with two categories
	first    map[uint64]int32
	dates    map[string]string // each date once
	left     dropped
	err      error // the first of the scratch file
}

// dropped says what was not kept.
type dropped struct {
	Copies      int `json:"copies"`        // exact copies of an earlier text
	NearCopies  int `json:"near_copies"`   // texts that begin as an earlier one
	Conflicting int `json:"conflicting"`   // texts that came with two categories
	OverMaxRows int `json:"over_max_rows"` // drawn out, because there were more rows than wanted
}

func newCollector(texts *spill) *collector {
	return &collector{texts: texts, first: map[uint64]int32{}, dates: map[string]string{}}
}

func (c *collector) add(e example) {
	key := textKey(e.text)
	i, seen := c.first[e.group]
	switch {
	case !seen:
		c.first[e.group] = int32(len(c.kept))
		c.keep(e, key)
	case c.keys[i] != key:
		c.left.NearCopies++
	default:
		c.left.Copies++
		c.conflict[i] = c.conflict[i] || c.kept[i].category != e.category
	}
}

func (c *collector) keep(e example, key uint64) {
	at, err := c.texts.put(e.text)
	if c.err == nil {
		c.err = err
	}
	c.at, c.length, c.keys, c.conflict = append(c.at, at), append(c.length, int32(len(e.text))), append(c.keys, key), append(c.conflict, false)
	e.text = ""
	date, ok := c.dates[e.date]
	if !ok {
		date = e.date
		c.dates[date] = date
	}
	e.date = date
	c.kept = append(c.kept, e)
}

// finish returns what was kept, without texts of two categories. Of more rows
// than limit (0: none), the seed draws that many by their groups.
func (c *collector) finish(limit int, seed uint64) ([]example, dropped, error) {
	if err := c.texts.seal(); c.err != nil || err != nil {
		return nil, c.left, errors.Join(c.err, err)
	}
	kept := c.kept[:0]
	for i, e := range c.kept {
		e.text = c.texts.text(c.at[i], int(c.length[i]))
		if c.conflict[i] {
			c.left.Conflicting++
			continue
		}
		kept = append(kept, e)
	}
	if limit > 0 && len(kept) > limit {
		c.left.OverMaxRows = len(kept) - limit
		place := func(e example) uint64 { return mix(e.group ^ mix(seed)) }
		order := allRows(len(kept))
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(place(kept[a]), place(kept[b])) })
		order = order[:limit]
		slices.Sort(order)
		drawn := make([]example, limit)
		for i, r := range order {
			drawn[i] = kept[r]
		}
		kept = drawn
	}
	return kept, c.left, nil
}
