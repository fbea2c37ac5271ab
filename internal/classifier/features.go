package classifier

import (
	"fmt"
	"math"
	"slices"
)

// Features turns texts into rows of features. It is immutable and may be
// shared; the Scratch may not.
//
// A row has ScoreColumns scores of the text (linear first, then naive Bayes), as many
// of each field as there are categories, each in the order of the categories, and one
// count for each chosen term.
type Features struct {
	bias    []float64 // by category
	classes int
	fields  []fieldScores
	scores  int // how many features are scores
	width   int

	slots     []wordSlot          // open addressing by word.hash
	ends      []uint64            // by slot: the word's bytes after the first eight
	slotShift uint                // hash >> slotShift is a slot
	long      map[string]wordSlot // words over sixteen bytes

	pairSlots  []pairSlot // open addressing by pairHash
	pairShift  uint       // hash >> pairShift is a slot
	pairFilter []uint64   // bit hash >> (pairShift - filterBits) is set if some pair has it

	groups    []group
	openingOf []uint16 // by word id: its row in openings, 0 if none

	// What explanations name terms by.
	tables  *Tables
	columns []column // after the scores
}

// wordSlot is a word that is known, or that is only known to be skipped in
// content pairs. Comparing whole words makes collisions harmless.
type wordSlot struct {
	start uint64 // the word's first eight bytes; 0 is an empty slot
	id    uint32 // of its row; 0 if it is not in the vocabulary
	keep  uint32 // 0 for a stop word or a mask, 1 for others
}

// pairSlot is a pair of words, by their ids: exact, so collisions are harmless.
type pairSlot struct {
	key     uint32 // first<<16 | second; 0 is empty
	pair    uint16 // row in pairs, 0 if none
	content uint16 // row in contents, 0 if none
}

// lanes is how many categories are added up at a time, in registers. More of them
// would leave none for the rest. It is the width of the taxonomy that most use, so
// that nothing of it is padding; others have their last group padded with zeros.
const lanes = 5

// group holds what the tables say of the terms for up to as many categories as
// there are lanes, from first on. Rows are by id, from 1; row 0 is unused.
type group struct {
	first    int
	words    []wordRow
	pairs    [][lanes]Fixed
	contents []linearRow
	openings []linearRow
}

// linearRow is a term's share in the linear scores, the idf multiplied in.
type linearRow struct {
	share  [lanes]float32
	idf    float32
	column int32 // in the row of features; 0 if not counted there, and in all groups but the first
}

type wordRow struct {
	linearRow
	bayes [lanes]Fixed
}

func (g *group) linearRow(l Linear, scores int) linearRow {
	r := linearRow{idf: float32(l.IDF.Float())}
	for k, w := range g.of(l.Weights) {
		r.share[k] = float32(w.Float() * l.IDF.Float())
	}
	if l.Column != NoColumn && g.first == 0 {
		r.column = int32(scores) + int32(l.Column)
	}
	return r
}

// of returns the weights of the group's categories.
func (g *group) of(w Weights) Weights { return w[g.first:min(g.first+lanes, len(w))] }

func (g *group) bayes(w Weights) (row [lanes]Fixed) {
	copy(row[:], g.of(w))
	return row
}

// newGroups lays the tables out for the scores of a text.
func newGroups(t *Tables, scores int) []group {
	groups := make([]group, 0, (len(t.Bias)+lanes-1)/lanes)
	for first := 0; first < len(t.Bias); first += lanes {
		g := group{
			first: first, words: make([]wordRow, 1, len(t.Words)+1), pairs: make([][lanes]Fixed, 1, len(t.Pairs)+1),
			contents: make([]linearRow, 1, len(t.Contents)+1), openings: make([]linearRow, 1, len(t.Openings)+1),
		}
		for _, w := range t.Words {
			g.words = append(g.words, wordRow{g.linearRow(w.Linear, scores), g.bayes(w.Bayes)})
		}
		for _, p := range t.Pairs {
			g.pairs = append(g.pairs, g.bayes(p.Bayes))
		}
		for _, c := range t.Contents {
			g.contents = append(g.contents, g.linearRow(c.Linear, scores))
		}
		for _, o := range t.Openings {
			g.openings = append(g.openings, g.linearRow(o.Linear, scores))
		}
		groups = append(groups, g)
	}
	return groups
}

// NewFeatures checks the tables, which then must not change, and builds the lookups.
func NewFeatures(t *Tables) (*Features, error) {
	f := &Features{bias: t.Bias, classes: len(t.Bias), long: map[string]wordSlot{}, tables: t}
	if len(t.Words) == 0 || len(t.Words) > MaxTerms {
		return nil, fmt.Errorf("has %d words and may have 1 to %d", len(t.Words), MaxTerms)
	}
	var err error
	if f.fields, err = newFieldScores(t.Fields); err != nil {
		return nil, err
	}
	f.scores = ScoreColumns(f.classes) + len(f.fields)*f.classes
	if err := f.addWords(t.Words); err != nil {
		return nil, err
	}
	if err := f.addPairs(t); err != nil {
		return nil, err
	}
	if err := f.addOpenings(t); err != nil {
		return nil, err
	}
	columns := t.countedColumns()
	for i, c := range columns {
		if int(c) != i {
			return nil, fmt.Errorf("counted terms do not have the columns 0 to %d, each once", len(columns)-1)
		}
	}
	f.width = f.scores + len(columns)
	f.groups = newGroups(t, f.scores)
	f.columns = f.nameColumns()
	return f, nil
}

// countedColumns returns the columns of the terms that are counted, in rising order.
func (t *Tables) countedColumns() (columns []int16) {
	add := func(l Linear) {
		if l.Column != NoColumn {
			columns = append(columns, l.Column)
		}
	}
	for i := range t.Words {
		add(t.Words[i].Linear)
	}
	for i := range t.Contents {
		add(t.Contents[i].Linear)
	}
	for i := range t.Openings {
		add(t.Openings[i].Linear)
	}
	slices.Sort(columns)
	return columns
}

// addWords fills the table of words. Stop words that are not in the vocabulary
// stand there too, for they are skipped in content pairs.
func (f *Features) addWords(words []Word) error {
	size := tableSize(len(words) + len(stopWords))
	f.slots, f.ends, f.slotShift = make([]wordSlot, size), make([]uint64, size), shiftFor(size)
	for i, w := range words {
		if w.Text == "" || len(w.Text) > MaxWordBytes || !isToken(w.Text) {
			return fmt.Errorf("word %d is %q, which is no token of 1 to %d bytes", i, w.Text, MaxWordBytes)
		}
		if !f.addWord(w.Text, uint32(i+1), slices.Contains(stopWords, w.Text)) {
			return fmt.Errorf("word %d is %q, which is named twice", i, w.Text)
		}
	}
	for _, w := range stopWords {
		f.addWord(w, 0, true) // false if it is in the vocabulary
	}
	return nil
}

func isToken(s string) bool {
	for i := range len(s) {
		if !tokenByte[s[i]] || s[i] != s[i]|0x20 {
			return false
		}
	}
	return true
}

// addWord says whether the word was new.
func (f *Features) addWord(text string, id uint32, skip bool) bool {
	buf := pad(nil, []byte(text))
	n := len(text)
	w := loadWord(buf, 0, n)
	slot := wordSlot{start: w.lo, id: id, keep: keepUnless(skip || w.mask(n, buf[min(maxShort, n):n]))}
	if n > maxShort {
		_, known := f.long[text]
		f.long[text] = slot
		return !known
	}
	for i := w.hash() >> f.slotShift; ; i = (i + 1) & uint64(len(f.slots)-1) {
		switch {
		case f.slots[i].start == 0:
			f.slots[i], f.ends[i] = slot, w.hi
			return true
		case f.slots[i].start == w.lo && f.ends[i] == w.hi:
			return false
		}
	}
}

func (f *Features) addPairs(t *Tables) error {
	if max(len(t.Pairs), len(t.Contents)) > MaxTerms {
		return fmt.Errorf("has %d pairs and %d content pairs and may have %d of each", len(t.Pairs), len(t.Contents), MaxTerms)
	}
	size := tableSize(distinctPairs(t))
	f.pairSlots, f.pairShift = make([]pairSlot, size), shiftFor(size)
	f.pairFilter = make([]uint64, size<<filterBits/64)
	slot := func(i int, first, second uint16) (*pairSlot, error) {
		if int(first) >= len(t.Words) || int(second) >= len(t.Words) {
			return nil, fmt.Errorf("pair %d is of words %d and %d, and there are %d words", i, first, second, len(t.Words))
		}
		key := pairKey(uint32(first)+1, uint32(second)+1)
		bit := pairHash(key) >> (f.pairShift - filterBits)
		f.pairFilter[bit/64] |= 1 << (bit % 64)
		s := f.findPair(key)
		s.key = key
		return s, nil
	}
	for i, p := range t.Pairs {
		s, err := slot(i, p.First, p.Second)
		if err != nil || s.pair != 0 {
			return cmpErr(err, "pair %d is named twice", i)
		}
		s.pair = uint16(i + 1)
	}
	for i, c := range t.Contents {
		s, err := slot(i, c.First, c.Second)
		if err != nil || s.content != 0 {
			return cmpErr(err, "content pair %d is named twice", i)
		}
		s.content = uint16(i + 1)
	}
	return nil
}

// distinctPairs counts pairs, each once if it is both adjacent and of content words.
func distinctPairs(t *Tables) int {
	keys := make([]uint32, 0, len(t.Pairs)+len(t.Contents))
	for _, p := range t.Pairs {
		keys = append(keys, pairKey(uint32(p.First), uint32(p.Second)))
	}
	for _, c := range t.Contents {
		keys = append(keys, pairKey(uint32(c.First), uint32(c.Second)))
	}
	slices.Sort(keys)
	return len(slices.Compact(keys))
}

func (f *Features) addOpenings(t *Tables) error {
	f.openingOf = make([]uint16, len(t.Words)+1)
	for i, o := range t.Openings {
		if int(o.Word) >= len(t.Words) || f.openingOf[o.Word+1] != 0 {
			return fmt.Errorf("opening word %d is word %d, which is not there or named twice", i, o.Word)
		}
		f.openingOf[o.Word+1] = uint16(i + 1)
	}
	return nil
}

// cmpErr returns err, or the message if err is nil.
func cmpErr(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return fmt.Errorf(format, args...)
}

// tableSize is the number of slots for n keys: a power of two, at most three
// quarters full. Denser tables stay in the cache.
func tableSize(n int) int {
	size := 16
	for size*3 < n*4 {
		size *= 2
	}
	return size
}

func shiftFor(size int) uint {
	shift := uint(64)
	for ; size > 1; size /= 2 {
		shift--
	}
	return shift
}

// Width is the number of features in a row.
func (f *Features) Width() int { return f.width }

// Scores is how many features are scores: the first ones, all of them dense.
func (f *Features) Scores() int { return f.scores }

// tfWeight is 1 + ln(n), from a table for the usual counts.
func tfWeight(n uint32) float64 {
	if n < uint32(len(tfWeights)) {
		return tfWeights[n]
	}
	return 1 + math.Log(float64(n))
}

var tfWeights = func() (t [64]float64) {
	for n := 1; n < len(t); n++ {
		t[n] = 1 + math.Log(float64(n))
	}
	return t
}()
