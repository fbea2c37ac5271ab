package fit

import (
	"complaints/internal/classifier"
	"complaints/trainer/dataset"
)

// kind is a kind of terms.
type kind int

const (
	words    kind = iota // tokens
	pairs                // adjacent tokens
	contents             // neighbouring tokens without stop words and masks
	openings             // tokens among the first
	numKinds
)

// termCount is a term and how often a text has it, in four bytes: the count is
// the low eight bits and ends at 255.
type termCount uint32

const (
	mostCount = 1<<8 - 1
	mostTerms = 1 << 24 // of a kind
)

func (t termCount) term() uint32  { return uint32(t >> 8) }
func (t termCount) count() uint32 { return uint32(t & mostCount) }

// document is a text as its terms, each once a kind, in the order of appearance.
type document struct {
	terms    []termCount      // kind after kind
	ends     [numKinds]uint32 // where each kind ends
	category uint8
}

// of are the terms of a kind.
func (d *document) of(k kind) []termCount {
	if k == 0 {
		return d.terms[:d.ends[0]]
	}
	return d.terms[d.ends[k-1]:d.ends[k]]
}

// corpus is texts as terms. A term's number says which it is among its kind;
// words and openings share the numbers of words. Pairs that are in few documents
// are not in it: most are in one, and no vocabulary would have them.
type corpus struct {
	classes   int // categories of the taxonomy
	documents []document
	words     []string
	pairs     [numKinds][]uint64 // first word << 32 | second word, for pairs and contents
}

// newCorpus turns texts into terms, in two passes over the texts: one counts in
// how many each pair is, the other keeps those that are in least or more.
func newCorpus(classes int, examples []dataset.Example, least int) *corpus {
	b := &corpusBuilder{
		corpus: corpus{classes: classes, documents: make([]document, 0, len(examples))}, wordNumber: map[string]uint32{}, skip: map[string]bool{},
	}
	for _, w := range classifier.StopWords() {
		b.skip[w] = true
	}
	if least > 1 {
		b.countPairs(examples, uint32(least))
	} else {
		for k := range numKinds {
			b.pairNumber[k] = map[uint64]uint32{}
		}
	}
	for k := range numKinds {
		b.place[k] = map[uint32]int{}
	}
	b.prune = least > 1
	for i := range examples {
		b.add(&examples[i])
	}
	c := b.corpus // what numbered the terms is not needed any more
	return &c
}

// corpusBuilder numbers terms as they come.
type corpusBuilder struct {
	corpus
	wordNumber map[string]uint32
	skip       map[string]bool
	prune      bool                        // pairNumber has all the pairs that count
	pairNumber [numKinds]map[uint64]uint32 // or unknown, until the pair comes
	place      [numKinds]map[uint32]int    // of a term in the document in hand
	found      [numKinds][]termCount       // of the document in hand
}

// sightings is in how many documents a pair is, and which was the last one.
type sightings struct{ documents, last uint32 }

func (b *corpusBuilder) countPairs(examples []dataset.Example, least uint32) {
	var seen [numKinds]map[uint64]sightings
	for _, k := range pairKinds {
		seen[k] = map[uint64]sightings{}
	}
	for i := range examples {
		b.visit(examples[i].Text, func(k kind, first, second uint32) {
			if first == none {
				return
			}
			key := pairKey(first, second)
			if s := seen[k][key]; s.documents == 0 || s.last != uint32(i) {
				seen[k][key] = sightings{s.documents + 1, uint32(i)}
			}
		})
	}
	for _, k := range pairKinds {
		b.pairNumber[k] = keepPairs(seen[k], least)
		seen[k] = nil
	}
}

// keepPairs are the pairs in least documents, or in more if there are too many to
// number.
func keepPairs(seen map[uint64]sightings, least uint32) map[uint64]uint32 {
	for {
		n := 0
		for _, s := range seen {
			if s.documents >= least {
				n++
			}
		}
		if n <= mostTerms {
			kept := make(map[uint64]uint32, n)
			for key, s := range seen {
				if s.documents >= least {
					kept[key] = unknown
				}
			}
			return kept
		}
		least++
	}
}

// pairKinds are the kinds whose terms are pairs of words.
var pairKinds = [...]kind{pairs, contents}

// none stands for no word before.
const none = ^uint32(0)

func pairKey(first, second uint32) uint64 { return uint64(first)<<32 | uint64(second) }

// visit calls use with the terms of a text, in the order of appearance: words and
// openings as none and their word, pairs as both.
func (b *corpusBuilder) visit(text string, use func(k kind, first, second uint32)) {
	tokens := 0
	previous, content := none, none
	classifier.VisitTokens([]byte(text), func(token []byte, masked bool) {
		tokens++
		if len(token) > classifier.MaxWordBytes {
			// Never in a vocabulary, and no neighbour in a pair.
			previous = none
			if !masked {
				content = none
			}
			return
		}
		w := b.word(token)
		use(words, none, w)
		if tokens <= classifier.OpeningTokens {
			use(openings, none, w)
		}
		if previous != none {
			use(pairs, previous, w)
		}
		previous = w
		if masked || b.skip[string(token)] {
			return
		}
		if content != none {
			use(contents, content, w)
		}
		content = w
	})
}

func (b *corpusBuilder) word(token []byte) uint32 {
	w, ok := b.wordNumber[string(token)]
	if !ok {
		w = uint32(len(b.corpus.words))
		b.corpus.words = append(b.corpus.words, string(token))
		b.wordNumber[b.corpus.words[w]] = w
	}
	return w
}

func (b *corpusBuilder) add(e *dataset.Example) {
	b.visit(e.Text, func(k kind, first, second uint32) {
		if first == none {
			b.count(k, second)
		} else if n, ok := b.pair(k, pairKey(first, second)); ok {
			b.count(k, n)
		}
	})
	d := document{category: uint8(e.Category)}
	total := 0
	for k := range numKinds {
		total += len(b.found[k])
	}
	d.terms = make([]termCount, 0, total)
	for k := range numKinds {
		d.terms = append(d.terms, b.found[k]...)
		d.ends[k] = uint32(len(d.terms))
		b.found[k] = b.found[k][:0]
		clear(b.place[k])
	}
	b.documents = append(b.documents, d)
}

// pair is the number of a pair, if it is one that counts.
func (b *corpusBuilder) pair(k kind, key uint64) (uint32, bool) {
	n, ok := b.pairNumber[k][key]
	if !ok && b.prune {
		return 0, false
	}
	if !ok || n == unknown {
		n = uint32(len(b.corpus.pairs[k]))
		b.corpus.pairs[k] = append(b.corpus.pairs[k], key)
		b.pairNumber[k][key] = n
	}
	return n, true
}

func (b *corpusBuilder) count(k kind, term uint32) {
	at, ok := b.place[k][term]
	if !ok {
		b.place[k][term] = len(b.found[k])
		b.found[k] = append(b.found[k], termCount(term<<8|1))
		return
	}
	if b.found[k][at].count() < mostCount {
		b.found[k][at]++
	}
}

// size is how many terms of a kind there are.
func (c *corpus) size(k kind) int {
	if k == words || k == openings {
		return len(c.words)
	}
	return len(c.pairs[k])
}
