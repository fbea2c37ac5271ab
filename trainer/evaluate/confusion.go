package evaluate

// Confusion counts rows by the codes of their true and their predicted category,
// in this order.
type Confusion [][]int

// NewConfusion counts rows; truth and predicted are codes of the same ones.
func NewConfusion(categories int, truth, predicted []int) Confusion {
	c := make(Confusion, categories)
	for k := range c {
		c[k] = make([]int, categories)
	}
	for i, t := range truth {
		c[t][predicted[i]]++
	}
	return c
}

// Clear sets all counts to zero.
func (c Confusion) Clear() {
	for k := range c {
		clear(c[k])
	}
}

// Class is how a model did on one category.
type Class struct {
	Name      string  `json:"name"`
	Rows      int     `json:"rows"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// Class is what the counts say of the category of a code, without its name.
func (c Confusion) Class(code int) Class {
	var m Class
	predicted := 0
	for i := range c {
		m.Rows += c[code][i]
		predicted += c[i][code]
	}
	right := float64(c[code][code])
	m.Precision = Ratio(right, float64(predicted))
	m.Recall = Ratio(right, float64(m.Rows))
	m.F1 = Ratio(2*right, float64(predicted+m.Rows))
	return m
}

// MacroF1 is the mean of the F1 of the categories that have rows, 0 without rows.
func (c Confusion) MacroF1() float64 {
	n := 0
	for k := range c {
		if c.Class(k).Rows > 0 {
			n++
		}
	}
	mean := 0.0
	for k := range c {
		if m := c.Class(k); m.Rows > 0 {
			mean += m.F1 / float64(n)
		}
	}
	return mean
}
