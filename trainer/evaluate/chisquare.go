package evaluate

// ChiSquare is Pearson's statistic of a term and a category: of all texts some are
// in the category, some have the term, and some both. It is 0 where one of them is
// in none or in all.
func ChiSquare(all, in, with, both int) float64 {
	a, i, w, b := float64(all), float64(in), float64(with), float64(both)
	below := w * (a - w) * i * (a - i)
	if below == 0 {
		return 0
	}
	d := a*b - w*i
	return a * d * d / below
}
