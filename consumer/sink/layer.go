package sink

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"

	"complaints/internal/lake"
	"complaints/schema"
)

// Record is a committed record of a topic. Its bytes are its own, and not a
// part of the batch that it came in.
type Record struct {
	Offset    int64
	Timestamp int64 // milliseconds since 1970
	Key       []byte
	Value     []byte // nil is a tombstone
	Headers   []Header
}

// Header is a header of a record.
type Header struct {
	Key   string
	Value []byte
}

// recordOverhead is what a Record takes beside its bytes.
const recordOverhead = 112

func (r *Record) size() int64 {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += 40 + len(h.Key) + len(h.Value)
	}
	return int64(n)
}

// Layer says how the records of a topic become the rows of a layer, one row a
// record.
type Layer struct {
	Name   schema.Layer
	Topic  string
	codec  codec
	masked *maskedCount // nil in a layer that masks nothing
}

// LayerOf returns a layer by its name.
func LayerOf(name schema.Layer, topics schema.Topics) (Layer, error) {
	switch name {
	case schema.Bronze:
		return Bronze(topics.Complaints), nil
	case schema.Silver:
		return Silver(topics.Classified), nil
	case schema.Gold:
		return Gold(topics.Classified), nil
	}
	return Layer{}, fmt.Errorf("layer %q: want bronze, silver or gold", name)
}

// codec turns the records of one link and one day into an object.
type codec interface {
	// encode returns the object. The same records give the same rows, but for
	// what a challenger says, which may be another one by then.
	encode(l *schema.Claim, day schema.Day, records []Record) ([]byte, agreement, error)
	// check opens an encoded object again and compares it with the records
	// that it was made of.
	check(body []byte, l *schema.Claim, day schema.Day, records []Record) error
	// belongs says whether a stored object is that of the link and the day.
	belongs(r io.ReaderAt, size int64, l *schema.Claim, day schema.Day) error
}

// Merge returns one object with the rows of many, sorted as each of them is. It
// is opened again and compared with what went in. Link, of which Merge sets the
// rows, and day go into its footer.
func (l Layer) Merge(files []*lake.ParquetFile, link *schema.Claim, day schema.Day) ([]byte, error) {
	m, ok := l.codec.(interface {
		merge(files []*lake.ParquetFile, l *schema.Claim, day schema.Day) ([]byte, error)
	})
	if !ok {
		return nil, fmt.Errorf("objects of layer %s cannot be merged", l.Name)
	}
	return m.merge(files, link, day)
}

// parquetRows is the codec of a layer whose rows are a Go type with the tags of
// parquet-go. Key is what an object is sorted by, a part of the row.
type parquetRows[Row, Key any] struct {
	rows    func() func(r *Record, l *schema.Claim) Row // makes the rows of one object
	key     func(*Row) Key
	offset  func(*Key) int64 // of the record that a row is of
	compare func(a, b *Key) int
	columns []string // that compare goes by, the offset last
	// empty erases a row that is of the complaint of an id.
	empty func(row *Row, id string) bool
	byID  bool // the column complaint_id alone says so
}

func (c parquetRows[Row, Key]) encode(l *schema.Claim, day schema.Day, records []Record) ([]byte, agreement, error) {
	rows, of := make([]Row, len(records)), c.rows()
	for i := range records {
		rows[i] = of(&records[i], l)
	}
	body, err := c.write(rows, l, day)
	return body, agreement{}, err
}

func (c parquetRows[Row, Key]) write(rows []Row, l *schema.Claim, day schema.Day) ([]byte, error) {
	return lake.WriteParquet(c.sorted(rows), c.columns, lake.FooterOf(l, day))
}

// merge is what [Layer.Merge] says.
func (c parquetRows[Row, Key]) merge(files []*lake.ParquetFile, l *schema.Claim, day schema.Day) ([]byte, error) {
	var in contents[Row]
	for _, f := range files {
		if err := c.load(&in, f, func(*Row) {}); err != nil {
			return nil, err
		}
	}
	l.Rows[day] = int64(len(in.rows))
	return c.rewrite(&in, l, day)
}

// contents is what stored objects hold.
type contents[Row any] struct {
	rows    []Row
	records []Record // stand for the rows
	erased  int64    // of the rows
}

// load adds the rows of an object, each after a change.
func (c parquetRows[Row, Key]) load(in *contents[Row], f *lake.ParquetFile, change func(*Row)) error {
	in.erased += f.Erased()
	return lake.EachRow(f, func(row *Row) error {
		change(row)
		in.rows = append(in.rows, *row)
		key := c.key(row)
		in.records = append(in.records, Record{Offset: c.offset(&key)})
		return nil
	})
}

// rewrite returns one object of the contents, opened again and compared with them.
func (c parquetRows[Row, Key]) rewrite(in *contents[Row], l *schema.Claim, day schema.Day) ([]byte, error) {
	slices.SortFunc(in.records, func(a, b Record) int { return cmp.Compare(a.Offset, b.Offset) })
	footer := lake.FooterOf(l, day)
	if in.erased > 0 {
		footer[lake.FooterErased] = strconv.FormatInt(in.erased, 10)
	}
	body, err := lake.WriteParquet(c.sorted(in.rows), c.columns, footer)
	if err != nil {
		return nil, err
	}
	return body, c.check(body, l, day, in.records)
}

func (c parquetRows[Row, Key]) sorted(rows []Row) []Row {
	order := make([]placed[Key], len(rows))
	for i := range rows {
		order[i] = placed[Key]{c.key(&rows[i]), i}
	}
	sort.Sort(byKey[Key]{order, c.compare})
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

func (c parquetRows[Row, Key]) check(body []byte, l *schema.Claim, day schema.Day, records []Record) error {
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return err
	}
	if err := f.CheckFooter(l, day); err != nil {
		return err
	}
	if err := f.Scrub(); err != nil { // all columns; the keys alone are compared
		return err
	}
	offsets := make([]int64, 0, len(records))
	err = f.Ascending(c.columns, func(offset int64) error { // the last of the columns
		offsets = append(offsets, offset)
		return nil
	})
	if err != nil {
		return err
	}
	return sameOffsets(offsets, records)
}

// sameOffsets compares the offsets of rows, in any order, with the records.
func sameOffsets(offsets []int64, records []Record) error {
	slices.Sort(offsets)
	for i := range min(len(offsets), len(records)) {
		if offsets[i] != records[i].Offset {
			return fmt.Errorf("the rows have offset %d where the records have %d", offsets[i], records[i].Offset)
		}
	}
	if len(offsets) != len(records) {
		return fmt.Errorf("%d rows of %d records", len(offsets), len(records))
	}
	return nil
}

func (c parquetRows[Row, Key]) belongs(r io.ReaderAt, size int64, l *schema.Claim, day schema.Day) error {
	f, err := lake.OpenParquet(r, size)
	if err != nil {
		return err
	}
	return f.CheckFooter(l, day)
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
