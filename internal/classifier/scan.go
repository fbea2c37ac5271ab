package classifier

import (
	"math"
	"slices"
)

// Scratch is the memory of one goroutine's predictions. It belongs to the
// Classifier or Features that made it, and it is clean between calls.
type Scratch struct {
	buf   []byte   // the text, padded
	lower []byte   // a long word in lower case
	edges []int32  // where tokens begin and end, in turn
	ids   []uint32 // the tokens' words, 0 if unknown
	kept  []uint32 // those of all tokens but stop words and masks
	rows  []uint32 // of one kind of terms, as they come; before that the keys of pairs

	// Counts by row id, all zero between calls, and the ids that are not zero,
	// in the order in which the text first has them.
	words, contents, openings tally
	pairs                     presence

	content, unknown int // tokens of the last text but stop words and masks, and those of them that are in no table

	scores        []float64 // of the text, linear, then naive Bayes; then those of the fields
	name          []byte    // a field's value in the form of the tables
	counts        []entry   // of chosen terms, in no order
	probabilities []float64
	masks         []uint64
	row           []float64
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

// addAll adds the ids but 0. No jump depends on them.
func (p *presence) addAll(ids []uint32) {
	bits := p.bits
	bits[0] |= 1
	touched := resize(p.touched, len(ids)+1)
	n := 0
	for _, id := range ids {
		touched[n] = id
		n += 1 - int(bits[id/64]>>(id%64)&1)
		bits[id/64] |= 1 << (id % 64)
	}
	bits[0] &^= 1
	p.touched = touched[:n]
}

func newTally(rows int) tally {
	return tally{count: make([]uint32, rows), touched: make([]uint32, 0, min(rows, 1024))}
}

// addAll counts the ids but 0. No jump depends on them.
func (t *tally) addAll(ids []uint32) {
	count := t.count
	count[0] = 1
	touched := resize(t.touched, len(ids)+1)
	n := 0
	for _, id := range ids {
		touched[n] = id
		c := count[id]
		count[id] = c + 1
		if c == 0 {
			n++
		}
	}
	count[0] = 0
	t.touched = touched[:n]
}

// resize returns a slice of n, with any content, that reuses the memory of s.
func resize(s []uint32, n int) []uint32 { return slices.Grow(s[:0], n)[:n] }

// NewScratch makes the memory that a goroutine needs.
func (f *Features) NewScratch() *Scratch {
	return &Scratch{
		words: newTally(len(f.tables.Words) + 1), pairs: newPresence(len(f.tables.Pairs) + 1),
		contents: newTally(len(f.tables.Contents) + 1), openings: newTally(len(f.tables.Openings) + 1),
		scores: make([]float64, f.scores), probabilities: make([]float64, f.classes),
		row: make([]float64, f.width),
	}
}

// Row returns the features of a text and of what else is known. The slice is the
// Scratch's own and holds until its next use.
func (f *Features) Row(text []byte, fields Fields, s *Scratch) []float64 {
	f.score(text, fields, s)
	return s.whole()
}

// whole returns the scores and counts as a row.
func (s *Scratch) whole() []float64 {
	clear(s.row)
	copy(s.row, s.scores)
	for _, e := range s.counts {
		s.row[e.column] = e.value
	}
	return s.row
}

// UnknownWords is the share of the last text's tokens, but for stop words and
// masks, that the model does not know; 0 if it has none.
func (s *Scratch) UnknownWords() float64 { return float64(s.unknown) / float64(max(s.content, 1)) }

const (
	// leastKnownWords is how many different words the model must know in a text to be
	// asked: N/A, none, test and a greeting have fewer.
	leastKnownWords = 2
	// mostUnknownWords is the share of words that it does not know from which on the
	// text is rather of another language, whatever a few words say.
	mostUnknownWords = 2.0 / 3
)

// saysLittle says whether the last text has too few words that the model knows,
// stop words and masks not counted, to be judged by it.
func (s *Scratch) saysLittle() bool {
	if float64(s.unknown) > mostUnknownWords*float64(s.content) {
		return true
	}
	known, first := 0, uint32(0)
	for _, id := range s.kept {
		if id != 0 && id != first {
			if known++; known == leastKnownWords {
				return false
			}
			first = id
		}
	}
	return true
}

// score fills s.scores and s.counts.
func (f *Features) score(text []byte, fields Fields, s *Scratch) {
	f.scan(text, s)
	f.finish(fields, s)
}

// scan counts the terms of the text; finish must follow.
//
// It goes over the tokens several times and does one thing to all of them at a
// time. So few jumps depend on the text, which the processor would guess wrong,
// and it fetches from many places of the tables at once.
func (f *Features) scan(text []byte, s *Scratch) {
	s.buf = pad(s.buf, text)
	s.edges = tokenEdges(s.edges, s.buf, len(text))
	f.findWords(s)
	f.findOpenings(s)
	f.findPairs(s)
	f.findContents(s)
}

// findWords looks up the tokens.
func (f *Features) findWords(s *Scratch) {
	n := len(s.edges) / 2
	s.ids, s.kept = resize(s.ids, n), resize(s.kept, n)
	ids, kept := s.ids, s.kept
	content, unknown := 0, 0
	for k := range ids {
		i, j := int(s.edges[2*k]), int(s.edges[2*k+1])
		w := loadWord(s.buf, i, j)
		h := w.hash() >> f.slotShift
		id, keep := f.slots[h].id, f.slots[h].keep
		if f.slots[h].start != w.lo || f.ends[h] != w.hi || j-i > maxShort {
			id, keep = f.search(s, w, i, j)
		}
		ids[k], kept[content] = id, id
		content += int(keep)
		if id == 0 {
			unknown += int(keep)
		}
	}
	s.words.addAll(ids)
	s.kept = kept[:content]
	s.content, s.unknown = content, unknown
}

// search looks up the token w, which is buf[i:j] and not in the first slot where
// it could be. An unknown one has id 0. keep is 0 if it is a stop word or a mask,
// and 1 if not.
func (f *Features) search(s *Scratch, w word, i, j int) (id uint32, keep uint32) {
	if j-i > maxShort {
		return f.searchLong(s, w, i, j)
	}
	for h := w.hash() >> f.slotShift; ; h = (h + 1) & uint64(len(f.slots)-1) {
		slot := &f.slots[h]
		if slot.start == w.lo && f.ends[h] == w.hi {
			return slot.id, slot.keep
		}
		if slot.start == 0 {
			return 0, keepUnless(w.mask(j-i, nil))
		}
	}
}

func keepUnless(skip bool) uint32 {
	if skip {
		return 0
	}
	return 1
}

func (f *Features) searchLong(s *Scratch, w word, i, j int) (id uint32, keep uint32) {
	s.lower = s.lower[:0]
	for _, c := range s.buf[i:j] {
		s.lower = append(s.lower, c|0x20)
	}
	if slot, ok := f.long[string(s.lower)]; ok {
		return slot.id, slot.keep
	}
	return 0, keepUnless(w.mask(j-i, s.lower[maxShort:]))
}

// findOpenings looks up the opening words.
func (f *Features) findOpenings(s *Scratch) {
	ids := s.ids[:min(len(s.ids), OpeningTokens)]
	s.rows = resize(s.rows, len(ids))
	for i, id := range ids {
		s.rows[i] = uint32(f.openingOf[id])
	}
	s.openings.addAll(s.rows)
}

// findPairs looks up the pairs of adjacent tokens.
func (f *Features) findPairs(s *Scratch) {
	f.maybePairs(s, s.ids)
	for i, key := range s.rows {
		s.rows[i] = uint32(f.findPair(key).pair)
	}
	s.pairs.addAll(s.rows)
}

// findContents looks up the pairs of content tokens.
func (f *Features) findContents(s *Scratch) {
	f.maybePairs(s, s.kept)
	for i, key := range s.rows {
		s.rows[i] = uint32(f.findPair(key).content)
	}
	s.contents.addAll(s.rows)
}

// maybePairs leaves the keys of the neighbours that may be in the table in s.rows. Half of all
// pairs are not, and the filter knows that of most without fetching their slots.
func (f *Features) maybePairs(s *Scratch, ids []uint32) {
	keys, filter, shift := resize(s.rows, len(ids)), f.pairFilter, f.pairShift-filterBits
	n := 0
	previous := uint32(0)
	for _, id := range ids {
		key := pairKey(previous, id)
		bit := pairHash(key) >> (shift & 63)
		keys[n] = key
		n += int(filter[bit/64] >> (bit % 64) & 1)
		previous = id
	}
	s.rows = keys[:n]
}

func pairKey(first, second uint32) uint32 { return first<<16 | second }

func pairHash(key uint32) uint64 { return uint64(key) * hashFactor }

// filterBits is the logarithm of how many bits of the filter there are a slot.
const filterBits = 3

// findPair returns the pair's slot, or the empty one where it would stand.
func (f *Features) findPair(key uint32) *pairSlot {
	for i := pairHash(key) >> f.pairShift; ; i = (i + 1) & uint64(len(f.pairSlots)-1) {
		if k := f.pairSlots[i].key; k == key || k == 0 {
			return &f.pairSlots[i]
		}
	}
}

// finish turns the counts into scores, clears them, and adds the scores of the fields.
func (f *Features) finish(fields Fields, s *Scratch) {
	s.counts = slices.Grow(s.counts[:0], len(s.words.touched)+len(s.contents.touched)+len(s.openings.touched)+1)
	known := max(len(s.words.touched)+len(s.pairs.touched), 1)
	scale := 1 / (FixedOne * math.Sqrt(float64(known)))
	for i := range slices.Backward(f.groups) {
		g := &f.groups[i]
		counts := kept
		if i == 0 { // the last, which also has the columns of the terms that are counted
			counts = cleared
		}
		n := min(lanes, f.classes-g.first)
		var bayes [lanes]int64
		linear := s.scores[g.first : g.first+n]
		copy(linear, f.bias[g.first:])
		s.addWords(g.words, linear, &bayes, counts)
		s.addPairs(g.pairs, &bayes, counts)
		s.addLinear(&s.contents, g.contents, linear, counts)
		s.addLinear(&s.openings, g.openings, linear, counts)
		for k, b := range bayes[:n] {
			s.scores[f.classes+g.first+k] = float64(b) * scale
		}
	}
	s.words.touched, s.contents.touched, s.openings.touched, s.pairs.touched = s.words.touched[:0], s.contents.touched[:0], s.openings.touched[:0], s.pairs.touched[:0]
	f.addFields(fields, s)
}

// after says what is left of the counts when they were added up: a mask.
type after uint64

const (
	cleared after = 0
	kept          = ^cleared
)

// The loops below are the hottest of the package. They are written out because Go keeps
// single variables in registers and arrays in memory. Products are rounded
// before they are added (the conversions), so that no processor fuses the two:
// a bundle gives the same scores everywhere.

// addBlock adds the sums of one kind of terms to the linear scores, brought to
// length 1; square is that of the terms' values.
func addBlock(linear []float64, sum *[lanes]float64, square float64) {
	if square == 0 {
		return
	}
	scale := 1 / math.Sqrt(square)
	for k := range linear {
		linear[k] += float64(sum[k] * scale)
	}
}

// count makes a feature of how often a term comes, if it was chosen for one.
// There is room: each of the terms was met.
func (s *Scratch) count(column int32, n uint32) {
	counts := s.counts[:len(s.counts)+1]
	counts[len(s.counts)] = entry{column, float64(n)}
	if column == 0 {
		counts = s.counts
	}
	s.counts = counts
}

func (s *Scratch) addWords(rows []wordRow, linear []float64, bayes *[lanes]int64, then after) {
	var s0, s1, s2, s3, s4, square float64
	var b0, b1, b2, b3, b4 int64
	for _, id := range s.words.touched {
		r, n := &rows[id], s.words.count[id]
		s.words.count[id] = n & uint32(then)
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
		s.count(r.column, n)
	}
	*bayes = [...]int64{b0, b1, b2, b3, b4}
	addBlock(linear, &[...]float64{s0, s1, s2, s3, s4}, square)
}

func (s *Scratch) addPairs(rows [][lanes]Fixed, bayes *[lanes]int64, then after) {
	b0, b1, b2, b3, b4 := bayes[0], bayes[1], bayes[2], bayes[3], bayes[4]
	for _, id := range s.pairs.touched {
		w := &rows[id]
		b0 += int64(w[0])
		b1 += int64(w[1])
		b2 += int64(w[2])
		b3 += int64(w[3])
		b4 += int64(w[4])
		s.pairs.bits[id/64] &= uint64(then)
	}
	*bayes = [...]int64{b0, b1, b2, b3, b4}
}

func (s *Scratch) addLinear(t *tally, rows []linearRow, linear []float64, then after) {
	var s0, s1, s2, s3, s4, square float64
	for _, id := range t.touched {
		r, n := &rows[id], t.count[id]
		t.count[id] = n & uint32(then)
		tf := tfWeight(n)
		v := tf * float64(r.idf)
		square += float64(v * v)
		s0 += float64(tf * float64(r.share[0]))
		s1 += float64(tf * float64(r.share[1]))
		s2 += float64(tf * float64(r.share[2]))
		s3 += float64(tf * float64(r.share[3]))
		s4 += float64(tf * float64(r.share[4]))
		s.count(r.column, n)
	}
	addBlock(linear, &[...]float64{s0, s1, s2, s3, s4}, square)
}
