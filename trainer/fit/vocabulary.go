package fit

import (
	"cmp"
	"slices"

	"complaints/internal/classifier"
)

// frequency is in how many documents of each category a term is.
type frequency []uint32

// newFrequencies are n frequencies that lie one behind the other.
func newFrequencies(n, classes int) []frequency {
	all, flat := make([]frequency, n), make([]uint32, n*classes)
	for i := range all {
		all[i] = flat[i*classes : (i+1)*classes : (i+1)*classes]
	}
	return all
}

func (f frequency) total() (n uint32) {
	for _, v := range f {
		n += v
	}
	return n
}

const unknown = ^uint32(0)

// vocabulary is the terms that a fit keeps: those in enough documents, and if
// they are too many, the ones in the most. Kept terms have places from 0, those
// in most documents first, so that what most texts touch lies close together in
// serving; equal documents in any order give equal places.
type vocabulary struct {
	corpus    *corpus
	documents int
	years     bool // years may be terms
	classes   int
	perClass  frequency
	terms     [numKinds][]uint32    // by place: the corpus's term
	place     [numKinds][]uint32    // by term: its place, or unknown
	frequency [numKinds][]frequency // by place
}

// limits bound the vocabulary, so that a bundle stays a few megabytes.
var limits = [numKinds]int{words: classifier.MaxTerms, pairs: classifier.MaxTerms, contents: classifier.MaxTerms, openings: 20_000}

// newVocabulary counts the terms of the given documents.
func newVocabulary(c *corpus, rows []int, minDocuments int, years bool) *vocabulary {
	v := &vocabulary{corpus: c, documents: len(rows), years: years, classes: c.classes, perClass: make(frequency, c.classes)}
	for _, r := range rows {
		v.perClass[c.documents[r].category]++
	}
	for k := range numKinds {
		counts := newFrequencies(c.size(k), c.classes)
		for _, r := range rows {
			d := &c.documents[r]
			for _, t := range d.of(k) {
				counts[t.term()][d.category]++
			}
		}
		v.keep(k, counts, minDocuments)
	}
	return v
}

func (v *vocabulary) keep(k kind, counts []frequency, minDocuments int) {
	var kept []uint32
	for term, f := range counts {
		if int(f.total()) >= minDocuments && v.wordsKept(k, uint32(term)) {
			kept = append(kept, uint32(term))
		}
	}
	slices.SortFunc(kept, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(counts[b].total(), counts[a].total()), v.compareTerms(k, a, b))
	})
	kept = kept[:min(len(kept), limits[k])]
	v.terms[k] = kept
	v.place[k] = make([]uint32, len(counts))
	for i := range v.place[k] {
		v.place[k][i] = unknown
	}
	v.frequency[k] = newFrequencies(len(kept), v.classes)
	for place, term := range kept {
		v.place[k][term] = uint32(place)
		copy(v.frequency[k][place], counts[term])
	}
}

// wordsKept says whether the words of a term are in the vocabulary. Words come
// first among the kinds.
func (v *vocabulary) wordsKept(k kind, term uint32) bool {
	if k == words {
		return v.years || !isYear(v.corpus.words[term])
	}
	if k == openings {
		return v.place[words][term] != unknown
	}
	first, second := v.wordPlaces(k, term)
	return first != unknown && second != unknown
}

// isYear says whether a word is a year of these or the last decades. Which
// subject is usual changes from year to year in the Bureau's data, and that is
// nothing to learn for the years to come.
func isYear(word string) bool {
	if len(word) != 4 || word[:2] != "19" && word[:2] != "20" {
		return false
	}
	return word[2] <= '9' && word[3] <= '9'
}

// wordPlaces are the places of the two words of a pair.
func (v *vocabulary) wordPlaces(k kind, term uint32) (first, second uint32) {
	p := v.corpus.pairs[k][term]
	return v.place[words][p>>32], v.place[words][uint32(p)]
}

func (v *vocabulary) compareTerms(k kind, a, b uint32) int {
	c := v.corpus
	if k == words || k == openings {
		return cmp.Compare(c.words[a], c.words[b])
	}
	p, q := c.pairs[k][a], c.pairs[k][b]
	return cmp.Or(cmp.Compare(c.words[p>>32], c.words[q>>32]), cmp.Compare(c.words[uint32(p)], c.words[uint32(q)]))
}
