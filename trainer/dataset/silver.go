package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/schema"
)

// Window is a number of days; 0 is all.
type Window int

// String is the window as UnmarshalText reads it.
func (w Window) String() string { return fmt.Sprintf("%dd", int(w)) }

// UnmarshalText reads a window as 365d, 52w or 0.
func (w *Window) UnmarshalText(text []byte) error {
	s := string(text)
	unit := 1
	if number, ok := strings.CutSuffix(s, "w"); ok {
		s, unit = number, 7
	} else {
		s = strings.TrimSuffix(s, "d")
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 100_000 {
		return fmt.Errorf("%q is no window: want days or weeks as 365d or 52w, or 0 for all", text)
	}
	*w = Window(n * unit)
	return nil
}

// silverText is what training reads of a row of silver; other columns are not
// fetched.
type silverText struct {
	ComplaintID     string  `parquet:"complaint_id"`
	DateReceived    *int32  `parquet:"date_received,optional,date"` // days since 1970-01-01
	Narrative       string  `parquet:"narrative"`                   // personal data is masked
	Product         *string `parquet:"product,optional,dict"`
	Company         *string `parquet:"company,optional,dict"`
	SourceTopicID   string  `parquet:"source_topic_id,dict"`
	SourcePartition int32   `parquet:"source_partition"`
	SourceOffset    int64   `parquet:"source_offset"`
}

// example makes an example of a row, unless its text is blank (erased, or of a
// record that was no complaint), or neither people nor its product say its category.
// What people say beats the product.
func (r *silverText) example(t *schema.Taxonomy, people settled) (Example, bool) {
	if strings.TrimSpace(r.Narrative) == "" {
		return Example{}, false
	}
	product := ""
	if r.Product != nil {
		product = *r.Product
	}
	category, ok := people.category(t, r.ComplaintID)
	if !ok {
		category, ok = t.Code(product)
	}
	if !ok {
		return Example{}, false
	}
	topic, _ := strconv.ParseUint(r.SourceTopicID[:min(len(r.SourceTopicID), 16)], 16, 64) // 0 where it is no id
	e := Example{
		Text: r.Narrative, Category: category, Group: schema.NearCopyHash(r.Narrative), Date: schema.DateText(r.DateReceived),
		Place: Place{topic, r.SourcePartition, r.SourceOffset}, Product: product,
	}
	if r.Company != nil {
		e.Fields = classifier.Fields{Company: *r.Company}.Normal()
	}
	return e, true
}

// Silver is the layer that training reads.
type Silver struct {
	Store  lake.Store
	Window Window // days before and with the newest day that there is
}

func (s Silver) String() string { return "silver" }

// Read hands every example of the window to use: rows that have a category of the
// taxonomy by the newest label of the complaint, or else by its product.
func (s Silver) Read(ctx context.Context, t *schema.Taxonomy, progress Progress, use func(Example)) (rows int, err error) {
	people, err := readLabels(ctx, s.Store, progress)
	if err != nil {
		return 0, err
	}
	return eachSilver(ctx, s, progress, func(row *silverText) {
		if e, ok := row.example(t, people); ok {
			use(e)
		}
	})
}

// eachSilver hands the wanted columns of every row of the window to use, each row
// once, compacted or not, in an order that does not change. It holds a few hundred
// rows at a time.
func eachSilver[T any](ctx context.Context, s Silver, progress Progress, use func(*T)) (rows int, err error) {
	days, err := s.Days(ctx)
	if err != nil {
		return 0, err
	}
	if len(days) == 0 {
		return 0, errors.New("silver has no rows yet: classify something with a consumer that writes it, or name files with --data")
	}
	for i, day := range days {
		keys, err := lake.EachOnce(ctx, s.Store, schema.Silver, day)
		if err != nil {
			return rows, fmt.Errorf("silver of %s: %w", day, err)
		}
		for _, key := range keys {
			n, err := readObject(ctx, s.Store, key, use)
			if err != nil {
				return rows, fmt.Errorf("%s: %w", key, err)
			}
			rows += n
		}
		progress("silver of %s, day %d of %d: %d rows read", day, i+1, len(days), rows)
	}
	return rows, nil
}

// Days are those of the window. It ends with the newest day that there is, not
// today: the same lake gives the same model, also after a pause.
func (s Silver) Days(ctx context.Context) ([]schema.Day, error) {
	days, err := lake.Days(ctx, s.Store, schema.Silver)
	if err != nil || len(days) == 0 || s.Window == 0 {
		return days, err
	}
	newest, err := time.Parse(time.DateOnly, string(days[len(days)-1]))
	if err != nil {
		return nil, err
	}
	first := schema.Day(newest.AddDate(0, 0, 1-int(s.Window)).Format(time.DateOnly))
	return slices.DeleteFunc(days, func(d schema.Day) bool { return d < first }), nil
}

func readObject[T any](ctx context.Context, store lake.Store, key string, use func(*T)) (rows int, err error) {
	err = lake.EachRowOf(ctx, store, key, func(row *T) error {
		rows++
		use(row)
		return ctx.Err()
	})
	return rows, err
}

// Complaints leaves out rows that have none: erased, or of a record that was no
// complaint.
func (s Silver) Complaints(ctx context.Context, progress Progress, use func(*schema.Complaint)) error {
	_, err := eachSilver(ctx, s, progress, func(row *schema.SilverRow) {
		if row.RecordError == nil {
			x := row.Complaint()
			use(&x)
		}
	})
	return err
}
