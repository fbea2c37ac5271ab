package dataset

import (
	"context"
	"fmt"

	"complaints/internal/lake"
	"complaints/schema"
)

// settled are the newest labels of complaints, by complaint id. One whose newest label
// is withdrawn is among them, so that an older one does not count.
type settled map[string]*schema.LabelRow

// readLabels reads the lake's labels, of all days: a complaint may be settled long
// after it came.
func readLabels(ctx context.Context, store lake.Store, progress Progress) (settled, error) {
	days, err := lake.Days(ctx, store, schema.Labels)
	if err != nil {
		return nil, err
	}
	s := settled{}
	for i, day := range days {
		keys, err := lake.EachOnce(ctx, store, schema.Labels, day)
		if err != nil {
			return nil, fmt.Errorf("labels of %s: %w", day, err)
		}
		for _, key := range keys {
			if _, err := readObject(ctx, store, key, s.add); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
		progress("labels of %s, day %d of %d: %d complaints have one", day, i+1, len(days), len(s))
	}
	return s, nil
}

// add takes a row that wins over those before; one that is no label, or was erased, does not count.
func (s settled) add(row *schema.LabelRow) {
	if row.RecordError != nil {
		return
	}
	if before := s[row.ComplaintID]; before == nil || row.Newer(before) {
		label := *row
		s[row.ComplaintID] = &label
	}
}

// category is what people say of a complaint. A category of another taxonomy counts if
// this one has it too.
func (s settled) category(t *schema.Taxonomy, complaintID string) (code int, ok bool) {
	label := s[complaintID]
	if label == nil || label.Category == nil {
		return 0, false
	}
	return t.Code(*label.Category)
}
