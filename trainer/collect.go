package main

import (
	"cmp"
	"slices"
)

// collector keeps of examples, as they come, one of each group of near-copies,
// the first. So no template letter outweighs what people wrote themselves, and
// no text can be fitted on and judged by.
type collector struct {
	kept     []example
	keys     []uint64 // of the texts of kept
	conflict []bool   // the text of kept came with two categories
	first    map[uint64]int
	left     dropped
}

// dropped says what was not kept.
type dropped struct {
	Copies      int `json:"copies"`        // exact copies of an earlier text
	NearCopies  int `json:"near_copies"`   // texts that begin as an earlier one
	Conflicting int `json:"conflicting"`   // texts that came with two categories
	OverMaxRows int `json:"over_max_rows"` // drawn out, because there were more rows than wanted
}

func newCollector() *collector { return &collector{first: map[uint64]int{}} }

func (c *collector) add(e example) {
	key := textKey(e.text)
	i, seen := c.first[e.group]
	switch {
	case !seen:
		c.first[e.group] = len(c.kept)
		c.kept, c.keys, c.conflict = append(c.kept, e), append(c.keys, key), append(c.conflict, false)
	case c.keys[i] != key:
		c.left.NearCopies++
	default:
		c.left.Copies++
		c.conflict[i] = c.conflict[i] || c.kept[i].category != e.category
	}
}

// finish returns what was kept, without texts of two categories. Of more rows
// than limit (0: none), the seed draws that many by their groups.
func (c *collector) finish(limit int, seed uint64) ([]example, dropped) {
	kept := c.kept[:0]
	for i, e := range c.kept {
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
	return kept, c.left
}
