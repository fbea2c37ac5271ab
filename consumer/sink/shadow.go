package sink

import (
	"complaints/internal/classifier"
	"complaints/schema"
)

// agreement counts the rows of an object for which a challenger was asked.
type agreement struct {
	same, different int // from the champion's category
}

// shadowedGold is gold with the answers of a challenger.
type shadowedGold struct {
	parquetRows[schema.GoldRow, reportKey]
	challenger *classifier.Holder // nil: there is never one
}

// encode asks one challenger for all rows, so that no object is half of two.
func (g shadowedGold) encode(l *schema.Claim, day schema.Day, records []Record) ([]byte, agreement, error) {
	s := shadowOf(g.challenger)
	var columns schema.Columns
	rows := make([]schema.GoldRow, len(records))
	for i := range records {
		var narrative string
		rows[i], narrative = columns.Gold(records[i].Value, positionOf(&records[i], l), s.model != nil)
		s.score(&rows[i], narrative)
	}
	body, err := g.write(rows, l, day)
	return body, s.seen, err
}

// shadow is a challenger at work on the rows of one object.
type shadow struct {
	model   *classifier.Classifier // nil: there is none
	scratch *classifier.Scratch
	version string
	names   [schema.NumCategories]string // shared by the rows
	text    []byte                       // of the row in hand
	seen    agreement
}

func shadowOf(h *classifier.Holder) *shadow {
	s := &shadow{}
	if h == nil {
		return s
	}
	if s.model = h.Current(); s.model == nil {
		return s
	}
	s.scratch, s.version = s.model.NewScratch(), s.model.Version()
	for i := range s.names {
		s.names[i] = schema.Category(i).String()
	}
	return s
}

// score fills in the challenger's columns. A row that has no text, or that this
// very model classified, has none.
func (s *shadow) score(row *schema.GoldRow, narrative string) {
	if s.model == nil || row.RecordError != nil || row.ModelVersion == s.version {
		return
	}
	s.text = append(s.text[:0], narrative...)
	p := s.model.Predict(s.text, s.scratch)
	row.ChallengerVersion, row.ChallengerCategory, row.ChallengerProbability = &s.version, &s.names[p.Category], new(p.Probability)
	if row.CategoryCode == int32(p.Category) {
		s.seen.same++
	} else {
		s.seen.different++
	}
}
