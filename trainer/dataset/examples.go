// Package dataset brings complaints with known categories to training and
// evaluation, and decides which of them are train rows and which test rows.
//
// In come complaint files, or the lake's silver and labels, row by row; out come examples,
// without copies, and splits that have no copies on both sides. What is kept does
// not depend on the order in which a lake was written. Nothing is kept here but a
// scratch file without a name: a crash leaves nothing.
//
//	examples.go  a text with its category
//	collect.go   each text once
//	spill.go     texts in a scratch file
//	split.go     folds
//	time.go      the split by complete weeks
//	silver.go    reading silver
//	people.go    what people say of its complaints
//	read.go      reading complaint files
//	sample.go    a sample that is kept from training
package dataset

import (
	"cmp"
	"hash/fnv"
	"strings"
	"time"

	"complaints/internal/classifier"
	"complaints/schema"
)

// Example is a complaint whose true category is known.
type Example struct {
	Text     string
	Category int    // its code in the taxonomy
	Date     string // YYYY-MM-DD, or empty
	Group    uint64 // equal in near-copies of a text
	Place    Place
	Fields   classifier.Fields // what else is known at the intake, in the form of the tables
	Product  string            // as its source has it
}

// Place is where an example came from. No two rows of a source have the same one.
type Place struct {
	Topic     uint64 // the first half of the source topic's id; 0 in files
	Partition int32
	Offset    int64 // in files the number of the row, from 1
}

func (p Place) compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Topic, q.Topic), cmp.Compare(p.Partition, q.Partition), cmp.Compare(p.Offset, q.Offset))
}

// newExample makes an example of a complaint, unless its text is blank or its
// product means no category.
func newExample(t *schema.Taxonomy, c *schema.Complaint) (Example, bool) {
	category, ok := t.Code(c.Product)
	if !ok || strings.TrimSpace(c.Narrative) == "" {
		return Example{}, false
	}
	e := Example{
		Text: c.Narrative, Category: category, Group: schema.NearCopyHash(c.Narrative), Fields: classifier.FieldsOf(c).Normal(), Product: c.Product,
	}
	if day, ok := schema.ParseDate(c.DateReceived); ok {
		e.Date = day.Format(time.DateOnly)
	}
	return e, true
}

// textKey is a hash of a text without regard to case and spacing.
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
