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

	content, unknown int // tokens of the last text but stop words and masks, and those of them that are in no table

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

// UnknownWords is the share of the last text's tokens, but for stop words and
// masks, that the model does not know; 0 if it has none.
func (s *Scratch) UnknownWords() float64 { return float64(s.unknown) / float64(max(s.content, 1)) }

// scanner is what the tokens so far leave behind.
type scanner struct {
	tokens      int
	previous    uint32 // word id of the token before, 0 if unknown
	content     uint32 // word id of the content token before, 0 if unknown or none
	contentLast bool   // the token before was that content token

	contents, unknown int // content tokens, and those of them that are unknown
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
		j := tokenEnd(buf, i)
		f.token(s, &at, i, j)
		i = j
	}
	s.content, s.unknown = at.contents, at.unknown
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
			found = f.lookUpPair(pairKey(at.previous, id))
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
	at.contents++
	if id == 0 {
		at.unknown++
	}
	if id != 0 && at.content != 0 {
		if !at.contentLast {
			found = f.lookUpPair(pairKey(at.content, id))
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
		if slot.start == w.lo && f.ends[h] == w.hi {
			return slot.id, slot.skip
		}
		if slot.start == 0 {
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

func pairHash(key uint32) uint64 { return uint64(key) * hashFactor }

// filterBits is the logarithm of how many bits of the filter there are a slot.
const filterBits = 3

// noPair is the slot of pairs that are in no table.
var noPair pairSlot

// lookUpPair returns the pair's slot, or an empty one. Half of all pairs are
// unknown, and the filter knows that of most without fetching their slots.
func (f *Features) lookUpPair(key uint32) *pairSlot {
	bit := pairHash(key) >> (f.pairShift - filterBits)
	if f.pairFilter[bit/64]>>(bit%64)&1 == 0 {
		return &noPair
	}
	return f.findPair(key)
}

// findPair returns the pair's slot, or the empty one where it would stand.
func (f *Features) findPair(key uint32) *pairSlot {
	for i := pairHash(key) >> f.pairShift; ; i = (i + 1) & uint64(len(f.pairSlots)-1) {
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
	known := len(s.words.touched) + len(s.pairs.touched)
	s.addWords(f.words, &linear, &bayes)
	s.addPairs(f.pairs, &bayes)
	s.addLinear(&s.contents, f.contents, &linear)
	s.addLinear(&s.openings, f.openings, &linear)
	copy(s.scores[:], linear[:])
	scale := 1 / (FixedOne * math.Sqrt(float64(max(known, 1))))
	for k, b := range bayes {
		s.scores[schema.NumCategories+k] = float64(b) * scale
	}
}

// The loops below are the hottest of the package. They are written out for five
// categories because Go keeps single variables in registers and arrays in memory.
var _ = [1]struct{}{}[schema.NumCategories-5]

// block sums one kind of terms for the linear scores. Products are rounded
// before they are added (the conversions), so that no processor fuses the two:
// a bundle gives the same scores everywhere.
type block struct {
	sum    [schema.NumCategories]float64
	square float64 // of the terms' values, to bring the block to length 1
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

// count makes a feature of how often a chosen term comes.
func (s *Scratch) count(column int32, n uint32) {
	s.counts = append(s.counts, entry{column, float64(n)})
}

func (s *Scratch) addWords(rows []wordRow, linear *[schema.NumCategories]float64, bayes *[schema.NumCategories]int64) {
	var s0, s1, s2, s3, s4, square float64
	var b0, b1, b2, b3, b4 int64
	for _, id := range s.words.touched {
		r, n := &rows[id], s.words.count[id]
		s.words.count[id] = 0
		b0 += int64(r.bayes[0])
		b1 += int64(r.bayes[1])
		b2 += int64(r.bayes[2])
		b3 += int64(r.bayes[3])
		b4 += int64(r.bayes[4])
		tf := tfWeight(n)
		v := tf * float64(r.idf)
		square += float64(v * v)
		s0 += float64(tf * float64(r.share[0]))
		s1 += float64(tf * float64(r.share[1]))
		s2 += float64(tf * float64(r.share[2]))
		s3 += float64(tf * float64(r.share[3]))
		s4 += float64(tf * float64(r.share[4]))
		if r.column != 0 {
			s.count(r.column, n)
		}
	}
	s.words.touched = s.words.touched[:0]
	*bayes = [...]int64{b0, b1, b2, b3, b4}
	b := block{[...]float64{s0, s1, s2, s3, s4}, square}
	b.into(linear)
}

func (s *Scratch) addPairs(rows []Weights, bayes *[schema.NumCategories]int64) {
	b0, b1, b2, b3, b4 := bayes[0], bayes[1], bayes[2], bayes[3], bayes[4]
	for _, id := range s.pairs.touched {
		w := &rows[id]
		b0 += int64(w[0])
		b1 += int64(w[1])
		b2 += int64(w[2])
		b3 += int64(w[3])
		b4 += int64(w[4])
		s.pairs.bits[id/64] = 0
	}
	s.pairs.touched = s.pairs.touched[:0]
	*bayes = [...]int64{b0, b1, b2, b3, b4}
}

func (s *Scratch) addLinear(t *tally, rows []linearRow, linear *[schema.NumCategories]float64) {
	var s0, s1, s2, s3, s4, square float64
	for _, id := range t.touched {
		r, n := &rows[id], t.count[id]
		t.count[id] = 0
		tf := tfWeight(n)
		v := tf * float64(r.idf)
		square += float64(v * v)
		s0 += float64(tf * float64(r.share[0]))
		s1 += float64(tf * float64(r.share[1]))
		s2 += float64(tf * float64(r.share[2]))
		s3 += float64(tf * float64(r.share[3]))
		s4 += float64(tf * float64(r.share[4]))
		if r.column != 0 {
			s.count(r.column, n)
		}
	}
	t.touched = t.touched[:0]
	b := block{[...]float64{s0, s1, s2, s3, s4}, square}
	b.into(linear)
}
