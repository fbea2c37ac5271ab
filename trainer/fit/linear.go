package fit

import (
	"math"
	"math/rand/v2"
	"slices"

	"complaints/internal/classifier"
)

// linearModel is the softmax regression behind the linear scores, by kind and
// place. Each kind of terms is a block of length 1 of its own.
type linearModel struct {
	kinds   []kind
	classes int
	bias    []float64
	idf     [numKinds][]classifier.Fixed
	weights [numKinds][]classifier.Weights
}

// input is a term's value in a document; at is its place among all kinds.
type input struct {
	at    uint32
	value float64
}

// logOf are the natural logarithms of all counts.
var logOf = func() (logs [mostCount + 1]float64) {
	for i := range logs {
		logs[i] = math.Log(float64(i))
	}
	return logs
}()

// fitLinear fits the regression by AdaGrad (Duchi et al., JMLR 2011).
func fitLinear(v *vocabulary, rows []int, r Recipe, seed uint64) *linearModel {
	m := &linearModel{kinds: r.LinearKinds, classes: v.classes, bias: make([]float64, v.classes)}
	var first [numKinds]uint32 // place of a kind's first term among all
	size := uint32(0)
	for _, k := range m.kinds {
		first[k] = size
		size += uint32(len(v.terms[k]))
		m.idf[k] = make([]classifier.Fixed, len(v.terms[k]))
		for i, f := range v.frequency[k] {
			m.idf[k][i] = classifier.ToFixed(math.Log(float64(1+v.documents)/float64(1+f.total())) + 1)
		}
	}
	var buffer []input
	inputs := func(row int) []input {
		buffer = m.inputs(buffer[:0], v, &v.corpus.documents[row], &first)
		return buffer
	}
	weights := m.descend(descent{v.corpus, rows, inputs, int(size), r, rand.New(rand.NewPCG(seed, uint64(len(rows))))})
	for _, k := range m.kinds {
		m.weights[k] = newWeights(len(v.terms[k]), m.classes)
		for i := range m.weights[k] {
			for c, w := range weights[(int(first[k])+i)*m.classes:][:m.classes] {
				m.weights[k][i][c] = classifier.ToFixed(w)
			}
		}
	}
	return m
}

func (m *linearModel) has(k kind) bool { return slices.Contains(m.kinds, k) }

// inputs appends a document's values to out. They are made anew each time, since
// those of all documents would take more memory than all else.
func (m *linearModel) inputs(out []input, v *vocabulary, d *document, first *[numKinds]uint32) []input {
	for _, k := range m.kinds {
		from, square := len(out), 0.0
		for _, t := range d.of(k) {
			if p := v.place[k][t.term()]; p != unknown {
				x := (1 + logOf[t.count()]) * m.idf[k][p].Float()
				square += float64(x * x)
				out = append(out, input{first[k] + p, x})
			}
		}
		for i := from; i < len(out); i++ {
			out[i].value /= math.Sqrt(square)
		}
	}
	return out
}

// descent is what the regression descends by.
type descent struct {
	corpus *corpus
	rows   []int
	inputs func(row int) []input
	size   int // of an input vector
	recipe Recipe
	rng    *rand.Rand
}

// descend returns the weights of all terms, those of a term's categories together.
func (m *linearModel) descend(d descent) []float64 {
	n, r := m.classes, d.recipe
	weights, squares := make([]float64, d.size*n), make([]float64, d.size*n)
	for i := range squares {
		squares[i] = 0.1
	}
	gradient, biasSquares := make([]float64, n), make([]float64, n)
	for k := range biasSquares {
		biasSquares[k] = 1
	}
	order := d.rng.Perm(len(d.rows))
	for range r.Epochs {
		d.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			copy(gradient, m.bias)
			values := d.inputs(d.rows[i])
			for _, x := range values {
				for k, w := range weights[int(x.at)*n:][:n] {
					gradient[k] += float64(w * x.value)
				}
			}
			classifier.Softmax(gradient)
			gradient[d.corpus.documents[d.rows[i]].category]--
			for _, x := range values {
				w, s := weights[int(x.at)*n:][:n], squares[int(x.at)*n:][:n]
				for k := range w {
					g := gradient[k] * x.value
					s[k] += float64(g * g)
					w[k] -= float64(r.StepSize * g / math.Sqrt(s[k]))
				}
			}
			for k, g := range gradient {
				biasSquares[k] += float64(g * g)
				m.bias[k] -= float64(r.StepSize * g / math.Sqrt(biasSquares[k]))
			}
		}
	}
	return weights
}
