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
	Fields   []Field   // what is known beside the text
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

// Field is a field of a complaint that tells something of its category.
type Field struct {
	Name   string // of the complaint's field, as CheckFields knows it
	Values []FieldValue
}

// FieldValue is how much more usual each category is in complaints with a value than
// in others: a logarithm.
type FieldValue struct {
	Name   string // the value as serving makes it, at most MaxValueBytes
	Scores Weights
}

const (
	// MaxTerms is how long each list of terms can be.
	MaxTerms = 1<<16 - 1
	// MaxWordBytes is the longest word that a vocabulary can hold.
	MaxWordBytes = 64
	// MaxValueBytes is the longest value of a field that a table can hold.
	MaxValueBytes = 255
	// OpeningTokens is how many tokens of a text are its opening words.
	OpeningTokens = 30
)

// ScoreColumns is how many features are scores of the text in a model of as many
// classes: a linear one and one of naive Bayes each. As many as there are classes for
// each field follow, and then the counts of chosen terms.
func ScoreColumns(classes int) int { return 2 * classes }

// What features parts begin with: without fields, as all were once, and with them.
const (
	tablesMagic  = "complaints features 1\n"
	fieldsMagic  = "complaints features 2\n"
	mostFields   = 16
	mostOfFields = 1 << 20 // values of one field
)

// Append writes the tables as the features part of a bundle.
func (t *Tables) Append(buf []byte) []byte {
	le := binary.LittleEndian
	if len(t.Fields) == 0 {
		buf = append(buf, tablesMagic...)
	} else {
		buf = append(buf, fieldsMagic...)
	}
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
	if len(t.Fields) == 0 {
		return buf
	}
	buf = le.AppendUint32(buf, uint32(len(t.Fields)))
	for _, f := range t.Fields {
		buf = append(append(buf, byte(len(f.Name))), f.Name...)
		buf = le.AppendUint32(buf, uint32(len(f.Values)))
		for _, v := range f.Values {
			buf = append(append(buf, byte(len(v.Name))), v.Name...)
			weights(v.Scores)
		}
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

// count reads the length of a list of terms.
func (r *tableReader) count(name string) int { return r.atMost(MaxTerms, name) }

func (r *tableReader) atMost(most int, name string) int {
	n := int(r.uint32())
	if r.err == nil && n > most {
		r.err = fmt.Errorf("has %d %s and may have %d", n, name, most)
	}
	return n
}

// text reads a string that its length in one byte precedes.
func (r *tableReader) text() string { return string(r.take(int(r.take(1)[0]))) }

func (r *tableReader) fields() (fields []Field) {
	n := r.atMost(mostFields, "fields")
	for i := 0; i < n && r.err == nil; i++ {
		f := Field{Name: r.text()}
		values := r.atMost(mostOfFields, "values of a field")
		for k := 0; k < values && r.err == nil; k++ {
			f.Values = append(f.Values, FieldValue{r.text(), r.weights()})
		}
		fields = append(fields, f)
	}
	return fields
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
	magic := string(r.take(len(tablesMagic)))
	if magic != tablesMagic && magic != fieldsMagic {
		return nil, fmt.Errorf("does not begin with %q or %q", tablesMagic, fieldsMagic)
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
		t.Words = append(t.Words, Word{r.text(), r.linear(), r.weights()})
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
	if magic == fieldsMagic {
		t.Fields = r.fields()
	}
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("has %d bytes too many", len(r.rest))
	}
	if r.err != nil {
		return nil, r.err
	}
	return t, nil
}
