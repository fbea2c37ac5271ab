package classifier

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Fixed is a weight in units of 1/FixedOne. Sums of them are exact.
type Fixed int16

// FixedOne is the Fixed of 1.
const FixedOne = 1024

// ToFixed rounds a weight, and holds it within what a Fixed can say.
func ToFixed(v float64) Fixed {
	return Fixed(math.Round(min(max(v*FixedOne, math.MinInt16), math.MaxInt16)))
}

// Float is the weight as a number.
func (f Fixed) Float() float64 { return float64(f) / FixedOne }

// Weights are one weight a category.
type Weights []Fixed

// Linear is what the linear model knows of a term.
type Linear struct {
	IDF     Fixed // inverse document frequency
	Weights Weights
	Column  int16 // the feature that counts this term, from 0; NoColumn if none does
}

// NoColumn says that no feature counts a term.
const NoColumn = -1

// Tables are what training found: everything that turns a text into the row of
// features. Pairs refer to words by their place in Words. Usual terms should
// stand first in each list: then what most texts touch lies close together.
type Tables struct {
	Bias     []float64 // of the linear model, one a category
	Words    []Word    // one token; at most MaxTerms
	Pairs    []Pair    // two adjacent tokens
	Contents []Content // two content tokens with only stop words and masks between them
	Openings []Opening // a token among the first OpeningTokens
}

// Word is a token of the vocabulary.
type Word struct {
	Text string // as VisitTokens gives it, at most MaxWordBytes
	Linear
	Bayes Weights
}

// Pair is two adjacent tokens, for the naive-Bayes scores.
type Pair struct {
	First, Second uint16
	Bayes         Weights
}

// Content is two neighbouring content tokens, for the linear scores.
type Content struct {
	First, Second uint16
	Linear
}

// Opening is a token at the beginning of a text, for the linear scores: it says
// more than the same token further down.
type Opening struct {
	Word uint16
	Linear
}

const (
	// MaxTerms is how long each list of terms can be.
	MaxTerms = 1<<16 - 1
	// MaxWordBytes is the longest word that a vocabulary can hold.
	MaxWordBytes = 64
	// OpeningTokens is how many tokens of a text are its opening words.
	OpeningTokens = 30
)

// ScoreColumns is how many features are scores in a model of as many classes: a
// linear one and one of naive Bayes each. The counts of chosen terms follow.
func ScoreColumns(classes int) int { return 2 * classes }

const tablesMagic = "complaints features 1\n"

// Append writes the tables as the features part of a bundle.
func (t *Tables) Append(buf []byte) []byte {
	le := binary.LittleEndian
	buf = append(buf, tablesMagic...)
	for _, n := range []int{len(t.Words), len(t.Pairs), len(t.Contents), len(t.Openings)} {
		buf = le.AppendUint32(buf, uint32(n))
	}
	for _, b := range t.Bias {
		buf = le.AppendUint64(buf, math.Float64bits(b))
	}
	weights := func(w Weights) {
		for _, v := range w {
			buf = le.AppendUint16(buf, uint16(v))
		}
	}
	linear := func(l Linear) {
		buf = le.AppendUint16(buf, uint16(l.IDF))
		weights(l.Weights)
		buf = le.AppendUint16(buf, uint16(l.Column))
	}
	for _, w := range t.Words {
		buf = append(buf, byte(len(w.Text)))
		buf = append(buf, w.Text...)
		linear(w.Linear)
		weights(w.Bayes)
	}
	for _, p := range t.Pairs {
		buf = le.AppendUint16(le.AppendUint16(buf, p.First), p.Second)
		weights(p.Bayes)
	}
	for _, c := range t.Contents {
		buf = le.AppendUint16(le.AppendUint16(buf, c.First), c.Second)
		linear(c.Linear)
	}
	for _, o := range t.Openings {
		buf = le.AppendUint16(buf, o.Word)
		linear(o.Linear)
	}
	return buf
}

var errCutOff = errors.New("is cut off")

// tableReader reads what Append wrote; after the first error it reads zeros.
type tableReader struct {
	rest    []byte
	classes int
	spare   []Fixed // room for weights, taken together
	err     error
}

func (r *tableReader) take(n int) []byte {
	if r.err != nil || len(r.rest) < n {
		r.err = errCutOff
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *tableReader) uint16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *tableReader) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *tableReader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

// count reads the length of a list.
func (r *tableReader) count(name string) int {
	n := int(r.uint32())
	if r.err == nil && n > MaxTerms {
		r.err = fmt.Errorf("has %d %s and may have %d", n, name, MaxTerms)
	}
	return n
}

func (r *tableReader) weights() Weights {
	if len(r.spare) < r.classes {
		r.spare = make([]Fixed, 1024*r.classes)
	}
	w := r.spare[:r.classes:r.classes]
	r.spare = r.spare[r.classes:]
	for i := range w {
		w[i] = Fixed(r.uint16())
	}
	return w
}

func (r *tableReader) linear() Linear {
	return Linear{IDF: Fixed(r.uint16()), Weights: r.weights(), Column: int16(r.uint16())}
}

// ReadTables reads the features part of a bundle whose model has as many classes.
func ReadTables(part []byte, classes int) (*Tables, error) {
	r := &tableReader{rest: part, classes: classes}
	if string(r.take(len(tablesMagic))) != tablesMagic {
		return nil, fmt.Errorf("does not begin with %q", tablesMagic)
	}
	words, pairs := r.count("words"), r.count("pairs")
	contents, openings := r.count("content pairs"), r.count("opening words")
	t := &Tables{Bias: make([]float64, classes)}
	for i := range t.Bias {
		t.Bias[i] = math.Float64frombits(r.uint64())
		if r.err == nil && (math.IsNaN(t.Bias[i]) || math.IsInf(t.Bias[i], 0)) {
			r.err = fmt.Errorf("bias %d is no finite number", i)
		}
	}
	for i := 0; i < words && r.err == nil; i++ {
		text := string(r.take(int(r.take(1)[0])))
		t.Words = append(t.Words, Word{text, r.linear(), r.weights()})
	}
	for i := 0; i < pairs && r.err == nil; i++ {
		t.Pairs = append(t.Pairs, Pair{r.uint16(), r.uint16(), r.weights()})
	}
	for i := 0; i < contents && r.err == nil; i++ {
		t.Contents = append(t.Contents, Content{r.uint16(), r.uint16(), r.linear()})
	}
	for i := 0; i < openings && r.err == nil; i++ {
		t.Openings = append(t.Openings, Opening{r.uint16(), r.linear()})
	}
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("has %d bytes too many", len(r.rest))
	}
	if r.err != nil {
		return nil, r.err
	}
	return t, nil
}
