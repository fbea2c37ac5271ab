package rows

import (
	"strings"

	"complaints/schema"
)

// columns makes the texts of one object of silver or gold. What a column has
// repeats from row to row, mostly: each distinct text is tidied and masked once,
// and the rows share it, which therefore must not be written to.
//
// The zero value is ready. It is for one goroutine, and keeps all texts of
// columns that it has seen.
type columns struct {
	cleaned map[string]cleaned
	tidied  map[string]*string
	dates   map[string]*int32
	names   map[string]string
	extra   []string // that gold has of what is no field
}

// cleaned is a column's text without personal data.
type cleaned struct {
	text   *string // nil if it is empty
	masked Masked
}

// clean is the text of a column that may hold what its name does not say: tidied,
// and personal data masked, which is added to masked.
func (k *columns) clean(s string, masked *Masked) *string {
	c, ok := k.cleaned[s]
	if !ok {
		text, n := MaskPersonal(Tidy(s))
		c = cleaned{orNull(strings.Clone(text)), n}
		remember(&k.cleaned, s, c)
	}
	*masked = masked.Plus(c.masked)
	return c.text
}

// tidy is the text of a column of codes.
func (k *columns) tidy(s string) *string {
	text, ok := k.tidied[s]
	if !ok {
		text = orNull(strings.Clone(Tidy(s)))
		remember(&k.tidied, s, text)
	}
	return text
}

// date is the day of a date, in days since 1970-01-01; nil if it is none.
func (k *columns) date(s string) *int32 {
	day, ok := k.dates[s]
	if !ok {
		if t, ok := schema.ParseDate(s); ok {
			day = new(int32(t.Unix() / 86400))
		}
		remember(&k.dates, s, day)
	}
	return day
}

// name is a text that stays as it is.
func (k *columns) name(s string) string {
	name, ok := k.names[s]
	if !ok {
		name = strings.Clone(s)
		remember(&k.names, name, name)
	}
	return name
}

// remember keeps nothing of the message that a text is a part of.
func remember[T any](seen *map[string]T, text string, v T) {
	if *seen == nil {
		*seen = map[string]T{}
	}
	(*seen)[strings.Clone(text)] = v
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// trueCategory is what the product means in the taxonomy of the result. A result
// that names no taxonomy is from before there were several, and of the Bureau's.
func (k *columns) trueCategory(c *schema.Classified) *string {
	name := c.TrueCategory
	if c.Taxonomy == "" {
		if code, ok := schema.Bureau().Code(c.Product); ok {
			name = schema.Bureau().CategoryName(code)
		}
	}
	return k.tidy(name)
}

// probabilities is the map of a row.
func (k *columns) probabilities(p schema.Probabilities) schema.ProbabilityMap {
	m := schema.ProbabilityMap{Entries: make(schema.Probabilities, len(p))}
	for i, c := range p {
		m.Entries[i] = schema.CategoryProbability{Category: k.name(c.Category), Probability: c.Probability}
	}
	return m
}
