package main

import (
	"complaints/internal/classifier"
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

// termCount is how often a text has a term.
type termCount struct{ term, count uint32 }

// document is a text as its terms, each once, in the order of appearance.
type document struct {
	terms    [numKinds][]termCount
	category int
}

// corpus is texts as terms. A term's number says which it is among its kind;
// words and openings share the numbers of words.
type corpus struct {
	documents []document
	words     []string
	pairs     [numKinds][]uint64 // first word << 32 | second word, for pairs and contents
}

// corpusBuilder numbers terms as they come.
type corpusBuilder struct {
	corpus
	wordNumber map[string]uint32
	pairNumber [numKinds]map[uint64]uint32
	skip       map[string]bool
	place      [numKinds]map[uint32]int // of a term in the document in hand
}

// newCorpus turns texts into terms.
func newCorpus(examples []example) *corpus {
	b := &corpusBuilder{wordNumber: map[string]uint32{}, skip: map[string]bool{}}
	for k := range numKinds {
		b.pairNumber[k], b.place[k] = map[uint64]uint32{}, map[uint32]int{}
	}
	for _, w := range classifier.StopWords() {
		b.skip[w] = true
	}
	for _, e := range examples {
		b.add(e)
	}
	return &b.corpus
}

func (b *corpusBuilder) add(e example) {
	d := document{category: int(e.category)}
	tokens := 0
	const none = ^uint32(0)
	previous, content := none, none
	classifier.VisitTokens([]byte(e.text), func(token []byte, masked bool) {
		tokens++
		if len(token) > classifier.MaxWordBytes {
			// Never in a vocabulary, and no neighbour in a pair.
			previous = none
			if !masked {
				content = none
			}
			return
		}
		w, ok := b.wordNumber[string(token)]
		if !ok {
			w = uint32(len(b.corpus.words))
			b.corpus.words = append(b.corpus.words, string(token))
			b.wordNumber[string(token)] = w
		}
		b.count(&d, words, w)
		if tokens <= classifier.OpeningTokens {
			b.count(&d, openings, w)
		}
		if previous != none {
			b.count(&d, pairs, b.pair(pairs, previous, w))
		}
		previous = w
		if masked || b.skip[string(token)] {
			return
		}
		if content != none {
			b.count(&d, contents, b.pair(contents, content, w))
		}
		content = w
	})
	for k := range numKinds {
		clear(b.place[k])
	}
	b.documents = append(b.documents, d)
}

func (b *corpusBuilder) pair(k kind, first, second uint32) uint32 {
	key := uint64(first)<<32 | uint64(second)
	n, ok := b.pairNumber[k][key]
	if !ok {
		n = uint32(len(b.corpus.pairs[k]))
		b.corpus.pairs[k] = append(b.corpus.pairs[k], key)
		b.pairNumber[k][key] = n
	}
	return n
}

func (b *corpusBuilder) count(d *document, k kind, term uint32) {
	at, ok := b.place[k][term]
	if !ok {
		b.place[k][term] = len(d.terms[k])
		d.terms[k] = append(d.terms[k], termCount{term, 1})
		return
	}
	d.terms[k][at].count++
}

// size is how many terms of a kind there are.
func (c *corpus) size(k kind) int {
	if k == words || k == openings {
		return len(c.words)
	}
	return len(c.pairs[k])
}
