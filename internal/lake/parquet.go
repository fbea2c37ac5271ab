package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"complaints/schema"
)

// The shape of a Parquet object. A reader skips row groups and pages by their
// statistics, so both are small.
const (
	rowsPerGroup = 20_000
	pageBytes    = 64 << 10
	// boundBytes is how much of a text the page index keeps as a bound; the
	// library's 16 would cut "Bank Accounts and Services".
	boundBytes = 64
	// readBytes is how much of a column is read at once.
	readBytes = 128 << 10
)

// compression keeps its encoders, each with some megabytes, from object to object.
var compression = zstd.Codec{Level: zstd.DefaultLevel}

// WriteParquet returns the file of rows, which are sorted already by columns
// (ascending, NULL first). The footer is kept beside the schema.
func WriteParquet[T any](rows []T, columns []string, footer map[string]string) ([]byte, error) {
	sorting := make([]parquet.SortingColumn, len(columns))
	for i, c := range columns {
		sorting[i] = parquet.NullsFirst(parquet.Ascending(c))
	}
	options := []parquet.WriterOption{
		schemaOf[T](),
		parquet.Compression(&compression),
		parquet.MaxRowsPerRowGroup(rowsPerGroup),
		parquet.PageBufferSize(pageBytes),
		parquet.ColumnIndexSizeLimit(func([]string) int { return boundBytes }),
		parquet.CreatedBy("complaints", "1", "lake"),
		// This only declares the order; the caller has sorted.
		parquet.SortingWriterConfig(parquet.SortingColumns(sorting...)),
	}
	for _, key := range slices.Sorted(maps.Keys(footer)) {
		options = append(options, parquet.KeyValueMetadata(key, footer[key]))
	}
	var file bytes.Buffer
	w := parquet.NewGenericWriter[T](&file, options...)
	if _, err := w.Write(rows); err != nil {
		return nil, fmt.Errorf("write parquet: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write parquet: %w", err)
	}
	return file.Bytes(), nil
}

// ParquetFile is an opened Parquet object.
type ParquetFile struct {
	file *parquet.File
}

// OpenParquet reads the footer of a Parquet file. The reader stays the caller's.
func OpenParquet(r io.ReaderAt, size int64) (*ParquetFile, error) {
	f, err := parquet.OpenFile(r, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true), parquet.ReadBufferSize(readBytes))
	if err != nil {
		return nil, fmt.Errorf("open parquet: %w", err)
	}
	return &ParquetFile{f}, nil
}

// WithParquet opens a Parquet object for use, and closes it when that returns.
func WithParquet(ctx context.Context, store Store, key string, use func(*ParquetFile) error) (err error) {
	r, err := store.Open(ctx, key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	f, err := OpenParquet(r, r.Size())
	if err != nil {
		return err
	}
	return use(f)
}

// Rows is how many rows the footer says there are.
func (p *ParquetFile) Rows() int64 { return p.file.NumRows() }

// Footer returns a value of the footer that WriteParquet was given.
func (p *ParquetFile) Footer(key string) string {
	v, _ := p.file.Lookup(key)
	return v
}

// FooterInteger returns a value of the footer that is a number.
func (p *ParquetFile) FooterInteger(key string) (int64, error) {
	n, err := strconv.ParseInt(p.Footer(key), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("parquet footer: %s is %q, want a number", key, p.Footer(key))
	}
	return n, nil
}

// ColumnsOf returns the names of the columns that a row type has, in order.
func ColumnsOf[T any]() []string {
	fields := parquet.SchemaOf(new(T)).Fields()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name()
	}
	return names
}

// Scrub reads all pages of all columns and checks them by their checksums.
func (p *ParquetFile) Scrub() error {
	for _, group := range p.file.RowGroups() {
		for i, chunk := range group.ColumnChunks() {
			if err := scrub(chunk); err != nil {
				return fmt.Errorf("parquet column %s: %w", p.file.Schema().Columns()[i], err)
			}
		}
	}
	return nil
}

func scrub(chunk parquet.ColumnChunk) (err error) {
	pages := chunk.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		parquet.Release(page)
	}
}

// EachRow calls each with every row, a few at a time, reading all columns. The
// row is the callee's until it returns; what it points to is the callee's for good.
func EachRow[T any](p *ParquetFile, each func(*T) error) (err error) {
	r := parquet.NewGenericReader[T](p.file)
	defer func() { err = errors.Join(err, r.Close()) }()
	rows := make([]T, 256)
	for {
		clear(rows) // the reader must not write through the pointers of rows that were kept
		n, err := r.Read(rows)
		for i := range rows[:n] {
			if err := each(&rows[i]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read parquet: %w", err)
		}
	}
}

// RowsAt returns the rows of some numbers, which count from 0 and ascend. Of each
// column only the pages are read in which they stand.
func RowsAt[T any](p *ParquetFile, numbers []int64) (rows []T, err error) {
	r := parquet.NewGenericReader[T](p.file)
	defer func() { err = errors.Join(err, r.Close()) }()
	rows = make([]T, len(numbers))
	for i, n := range numbers {
		if err := r.SeekToRow(n); err != nil {
			return nil, fmt.Errorf("read parquet: row %d: %w", n, err)
		}
		if got, err := r.Read(rows[i : i+1]); got != 1 {
			return nil, fmt.Errorf("read parquet: row %d of %d: %w", n, p.Rows(), err)
		}
	}
	return rows, nil
}

// EachRowOf is EachRow for an object of a store.
func EachRowOf[T any](ctx context.Context, store Store, key string, each func(*T) error) error {
	return WithParquet(ctx, store, key, func(f *ParquetFile) error { return EachRow(f, each) })
}

// The keys of a footer that says which offsets an object covers.
const (
	FooterLayer     = "complaints.layer"
	FooterTopic     = "complaints.topic"
	FooterTopicID   = "complaints.topic_id"
	FooterPartition = "complaints.partition"
	FooterStart     = "complaints.start"
	FooterNext      = "complaints.next"
	FooterDay       = "complaints.day"
	FooterRows      = "complaints.rows"
	FooterClaim     = "complaints.link"
	FooterErased    = "complaints.erased" // rows that were erased; absent if none was
)

// FooterOf is the footer of the object of a claim and of a day.
func FooterOf(l *schema.Claim, day schema.Day) map[string]string {
	return map[string]string{
		FooterLayer: string(l.Layer), FooterTopic: l.Topic, FooterTopicID: l.TopicID,
		FooterPartition: strconv.Itoa(int(l.Partition)),
		FooterStart:     strconv.FormatInt(l.Start, 10), FooterNext: strconv.FormatInt(l.Next, 10),
		FooterDay: string(day), FooterRows: strconv.FormatInt(l.Rows[day], 10), FooterClaim: l.Key(),
	}
}

// CheckFooter compares what a file says of itself with the claim that it is of.
func (p *ParquetFile) CheckFooter(l *schema.Claim, day schema.Day) error {
	want := FooterOf(l, day)
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got := p.Footer(key); got != want[key] {
			return fmt.Errorf("parquet footer: %s is %q, want %q as in claim %s", key, got, want[key], l.Key())
		}
	}
	if p.Rows() != l.Rows[day] {
		return fmt.Errorf("parquet footer: %d rows, want %d as in claim %s", p.Rows(), l.Rows[day], l.Key())
	}
	return nil
}

// Erased is how many rows of the object were erased.
func (p *ParquetFile) Erased() int64 {
	n, _ := strconv.ParseInt(p.Footer(FooterErased), 10, 64) // absent is none
	return n
}

// Claim returns what the footer says of the object: its claim, with the rows of
// its own day alone, and the day.
func (p *ParquetFile) Claim() (*schema.Claim, schema.Day, error) {
	l := &schema.Claim{
		Layer: schema.Layer(p.Footer(FooterLayer)), Topic: p.Footer(FooterTopic), TopicID: p.Footer(FooterTopicID),
		Rows: map[schema.Day]int64{},
	}
	day := schema.Day(p.Footer(FooterDay))
	partition, err1 := p.FooterInteger(FooterPartition)
	start, err2 := p.FooterInteger(FooterStart)
	next, err3 := p.FooterInteger(FooterNext)
	rows, err4 := p.FooterInteger(FooterRows)
	l.Partition, l.Start, l.Next, l.Rows[day] = int32(partition), start, next, rows
	return l, day, errors.Join(err1, err2, err3, err4)
}
