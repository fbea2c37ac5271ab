package classifier

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Explanation says what spoke for and against a category. It is additive: Base
// and the weights of all parts sum to Score.
//
// The weights are the Shapley values of the features (shap.go). Most of the
// features are scores, each a sum over the terms of the text; what a score
// contributes is shared among those terms in proportion to what each adds to it,
// as Chen, Lundberg and Lee do for models that feed models ("Explaining a series
// of models by propagating Shapley values", 2022). Where the terms of a score nearly cancel
// each other out, shares would mean little, and the score stands for itself.
type Explanation struct {
	Category int     // its code
	Base     float64 // the category's raw score of a text of which nothing is known: the mean over the training
	Score    float64 // the category's raw score of this text, which Softmax makes probabilities of
	Parts    []Part  // by falling absolute weight; none of weight 0
}

// Part is a term, a score or a field.
type Part struct {
	Kind   PartKind
	Name   string
	InText bool    // false for a term or a field's value whose absence speaks
	Weight float64 // above 0 it speaks for the category, below 0 against it
}

// PartKind says what a Part is.
type PartKind uint8

// The kinds. A pair is two words that follow each other, or have only stop words
// and masks between them. A field is what is known beside the text.
const (
	PartWord PartKind = iota
	PartPair
	PartScore
	PartField
)

// String is the kind's name in answers.
func (k PartKind) String() string { return [...]string{"word", "pair", "score", "field"}[k] }

// cancelled is the share of its terms' absolute sum below which a score stands for itself.
const cancelled = 0.2

// term is a part on its way: what it adds to each score.
type term struct {
	kind   PartKind
	name   string
	inText bool
	adds   []float64
	weight float64
}

// Explain explains the raw score of a category. It costs many times a Predict,
// and allocates.
func (c *Classifier) Explain(text []byte, fields Fields, category int, s *Scratch) Explanation {
	f := c.features
	f.scan(text, s)
	terms := f.terms(s)
	f.finish(fields, s)
	row := s.whole()
	e := Explanation{Category: category}
	contributions := contribute(c.trees, row, f.classes, &e)
	texts := ScoreColumns(f.classes)
	for k, v := range contributions[:texts] {
		if !share(terms, k, v) && v != 0 {
			e.Parts = append(e.Parts, Part{PartScore, c.scoreName(k), true, v})
		}
	}
	e.Parts = append(e.Parts, f.fieldParts(fields, contributions[texts:f.scores])...)
	for i, v := range contributions[f.scores:] {
		column := f.columns[i]
		terms.of(column.kind, column.name).weight += v
	}
	for _, t := range terms.list {
		if t.weight != 0 {
			e.Parts = append(e.Parts, Part{t.kind, t.name, t.inText, t.weight})
		}
	}
	slices.SortFunc(e.Parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight)), cmp.Compare(a.Name, b.Name))
	})
	return e
}

// fieldParts returns a part for each field, of what its scores contribute together.
// A value that the model does not know is as good as none.
func (f *Features) fieldParts(fields Fields, contributions []float64) (parts []Part) {
	for i := range f.fields {
		field := &f.fields[i]
		part := Part{Kind: PartField, Name: field.name}
		value := string(field.value(fields, nil))
		if _, part.InText = field.scores[value]; part.InText {
			part.Name += ": " + value
		}
		for _, v := range contributions[i*f.classes : (i+1)*f.classes] {
			part.Weight += v
		}
		if part.Weight != 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// contribute returns what each feature of the row contributes to the raw score of
// e.Category, one of so many classes, and sets what they sum to.
func contribute(trees []tree, row []float64, classes int, e *Explanation) []float64 {
	a := attribution{row: row, values: make([]float64, len(row))}
	for i := e.Category; i < len(trees); i += classes {
		a.add(&trees[i])
		e.Score += trees[i].value(row)
	}
	e.Base = a.base
	return a.values
}

func (c *Classifier) scoreName(column int) string {
	kind := "linear score"
	if column >= c.taxonomy.Len() {
		kind = "naive Bayes score"
	}
	return fmt.Sprintf("%s of %s", kind, c.taxonomy.CategoryName(column%c.taxonomy.Len()))
}

// share gives the terms their shares of what a score contributes, unless they
// nearly cancel each other out.
func share(terms *termList, score int, contribution float64) bool {
	sum, absolute := 0.0, 0.0
	for _, t := range terms.list {
		sum += t.adds[score]
		absolute += math.Abs(t.adds[score])
	}
	if sum == 0 || math.Abs(sum) < cancelled*absolute {
		return false
	}
	for _, t := range terms.list {
		t.weight += contribution * (t.adds[score] / sum)
	}
	return true
}

// termList are the terms of a text, each name once. A word that also opens the
// text, or a pair that is also one of content words, is one term.
type termList struct {
	scores int
	list   []*term
	byName map[string]*term
}

func (l *termList) of(kind PartKind, name string) *term {
	t := l.byName[name]
	if t == nil {
		t = &term{kind: kind, name: name, adds: make([]float64, l.scores)}
		l.byName[name] = t
		l.list = append(l.list, t)
	}
	return t
}

// terms lists what the text that was scanned has, with what each adds to the
// scores. It must come before finish, which forgets that.
func (f *Features) terms(s *Scratch) *termList {
	l := &termList{scores: f.scores, byName: map[string]*term{}}
	for _, id := range s.words.touched {
		t := l.of(PartWord, f.wordName(id))
		t.inText = true
		t.addBayes(f.tables.Words[id-1].Bayes)
	}
	for _, id := range s.pairs.touched {
		p := &f.tables.Pairs[id-1]
		t := l.of(PartPair, f.pairName(p.First, p.Second))
		t.inText = true
		t.addBayes(p.Bayes)
	}
	addLinear(&s.words, func(id uint32) (*Linear, *term) {
		return &f.tables.Words[id-1].Linear, l.of(PartWord, f.wordName(id))
	})
	addLinear(&s.contents, func(id uint32) (*Linear, *term) {
		c := &f.tables.Contents[id-1]
		t := l.of(PartPair, f.pairName(c.First, c.Second))
		t.inText = true
		return &c.Linear, t
	})
	addLinear(&s.openings, func(id uint32) (*Linear, *term) {
		o := &f.tables.Openings[id-1]
		return &o.Linear, l.of(PartWord, f.wordName(uint32(o.Word)+1))
	})
	return l
}

func (f *Features) wordName(id uint32) string { return f.tables.Words[id-1].Text }

func (f *Features) pairName(first, second uint16) string {
	return f.tables.Words[first].Text + " " + f.tables.Words[second].Text
}

func (t *term) addBayes(w Weights) {
	for k, v := range w {
		t.adds[len(w)+k] += float64(v)
	}
}

// addLinear adds the shares of one block of terms, brought to length 1.
func addLinear(tally *tally, at func(id uint32) (*Linear, *term)) {
	square := 0.0
	for _, id := range tally.touched {
		r, _ := at(id)
		v := tfWeight(tally.count[id]) * r.IDF.Float()
		square += v * v
	}
	if square == 0 {
		return
	}
	for _, id := range tally.touched {
		r, t := at(id)
		for k, w := range r.Weights {
			t.adds[k] += tfWeight(tally.count[id]) * w.Float() * r.IDF.Float() / math.Sqrt(square)
		}
	}
}

// column names what a feature counts.
type column struct {
	kind PartKind
	name string
}

// nameColumns returns what the features after the scores count.
func (f *Features) nameColumns() []column {
	t := f.tables
	columns := make([]column, f.width-f.scores)
	name := func(l Linear, kind PartKind, name string) {
		if l.Column != NoColumn {
			columns[l.Column] = column{kind, name}
		}
	}
	for _, w := range t.Words {
		name(w.Linear, PartWord, w.Text)
	}
	for _, c := range t.Contents {
		name(c.Linear, PartPair, f.pairName(c.First, c.Second))
	}
	for _, o := range t.Openings {
		name(o.Linear, PartWord, t.Words[o.Word].Text)
	}
	return columns
}
