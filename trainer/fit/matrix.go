package fit

import (
	"complaints/internal/lightgbm"
	"complaints/trainer/dataset"
)

// matrix is the features of examples to train on. An example of which more is known
// than the text stands there twice, with its fields and right behind that without
// them. So the rows without fields are all examples, each once, and the absence of a field
// tells the trees nothing, where otherwise it would tell the source of a row.
type matrix struct {
	*lightgbm.Rows
	example []int32 // by row
	twin    []bool  // by row: it is without the fields that the row before has
	place   []int32 // by example: its first row
}

func newMatrix(examples int) *matrix {
	return &matrix{Rows: &lightgbm.Rows{}, place: make([]int32, examples)}
}

// add appends an example; the columns from..to-1 are those of its fields.
func (m *matrix) add(example int, row []float64, from, to int, known bool) {
	m.place[example] = int32(m.Len())
	m.append(example, row, false)
	if known {
		clear(row[from:to])
		m.append(example, row, true)
	}
}

func (m *matrix) append(example int, row []float64, twin bool) {
	m.Append(row)
	m.example, m.twin = append(m.example, int32(example)), append(m.twin, twin)
}

// hasTwin says whether the row after this one is the same example without its fields.
func (m *matrix) hasTwin(row int) bool { return row+1 < len(m.twin) && m.twin[row+1] }

// places are the first rows of examples, without the twins.
func (m *matrix) places(examples []int) []int {
	out := make([]int, len(examples))
	for i, e := range examples {
		out[i] = int(m.place[e])
	}
	return out
}

// of returns the rows of examples, the twins among them.
func (m *matrix) of(examples []int) *matrix {
	out := &matrix{}
	var rows []int
	add := func(row int) {
		rows = append(rows, row)
		out.example, out.twin = append(out.example, m.example[row]), append(out.twin, m.twin[row])
	}
	for _, row := range m.places(examples) {
		add(row)
		if m.hasTwin(row) {
			add(row + 1)
		}
	}
	out.Rows = m.Select(rows)
	return out
}

// labels are the categories of the rows.
func (m *matrix) labels(examples []dataset.Example) []float32 {
	labels := make([]float32, len(m.example))
	for i, e := range m.example {
		labels[i] = float32(examples[e].Category)
	}
	return labels
}

// balance returns weights with which the rows of a category are worth as much as
// those of another.
func (m *matrix) balance(examples []dataset.Example, categories int) []float32 {
	weights := make([]float32, len(m.example))
	per := make([]int, categories)
	for _, e := range m.example {
		per[examples[e].Category]++
	}
	for i, e := range m.example {
		weights[i] = float32(len(weights)) / float32(len(per)*per[examples[e].Category])
	}
	return weights
}
