package fit

import (
	"cmp"
	"context"
	"math"
	"slices"

	"complaints/internal/classifier"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
)

// predictLinear predicts by the probabilities of the linear regression alone.
func (f *Fitter) predictLinear(s dataset.Split) ([]evaluate.Prediction, error) {
	features, err := classifier.NewFeatures(f.fitTables(s.Train, 0))
	if err != nil {
		return nil, err
	}
	scratch := features.NewScratch()
	out := make([]evaluate.Prediction, len(s.Test))
	for i, r := range s.Test {
		row := features.Row([]byte(f.examples[r].Text), classifier.Fields{}, scratch)
		out[i] = evaluate.Prediction{Truth: f.examples[r].Category, Probabilities: slices.Clone(row[:f.taxonomy.Len()]), Example: &f.examples[r]}
		classifier.Softmax(out[i].Probabilities)
	}
	return out, nil
}

// tfidf is the features of the reference recipe: the most usual words and pairs
// of words, stop words and one-letter words left out, each row of length 1.
type tfidf struct {
	v      *vocabulary
	column map[chosenTerm]int
	idf    []float64
}

var tfidfKinds = []kind{words, contents}

func newTFIDF(v *vocabulary, n int) *tfidf {
	c := v.corpus
	stop := classifier.StopWords()
	type candidate struct {
		chosenTerm
		documents uint32
	}
	var list []candidate
	for _, k := range tfidfKinds {
		for p, fr := range v.frequency[k] {
			if k == words {
				if w := c.words[v.terms[k][p]]; len(w) < 2 || slices.Contains(stop, w) {
					continue
				}
			}
			list = append(list, candidate{chosenTerm{k, uint32(p)}, fr.total()})
		}
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(b.documents, a.documents) })
	t := &tfidf{v: v, column: map[chosenTerm]int{}}
	for i, x := range list[:min(n, len(list))] {
		t.column[x.chosenTerm] = i
		t.idf = append(t.idf, math.Log(float64(1+v.documents)/float64(1+x.documents))+1)
	}
	return t
}

func (t *tfidf) matrix(rows []int) *matrix {
	out := newMatrix(len(t.v.corpus.documents))
	row := make([]float64, len(t.idf))
	for _, r := range rows {
		clear(row)
		square := 0.0
		for _, k := range tfidfKinds {
			for _, x := range t.v.corpus.documents[r].of(k) {
				p := t.v.place[k][x.term()]
				if c, ok := t.column[chosenTerm{k, p}]; ok && p != unknown {
					row[c] = float64(x.count()) * t.idf[c]
					square += row[c] * row[c]
				}
			}
		}
		for c := range row {
			row[c] /= math.Sqrt(max(square, 1e-300))
		}
		out.add(r, row, 0, 0, false)
	}
	return out
}

// predictTFIDF predicts by trees on tf-idf, without a search for the round count.
func (f *Fitter) predictTFIDF(ctx context.Context, s dataset.Split) ([]evaluate.Prediction, error) {
	t := newTFIDF(newVocabulary(f.corpus, s.Train, f.recipe.MinDocuments, true), f.recipe.Chosen)
	m := &Model{rounds: f.recipe.MaxRounds}
	if err := f.boost(ctx, m, t.matrix(s.Train)); err != nil {
		return nil, err
	}
	defer m.booster.Close()
	flat, err := m.booster.Predict(t.matrix(s.Test).Rows, f.taxonomy.Len(), "num_threads=1")
	if err != nil {
		return nil, err
	}
	out := make([]evaluate.Prediction, len(s.Test))
	for i, r := range s.Test {
		out[i] = evaluate.Prediction{Truth: f.examples[r].Category, Probabilities: f.rowOf(flat, i)}
	}
	return out, nil
}
