package lake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/parquet-go/parquet-go"

	"complaints/internal/lake"
	"complaints/schema"
)

type row struct {
	State  *string `parquet:"state,optional,dict"`
	Offset int64   `parquet:"kafka_offset"`
	Text   string  `parquet:"text"`
}

// rowsOf makes n rows that are sorted by state and offset.
func rowsOf(n int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{Offset: int64(i), Text: fmt.Sprintf("text %d", i*i)}
		if i >= n/10 {
			state := fmt.Sprintf("S%02d", i*50/n)
			rows[i].State = &state
		}
	}
	return rows
}

func written(t *testing.T, rows []row, l *schema.Claim, day schema.Day) []byte {
	t.Helper()
	body, err := lake.WriteParquet(rows, []string{"state", "kafka_offset"}, lake.FooterOf(l, day))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func claimOf(rows int) *schema.Claim {
	return &schema.Claim{
		Layer: schema.Gold, Topic: "complaints.classified", TopicID: "0123456789abcdef0123456789abcdef", Partition: 3,
		Start: 100, Next: 100 + int64(rows), Rows: map[schema.Day]int64{"2026-11-24": int64(rows)},
	}
}

func TestAscending(t *testing.T) {
	const n = 50_001 // several groups, and pages that end at other rows in each column
	read := func(rows []row, columns ...string) (seen int, err error) {
		body := written(t, rows, claimOf(len(rows)), "2026-11-24")
		f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		err = f.Ascending(columns, func(offset int64) error {
			if want := rows[seen].Offset; offset != want {
				t.Fatalf("row %d has offset %d, want %d", seen, offset, want)
			}
			seen++
			return nil
		})
		return seen, err
	}
	if seen, err := read(rowsOf(n), "state", "kafka_offset"); err != nil || seen != n {
		t.Errorf("read %d rows, %v", seen, err)
	}
	for name, at := range map[string]int{"first": 1, "null behind text": n / 2, "last": n - 1} {
		rows := rowsOf(n)
		if name == "null behind text" {
			rows[at].State = nil
		} else {
			rows[at], rows[at-1] = rows[at-1], rows[at]
		}
		if seen, err := read(rows, "state", "kafka_offset"); err == nil || seen != at {
			t.Errorf("%s: read %d rows, %v, want an error at row %d", name, seen, err, at)
		}
	}
	for _, columns := range [][]string{{"kafka_offset", "state"}, {"nothing"}} {
		if seen, err := read(rowsOf(10), columns...); err == nil {
			t.Errorf("%v: no error after %d rows", columns, seen)
		}
	}
}

func TestParquetKeepsRowsAndFooter(t *testing.T) {
	const n = 50_001
	rows, l := rowsOf(n), claimOf(n)
	body := written(t, rows, l, "2026-11-24")
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.CheckFooter(l, "2026-11-24"); err != nil {
		t.Error(err)
	}
	next := int64(0)
	err = f.Integers("kafka_offset", func(v int64) error {
		if v != next {
			return fmt.Errorf("offset %d, want %d", v, next)
		}
		next++
		return nil
	})
	if err != nil || next != n {
		t.Errorf("read %d offsets, %v", next, err)
	}
	i := 0
	err = lake.EachRow(f, func(r *row) error {
		want := rows[i]
		i++
		if r.Offset != want.Offset || r.Text != want.Text || (r.State == nil) != (want.State == nil) || (r.State != nil && *r.State != *want.State) {
			return fmt.Errorf("row %d is %+v, want %+v", i-1, r, want)
		}
		return nil
	})
	if err != nil || i != n {
		t.Errorf("read %d rows, %v", i, err)
	}
}

func TestParquetIsTheSameEachTime(t *testing.T) {
	l := claimOf(1000)
	if !bytes.Equal(written(t, rowsOf(1000), l, "2026-11-24"), written(t, rowsOf(1000), l, "2026-11-24")) {
		t.Error("the same rows gave two files")
	}
}

func TestParquetStatisticsPrune(t *testing.T) {
	const n = 50_001
	body := written(t, rowsOf(n), claimOf(n), "2026-11-24")
	f, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.RowGroups()) != 3 {
		t.Fatalf("%d row groups, want 3", len(f.RowGroups()))
	}
	for _, g := range f.RowGroups() {
		if got := g.SortingColumns(); len(got) != 2 || got[0].Path()[0] != "state" || !got[0].NullsFirst() {
			t.Errorf("sorting columns %v", got)
		}
		index, err := g.ColumnChunks()[1].ColumnIndex()
		if err != nil || index.NumPages() < 2 || !index.IsAscending() {
			t.Errorf("page index of the offsets: %v, ascending %v", err, err == nil && index.IsAscending())
		}
	}
}

func TestParquetFooterNamesTheLink(t *testing.T) {
	l := claimOf(10)
	body := written(t, rowsOf(10), l, "2026-11-24")
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*schema.Claim){
		"next":      func(l *schema.Claim) { l.Next++ },
		"start":     func(l *schema.Claim) { l.Start++ },
		"partition": func(l *schema.Claim) { l.Partition++ },
		"rows":      func(l *schema.Claim) { l.Rows = map[schema.Day]int64{"2026-11-24": 11} },
	} {
		other := *l
		change(&other)
		if f.CheckFooter(&other, "2026-11-24") == nil {
			t.Errorf("a claim with another %s is accepted", what)
		}
	}
}

func TestDamagedParquetIsAnError(t *testing.T) {
	l := claimOf(5000)
	body := written(t, rowsOf(5000), l, "2026-11-24")
	whole, err := readAll(body)
	if err != nil {
		t.Fatal(err)
	}
	for at := 4; at < len(body)*9/10; at += 97 {
		bad := bytes.Clone(body)
		bad[at] ^= 0x5a
		rows, err := readAll(bad)
		if err == nil && !reflect.DeepEqual(rows, whole) { // in statistics it harms no row
			t.Errorf("a damaged byte at %d of %d changed rows and was not noticed", at, len(body))
		}
	}
	for _, n := range []int{0, 3, 100, len(body) - 1} {
		if _, err := readAll(body[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were read as a file", n, len(body))
		}
	}
}

func readAll(body []byte) (rows []row, err error) {
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, err
	}
	if err := f.Scrub(); err != nil {
		return nil, err
	}
	err = lake.EachRow(f, func(r *row) error {
		rows = append(rows, *r)
		return nil
	})
	return rows, err
}

// Merging and erasing keep the rows that they are given.
func TestRowsMayBeKept(t *testing.T) {
	type nested struct {
		N    int64    `parquet:"n"`
		Text *string  `parquet:"text"`
		List []string `parquet:"list,list"`
	}
	want := make([]nested, 1000) // more than are read at a time
	for i := range want {
		want[i].N = int64(i)
		if i%3 > 0 {
			text := fmt.Sprint("text ", i)
			want[i].Text, want[i].List = &text, []string{text, "more"}[:i%3]
		}
	}
	body, err := lake.WriteParquet(want, []string{"n"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var kept []nested
	if err := lake.EachRow(f, func(r *nested) error {
		kept = append(kept, *r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if len(kept[i].List) == 0 {
			kept[i].List = nil
		}
		if !reflect.DeepEqual(kept[i], want[i]) {
			t.Fatalf("row %d is kept as %+v, want %+v", i, kept[i], want[i])
		}
	}
}

// opened is a store of one object, and counts who has it open.
type opened struct {
	lake.Store
	*bytes.Reader
	now int
}

func (o *opened) Open(context.Context, string) (lake.Reader, error) { o.now++; return o, nil }
func (o *opened) Close() error                                      { o.now--; return nil }

func TestAnObjectIsClosedAfterItsUse(t *testing.T) {
	body := written(t, rowsOf(3), claimOf(3), "2026-11-24")
	stopped := errors.New("stopped")
	for name, c := range map[string]struct {
		body []byte
		use  error
		rows int
	}{"read": {body, nil, 3}, "stopped": {body, stopped, 1}, "damaged": {body[:len(body)-1], nil, 0}} {
		store, rows := &opened{Reader: bytes.NewReader(c.body)}, 0
		err := lake.EachRowOf(t.Context(), store, "key", func(*row) error { rows++; return c.use })
		if rows != c.rows || (err == nil) != (name == "read") || !errors.Is(err, c.use) && c.use != nil || store.now != 0 {
			t.Errorf("%s: %d rows and %v, and open %d times", name, rows, err, store.now)
		}
	}
}

func TestRowsAtReadsTheRowsOfTheirNumbers(t *testing.T) {
	rows := rowsOf(5000)
	body := written(t, rows, claimOf(len(rows)), "2026-11-24")
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := lake.RowsAt[row](f, []int64{0, 1, 255, 256, 4999})
	if want := []row{rows[0], rows[1], rows[255], rows[256], rows[4999]}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if got, err := lake.RowsAt[row](f, []int64{5000}); err == nil {
		t.Errorf("the row behind the last is %+v", got)
	}
}
