// Package dataset brings complaints with known categories to training and
// evaluation, and decides which of them a model is fitted on and judged by.
//
// In come complaint files or the lake's silver, row by row; out come examples,
// without copies, and splits that have no copies on both sides. What is kept does
// not depend on the order in which a lake was written. Nothing is kept here but a
// scratch file without a name: a crash leaves nothing.
//
//	examples.go  a text with its category; copies
//	collect.go   one example of each group of near-copies, texts in a scratch file
//	split.go     folds, and rows by their dates
//	cut.go       the split by complete weeks
//	silver.go    reading silver
//	read.go      reading complaint files
//	sample.go    a sample that is kept from training
package dataset

import (
	"hash/fnv"
	"strings"

	"complaints/schema"
)

// Example is a complaint whose true category is known.
type Example struct {
	Text     string
	Category int    // its code in the taxonomy
	Date     string // YYYY-MM-DD, or empty
	Group    uint64 // equal in near-copies of a text
}

// newExample makes an example of a complaint, unless its text is blank or its
// product means no category.
func newExample(t *schema.Taxonomy, c *schema.Complaint) (Example, bool) {
	category, ok := t.Code(c.Product)
	if !ok || strings.TrimSpace(c.Narrative) == "" {
		return Example{}, false
	}
	e := Example{Text: c.Narrative, Category: category, Group: schema.NearCopyHash(c.Narrative)}
	if day, ok := schema.ParseDate(c.DateReceived); ok {
		e.Date = day.Format("2006-01-02")
	}
	return e, true
}

// Cleaning says what cleanExamples left out.
type Cleaning struct {
	Copies      int `json:"copies"`      // exact copies of an earlier text
	Conflicting int `json:"conflicting"` // texts that came with two categories
}

// Clean keeps each text once, and no text that came with two
// categories. Case and spacing do not make a text different.
func Clean(all []Example) ([]Example, Cleaning) {
	type seen struct {
		at       int
		conflict bool
	}
	byText := make(map[uint64]*seen, len(all))
	keys := make([]uint64, len(all))
	var done Cleaning
	for i, e := range all {
		keys[i] = textKey(e.Text)
		s, ok := byText[keys[i]]
		if !ok {
			byText[keys[i]] = &seen{at: i}
			continue
		}
		done.Copies++
		if all[s.at].Category != e.Category {
			s.conflict = true
		}
	}
	kept := make([]Example, 0, len(all))
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
