package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"complaints/schema"
)

// Source is where examples come from. Its name is for people.
type Source interface {
	fmt.Stringer
	// Read hands every example to use, and returns how many rows it read, those
	// without a text or a category of the taxonomy among them.
	Read(ctx context.Context, t *schema.Taxonomy, progress Progress, use func(Example)) (rows int, err error)
}

// Set is what a source has to train and to test on: each text once. Case and
// spacing do not make a text different, and one that came with two categories is
// not in it. Near-copies are: who splits the set keeps them together.
//
// Which of several copies is kept, and the order of the examples, follow from
// their places alone: a lake that was flushed or compacted otherwise gives the
// same set. Texts lie in a scratch file until Close.
type Set struct {
	Examples []Example // in the order of their places
	Source   string
	Read     int // rows
	Left     Left
	texts    *spill
}

// Left says what was left out of a set, in rows: with its examples they are all
// that were read.
type Left struct {
	Unusable    int `json:"unusable"`      // without a text or a known category
	Copies      int `json:"copies"`        // of a text that was seen before
	Conflicting int `json:"conflicting"`   // texts that came with two categories
	OverMaxRows int `json:"over_max_rows"` // drawn out, because there were more than wanted
}

// Draw limits a set to a number of rows, 0 for all. The seed draws them, and
// near-copies together.
type Draw struct {
	MaxRows int
	Seed    uint64
}

// Collect reads a source by a taxonomy. The caller closes the set.
func Collect(ctx context.Context, t *schema.Taxonomy, from Source, draw Draw, progress Progress) (_ *Set, err error) {
	texts, err := newSpill()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, texts.Close())
		}
	}()
	c := &collector{texts: texts, byText: map[uint64]int32{}, names: map[string]string{}}
	s := &Set{Source: from.String(), texts: texts}
	if s.Read, err = from.Read(ctx, t, progress, c.add); err != nil {
		return nil, err
	}
	if err := errors.Join(c.err, texts.seal()); err != nil {
		return nil, err
	}
	s.Left = Left{Unusable: s.Read - len(c.kept) - c.copies, Copies: c.copies}
	s.Examples = c.examples(&s.Left)
	if len(s.Examples) == 0 {
		return nil, fmt.Errorf("%s: none of %d rows has both a text of its own and a category of taxonomy %s", from, s.Read, t.ID())
	}
	s.draw(draw)
	return s, nil
}

// Close gives the texts of the examples up.
func (s *Set) Close() error { return s.texts.Close() }

// collector keeps one example of each text, as they come.
type collector struct {
	texts  *spill
	kept   []kept
	byText map[uint64]int32
	names  map[string]string // each date, company and product once
	copies int
	err    error // the first of the scratch file
}

// kept is an example without its text.
type kept struct {
	Example
	at       int64  // of its text in the scratch file
	length   int32  // of its text, bytes
	raw      uint64 // hash of its text with regard to case and spacing
	conflict bool   // the text came with two categories
}

func (c *collector) add(e Example) {
	key, raw := textKey(e.Text), rawKey(e.Text)
	i, seen := c.byText[key]
	if !seen {
		i = int32(len(c.kept))
		c.byText[key] = i
		c.kept = append(c.kept, kept{})
		c.keep(i, e, raw)
		return
	}
	c.copies++
	k := &c.kept[i]
	k.conflict = k.conflict || k.Category != e.Category
	if cmp.Or(e.Place.compare(k.Place), cmp.Compare(raw, k.raw)) < 0 {
		c.keep(i, e, raw)
	}
}

// keep makes an example the one of its text.
func (c *collector) keep(i int32, e Example, raw uint64) {
	k := &c.kept[i]
	if k.raw != raw || k.length == 0 {
		var err error
		k.at, err = c.texts.put(e.Text)
		c.err = cmp.Or(c.err, err)
	}
	k.raw, k.length = raw, int32(len(e.Text))
	e.Text, e.Date, e.Fields.Company, e.Product = "", c.once(e.Date), c.once(e.Fields.Company), c.once(e.Product)
	k.Example = e
}

// once returns the one copy of a name that is kept in memory.
func (c *collector) once(s string) string {
	name, ok := c.names[s]
	if !ok {
		name = strings.Clone(s)
		c.names[name] = name
	}
	return name
}

// examples are those that are kept, with their texts.
func (c *collector) examples(left *Left) []Example {
	slices.SortFunc(c.kept, func(a, b kept) int { return cmp.Or(a.Place.compare(b.Place), cmp.Compare(a.raw, b.raw)) })
	out := make([]Example, 0, len(c.kept))
	for _, k := range c.kept {
		if k.conflict {
			left.Conflicting++
			continue
		}
		k.Text = c.texts.text(k.at, int(k.length))
		out = append(out, k.Example)
	}
	return out
}

// draw keeps some of the examples, in their order.
func (s *Set) draw(d Draw) {
	if d.MaxRows == 0 || len(s.Examples) <= d.MaxRows {
		return
	}
	s.Left.OverMaxRows = len(s.Examples) - d.MaxRows
	lot := func(row int) uint64 { return Mix(s.Examples[row].Group ^ Mix(d.Seed)) }
	rows := AllRows(len(s.Examples))
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(lot(a), lot(b)) })
	rows = rows[:d.MaxRows]
	slices.Sort(rows)
	drawn := make([]Example, len(rows))
	for i, r := range rows {
		drawn[i] = s.Examples[r]
	}
	s.Examples = drawn
}
