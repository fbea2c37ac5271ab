package explore

import (
	"cmp"
	"slices"
	"strings"

	"complaints/internal/classifier"
	"complaints/trainer/evaluate"
)

const (
	// mostTerms bounds the memory of terms: about 100 bytes each.
	mostTerms = 400_000
	// leastTerm is in how many texts a term must be to be shown.
	leastTerm = 5
	// shownTerms is how many are shown of each category.
	shownTerms = 12
)

// terms counts in how many texts of each category words and pairs of words are,
// in bounded memory: when there are too many terms, those seen least are
// forgotten. A count is then too low by at most the number of times that this
// happened (Manku and Motwani, "Approximate frequency counts over data streams",
// VLDB 2002).
type terms struct {
	most      int
	forgotten uint32 // times
	texts     []int  // by category code
	counts    map[string]*termCount
	stop      map[string]bool
	number    int    // of the text in hand
	buf       []byte // of a pair
}

type termCount struct {
	texts  []uint32 // by category code
	missed uint32   // how many texts may have had it before it was counted
	last   int      // number of the last text that had it
}

func newTerms(categories, most int) *terms {
	t := &terms{most: most, texts: make([]int, categories), counts: map[string]*termCount{}, stop: map[string]bool{}}
	for _, w := range classifier.StopWords() {
		t.stop[w] = true
	}
	return t
}

func (t *terms) add(text []byte, category int) {
	t.number++
	t.texts[category]++
	t.buf = t.buf[:0] // the word before
	classifier.VisitTokens(text, func(token []byte, masked bool) {
		if masked || t.stop[string(token)] || len(token) > classifier.MaxWordBytes || !isWord(token) {
			return
		}
		t.count(token, category)
		if len(t.buf) > 0 {
			t.buf = append(append(t.buf, ' '), token...)
			t.count(t.buf, category)
		}
		t.buf = append(t.buf[:0], token...)
	})
	if len(t.counts) > t.most {
		t.forget()
	}
}

// isWord says whether a token has two bytes or more and a letter.
func isWord(token []byte) bool {
	return len(token) > 1 && slices.ContainsFunc(token, func(c byte) bool { return c >= 'a' })
}

func (t *terms) count(term []byte, category int) {
	c := t.counts[string(term)]
	if c == nil {
		c = &termCount{texts: make([]uint32, len(t.texts)), missed: t.forgotten}
		t.counts[string(term)] = c
	}
	if c.last != t.number {
		c.last = t.number
		c.texts[category]++
	}
}

// forget drops the terms seen least until half of the room is free.
func (t *terms) forget() {
	for len(t.counts) > t.most/2 {
		t.forgotten++
		for term, c := range t.counts {
			if c.total()+int(c.missed) <= int(t.forgotten) {
				delete(t.counts, term)
			}
		}
	}
}

func (c *termCount) total() (n int) {
	for _, v := range c.texts {
		n += int(v)
	}
	return n
}

// Term is a word or a pair of words.
type Term struct {
	Text    string
	Within  float64 // share of the category's texts that have it
	Outside float64 // share of the others
	texts   int     // of the category
	score   float64
}

// telling are the terms that tell most of a category: those that are more usual
// in it, by chi-square. A word that a pair before it holds is not repeated.
func (t *terms) telling(category int) []Term {
	all := 0
	for _, n := range t.texts {
		all += n
	}
	in := t.texts[category]
	var list []Term
	for text, c := range t.counts {
		total, both := c.total(), int(c.texts[category])
		if total < leastTerm {
			continue
		}
		x := Term{Text: text, Within: share(both, in), Outside: share(total-both, all-in), texts: both}
		if x.Within > x.Outside {
			x.score = evaluate.ChiSquare(all, in, total, both)
			list = append(list, x)
		}
	}
	slices.SortFunc(list, func(a, b Term) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.Text, b.Text)) })
	var out []Term
	for _, x := range list {
		if len(out) == shownTerms {
			break
		}
		if !slices.ContainsFunc(out, func(y Term) bool { return overlap(x.Text, y.Text) }) {
			out = append(out, x)
		}
	}
	return out
}

// overlap says whether one term holds the other.
func overlap(a, b string) bool {
	a, b = " "+a+" ", " "+b+" "
	return strings.Contains(a, b) || strings.Contains(b, a)
}

func share(n, of int) float64 { return float64(n) / float64(max(of, 1)) }
