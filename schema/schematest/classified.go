// Package schematest makes messages for tests.
package schematest

import "complaints/schema"

// Classified completes a result with what a model of the default taxonomy says: the
// category of a code, its probability, and what is left of 1 for the others.
func Classified(c schema.Classified, code int, probability float64) schema.Classified {
	t := schema.Bureau()
	p := make([]float64, t.Len())
	for i := range p {
		p[i] = (1 - probability) / float64(len(p)-1)
	}
	p[code] = probability
	c.Category, c.CategoryCode, c.Probability = t.CategoryName(code), code, probability
	c.Probabilities, c.Taxonomy = t.AppendProbabilities(nil, p), t.ID()
	if known, ok := t.Code(c.Product); ok {
		c.TrueCategory = t.CategoryName(known)
	}
	return c
}
