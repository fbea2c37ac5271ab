package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"complaints/internal/lake"
	"complaints/schema"
)

// window is a number of days; 0 is all.
type window int

// UnmarshalText reads a window as 365d, 52w or 0.
func (w *window) UnmarshalText(text []byte) error {
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
	*w = window(n * unit)
	return nil
}

// silverText is what training reads of a row of silver; other columns are not
// fetched.
type silverText struct {
	DateReceived     *int32 `parquet:"date_received,optional,date"` // days since 1970-01-01
	Narrative        string `parquet:"narrative"`                   // personal data is masked
	TrueCategoryCode *int32 `parquet:"true_category_code,optional"`
}

// example makes an example of a row, unless its text is blank (erased, or of a
// record that was no complaint) or its true category is not known.
func (r *silverText) example() (example, bool) {
	if r.TrueCategoryCode == nil || strings.TrimSpace(r.Narrative) == "" {
		return example{}, false
	}
	category := schema.Category(*r.TrueCategoryCode)
	if category < 0 || category >= schema.NumCategories {
		return example{}, false
	}
	return example{text: r.Narrative, category: category, group: schema.NearCopyHash(r.Narrative), date: schema.DateText(r.DateReceived)}, true
}

// silver is the layer that training reads.
type silver struct {
	store  lake.Store
	window window // days before and with the newest day that there is
}

func (s silver) String() string { return "silver" }

// read hands every example of the window to use.
func (s silver) read(ctx context.Context, progress progressFunc, use func(example)) (rows int, err error) {
	return eachSilver(ctx, s, progress, func(row *silverText) {
		if e, ok := row.example(); ok {
			use(e)
		}
	})
}

// eachSilver hands the wanted columns of every row of the window to use, each row
// once, compacted or not, in an order that does not change. It holds a few hundred
// rows at a time.
func eachSilver[T any](ctx context.Context, s silver, progress progressFunc, use func(*T)) (rows int, err error) {
	days, err := s.days(ctx)
	if err != nil {
		return 0, err
	}
	if len(days) == 0 {
		return 0, errors.New("silver has no rows yet: classify something with a consumer that writes it, or name files with --data")
	}
	for i, day := range days {
		keys, err := lake.EachOnce(ctx, s.store, schema.Silver, day)
		if err != nil {
			return rows, fmt.Errorf("silver of %s: %w", day, err)
		}
		for _, key := range keys {
			n, err := readObject(ctx, s.store, key, use)
			if err != nil {
				return rows, fmt.Errorf("%s: %w", key, err)
			}
			rows += n
		}
		progress("silver of %s, day %d of %d: %d rows read", day, i+1, len(days), rows)
	}
	return rows, nil
}

// days are those of the window. It ends with the newest day that there is, not
// today: the same lake gives the same model, also after a pause.
func (s silver) days(ctx context.Context) ([]schema.Day, error) {
	days, err := lake.Days(ctx, s.store, schema.Silver)
	if err != nil || len(days) == 0 || s.window == 0 {
		return days, err
	}
	newest, err := time.Parse(time.DateOnly, string(days[len(days)-1]))
	if err != nil {
		return nil, err
	}
	first := schema.Day(newest.AddDate(0, 0, 1-int(s.window)).Format(time.DateOnly))
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

// files are complaint files, instead of silver.
type files []string

func (f files) String() string { return strings.Join(f, ", ") }

func (f files) read(ctx context.Context, progress progressFunc, use func(example)) (rows int, err error) {
	err = readComplaints(f, func(c *schema.Complaint) {
		rows++
		if e, ok := newExample(c); ok {
			use(e)
		}
	}, func(err error) { progress("left out: %v", err) })
	return rows, errors.Join(err, ctx.Err())
}
