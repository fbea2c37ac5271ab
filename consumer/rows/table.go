package rows

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"sort"

	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"
)

// table is the format of a layer whose rows are a Go type with the tags of
// parquet-go. Key is what an object is sorted by, a part of the row.
type table[Row, Key any] struct {
	begin   func() maker[Row] // of the rows of one object
	key     func(*Row) Key
	offset  func(*Key) int64 // of the record that a row is of
	compare func(a, b *Key) int
	columns []string // that compare goes by, the offset last
	// empty erases a row that is of a complaint of the ids.
	empty func(row *Row, ids IDs) bool
	byID  bool // the column complaint_id alone says so
	// complete fills in what an object of an older form has in other columns; nil if
	// there is none.
	complete func(f *lake.ParquetFile, rows []Row) error
}

// maker makes the rows of one object.
type maker[Row any] struct {
	row    func(c *schema.Claim, r *kafka.Record) Row
	stored func() // counts what is in the rows
}

// Encode is what [Format] says.
func (t table[Row, Key]) Encode(c *schema.Claim, day schema.Day, records []kafka.Record) (body []byte, stored func(), err error) {
	rows, m := make([]Row, len(records)), t.begin()
	for i := range records {
		rows[i] = m.row(c, &records[i])
	}
	body, err = lake.WriteParquet(t.sorted(rows), t.columns, lake.FooterOf(c, day))
	return body, m.stored, err
}

func (t table[Row, Key]) sorted(rows []Row) []Row {
	order := make([]placed[Key], len(rows))
	for i := range rows {
		order[i] = placed[Key]{t.key(&rows[i]), i}
	}
	sort.Sort(byKey[Key]{order, t.compare})
	sorted := make([]Row, len(rows))
	for i := range order {
		sorted[i] = rows[order[i].at]
	}
	return sorted
}

// placed is a key and where its row stands. Rows are large; only keys are moved.
type placed[Key any] struct {
	key Key
	at  int
}

// byKey sorts by pointers to the keys: a function of slices.SortFunc gets them
// by value, and each call would move two of them to the heap.
type byKey[Key any] struct {
	order   []placed[Key]
	compare func(a, b *Key) int
}

func (b byKey[Key]) Len() int           { return len(b.order) }
func (b byKey[Key]) Less(i, j int) bool { return b.compare(&b.order[i].key, &b.order[j].key) < 0 }
func (b byKey[Key]) Swap(i, j int)      { b.order[i], b.order[j] = b.order[j], b.order[i] }

// Check is what [Format] says.
func (t table[Row, Key]) Check(body []byte, c *schema.Claim, day schema.Day, records []kafka.Record) error {
	offsets := make([]int64, len(records))
	for i := range records {
		offsets[i] = records[i].Offset
	}
	return t.checkOffsets(body, c, day, offsets)
}

// checkOffsets opens an encoded object again and compares it with the offsets, in
// ascending order, that its rows are of.
func (t table[Row, Key]) checkOffsets(body []byte, c *schema.Claim, day schema.Day, want []int64) error {
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return err
	}
	if err := f.CheckFooter(c, day); err != nil {
		return err
	}
	if err := f.Scrub(); err != nil { // all columns; the keys alone are compared
		return err
	}
	got := make([]int64, 0, len(want))
	err = f.Ascending(t.columns, func(offset int64) error { // the last of the columns
		got = append(got, offset)
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(got)
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Errorf("the rows have offset %d where the records have %d", got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d rows of %d records", len(got), len(want))
	}
	return nil
}

// Belongs is what [Format] says.
func (t table[Row, Key]) Belongs(r io.ReaderAt, size int64, c *schema.Claim, day schema.Day) error {
	f, err := lake.OpenParquet(r, size)
	if err != nil {
		return err
	}
	return f.CheckFooter(c, day)
}

// compareText orders as Parquet does, NULL first.
func compareText(a, b *string) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}
