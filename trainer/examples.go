package main

import (
	"hash/fnv"
	"slices"
	"strings"

	"complaints/schema"
)

// example is a complaint whose true category is known.
type example struct {
	text     string
	category schema.Category
	date     string // YYYY-MM-DD, or empty
	group    uint64 // equal in near-copies of a text
}

// newExample makes an example of a complaint, unless its text is blank or its
// product has no category.
func newExample(c *schema.Complaint) (example, bool) {
	category, ok := schema.CategoryOfProduct(c.Product)
	if !ok || strings.TrimSpace(c.Narrative) == "" {
		return example{}, false
	}
	e := example{text: c.Narrative, category: category, group: schema.NearCopyHash(c.Narrative)}
	if t, ok := schema.ParseDate(c.DateReceived); ok {
		e.date = t.Format("2006-01-02")
	}
	return e, true
}

// cleaning says what cleanExamples left out.
type cleaning struct {
	Copies      int `json:"copies"`      // exact copies of an earlier text
	Conflicting int `json:"conflicting"` // texts that came with two categories
}

// cleanExamples keeps each text once, and no text that came with two
// categories. Case and spacing do not make a text different.
func cleanExamples(all []example) ([]example, cleaning) {
	type seen struct {
		at       int
		conflict bool
	}
	byText := make(map[uint64]*seen, len(all))
	keys := make([]uint64, len(all))
	var done cleaning
	for i, e := range all {
		keys[i] = textKey(e.text)
		s, ok := byText[keys[i]]
		if !ok {
			byText[keys[i]] = &seen{at: i}
			continue
		}
		done.Copies++
		if all[s.at].category != e.category {
			s.conflict = true
		}
	}
	kept := make([]example, 0, len(all))
	for i, e := range all {
		s := byText[keys[i]]
		switch {
		case s.at != i:
		case s.conflict:
			done.Conflicting++
		default:
			kept = append(kept, e)
		}
	}
	return kept, done
}

func textKey(text string) uint64 {
	h := fnv.New64a()
	for w := range strings.FieldsSeq(strings.ToLower(text)) {
		h.Write([]byte(w))
		h.Write([]byte{' '})
	}
	return h.Sum64()
}

// rawKey tells apart what textKey does not.
func rawKey(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// joinContractions writes "do n't" as "don't". Old rows of the Bureau's data
// spell contractions apart, so they tell the year, and with it the category.
func joinContractions(examples []example) []example {
	out := slices.Clone(examples)
	for i := range out {
		out[i].text = strings.ReplaceAll(strings.ReplaceAll(out[i].text, " n't", "n't"), " N'T", "N'T")
	}
	return out
}
