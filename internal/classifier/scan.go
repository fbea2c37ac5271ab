package classifier

import (
	"math"

	"complaints/schema"
)

// Scratch is the memory of one goroutine's predictions. It belongs to the
// Classifier or Features that made it, and it is clean between calls.
type Scratch struct {
	buf   []byte // the text, padded
	lower []byte // a long word in lower case

	// Counts by row id, all zero between calls, and the ids that are not zero,
	// in the order in which the text first has them.
	words, contents, openings tally
	pairs                     presence

	scores [ScoreColumns]float64
	counts []entry // of chosen terms, in no order
	masks  []uint64
	row    []float64
}

// tally counts terms.
type tally struct {
	count   []uint32
	touched []uint32
}

// presence is a set of terms.
type presence struct {
	bits    []uint64
	touched []uint32
}

func newPresence(rows int) presence {
	return presence{bits: make([]uint64, rows/64+1), touched: make([]uint32, 0, min(rows, 1024))}
}

func (p *presence) add(id uint32) {
	word, bit := &p.bits[id/64], uint64(1)<<(id%64)
	if *word&bit == 0 {
		*word |= bit
		p.touched = append(p.touched, id)
	}
}

func newTally(rows int) tally {
	return tally{count: make([]uint32, rows), touched: make([]uint32, 0, min(rows, 1024))}
}

func (t *tally) add(id uint32) {
	if t.count[id] == 0 {
		t.touched = append(t.touched, id)
	}
	t.count[id]++
}

// NewScratch makes the memory that a goroutine needs.
func (f *Features) NewScratch() *Scratch {
	return &Scratch{
		words: newTally(len(f.words)), pairs: newPresence(len(f.pairs)),
		contents: newTally(len(f.contents)), openings: newTally(len(f.openings)),
		row: make([]float64, f.width),
	}
}

// Row returns the text's features. The slice is the Scratch's own and holds
// until its next use.
func (f *Features) Row(text []byte, s *Scratch) []float64 {
	f.score(text, s)
	clear(s.row)
	copy(s.row, s.scores[:])
	for _, e := range s.counts {
		s.row[e.column] = e.value
	}
	return s.row
}

// scanner is what the tokens so far leave behind.
type scanner struct {
	tokens      int
	previous    uint32 // word id of the token before, 0 if unknown
	content     uint32 // word id of the content token before, 0 if unknown or none
	contentLast bool   // the token before was that content token
}

// score fills s.scores and s.counts from the text.
func (f *Features) score(text []byte, s *Scratch) {
	s.buf = pad(s.buf, text)
	buf := s.buf
	var at scanner
	for i := 0; i < len(text); {
		if !tokenByte[buf[i]] {
			i++
			continue
		}
		j := i + 1
		for tokenByte[buf[j]] {
			j++
		}
		if buf[j-1]|0x20 == 'n' && contraction(buf, i, j) {
			f.token(s, &at, i, j-1)
			f.token(s, &at, j-1, j)
		} else {
			f.token(s, &at, i, j)
		}
		i = j
	}
	f.finish(s)
}

// token counts the terms that end with the token buf[i:j].
func (f *Features) token(s *Scratch, at *scanner, i, j int) {
	id, skip := f.find(s, i, j)
	at.tokens++
	var found *pairSlot
	if id != 0 {
		s.words.add(id)
		if at.tokens <= OpeningTokens {
			if o := f.openingOf[id]; o != 0 {
				s.openings.add(uint32(o))
			}
		}
		if at.previous != 0 {
			found = f.findPair(pairKey(at.previous, id))
			if found.pair != 0 {
				s.pairs.add(uint32(found.pair))
			}
		}
	}
	at.previous = id
	if skip {
		at.contentLast = false
		return
	}
	if id != 0 && at.content != 0 {
		if !at.contentLast {
			found = f.findPair(pairKey(at.content, id))
		}
		if found.content != 0 {
			s.contents.add(uint32(found.content))
		}
	}
	at.content, at.contentLast = id, true
}

// find looks up the token buf[i:j]. An unknown one has id 0.
func (f *Features) find(s *Scratch, i, j int) (id uint32, skip bool) {
	w := loadWord(s.buf, i, j)
	if j-i > maxShort {
		return f.findLong(s, w, i, j)
	}
	for h := w.hash() >> f.slotShift; ; h = (h + 1) & uint64(len(f.slots)-1) {
		slot := &f.slots[h]
		if slot.word == w {
			return slot.id, slot.skip
		}
		if slot.word.lo == 0 {
			return 0, w.mask(j-i, nil)
		}
	}
}

func (f *Features) findLong(s *Scratch, w word, i, j int) (id uint32, skip bool) {
	s.lower = s.lower[:0]
	for _, c := range s.buf[i:j] {
		s.lower = append(s.lower, c|0x20)
	}
	if slot, ok := f.long[string(s.lower)]; ok {
		return slot.id, slot.skip
	}
	return 0, w.mask(j-i, s.lower[maxShort:])
}

func pairKey(first, second uint32) uint32 { return first<<16 | second }

// findPair returns the pair's slot, or an empty one.
func (f *Features) findPair(key uint32) *pairSlot {
	for i := uint64(key) * hashFactor >> f.pairShift; ; i = (i + 1) & uint64(len(f.pairSlots)-1) {
		if k := f.pairSlots[i].key; k == key || k == 0 {
			return &f.pairSlots[i]
		}
	}
}

// finish turns the counts into scores, and clears them.
func (f *Features) finish(s *Scratch) {
	s.counts = s.counts[:0]
	linear := f.bias
	var bayes [schema.NumCategories]int64
	for _, id := range s.words.touched {
		for k, w := range f.words[id].bayes {
			bayes[k] += int64(w)
		}
	}
	s.addWords(f.words, &linear)
	s.addLinear(&s.contents, f.contents, &linear)
	s.addLinear(&s.openings, f.openings, &linear)
	for _, id := range s.pairs.touched {
		for k, w := range f.pairs[id] {
			bayes[k] += int64(w)
		}
		s.pairs.bits[id/64] = 0
	}
	known := len(s.words.touched) + len(s.pairs.touched)
	s.words.touched, s.pairs.touched = s.words.touched[:0], s.pairs.touched[:0]
	copy(s.scores[:], linear[:])
	scale := 1 / (FixedOne * math.Sqrt(float64(max(known, 1))))
	for k, b := range bayes {
		s.scores[schema.NumCategories+k] = float64(b) * scale
	}
}

// block sums one kind of terms for the linear scores. Products are rounded
// before they are added (the conversions), so that no processor fuses the two:
// a bundle gives the same scores everywhere.
type block struct {
	sum    [schema.NumCategories]float64
	square float64
}

func (b *block) add(r *linearRow, tf float64) {
	for k, w := range r.share {
		b.sum[k] += float64(tf * float64(w))
	}
	v := tf * float64(r.idf)
	b.square += float64(v * v)
}

// into adds the sums of a block of length 1.
func (b *block) into(linear *[schema.NumCategories]float64) {
	if b.square == 0 {
		return
	}
	scale := 1 / math.Sqrt(b.square)
	for k := range linear {
		linear[k] += float64(b.sum[k] * scale)
	}
}

func (s *Scratch) addWords(rows []wordRow, linear *[schema.NumCategories]float64) {
	var b block
	for _, id := range s.words.touched {
		s.addRow(&b, &rows[id].linearRow, s.words.count[id])
		s.words.count[id] = 0
	}
	b.into(linear)
}

func (s *Scratch) addLinear(t *tally, rows []linearRow, linear *[schema.NumCategories]float64) {
	var b block
	for _, id := range t.touched {
		s.addRow(&b, &rows[id], t.count[id])
		t.count[id] = 0
	}
	t.touched = t.touched[:0]
	b.into(linear)
}

func (s *Scratch) addRow(b *block, r *linearRow, n uint32) {
	b.add(r, tfWeight(n))
	if r.column != 0 {
		s.counts = append(s.counts, entry{r.column, float64(n)})
	}
}
