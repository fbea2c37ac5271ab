package lake

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// Integers calls each with every value of a column of 32 or 64 bit integers that
// has no NULL, in the order of the rows. All pages of the column are read.
func (p *ParquetFile) Integers(column string, each func(int64) error) error {
	return p.eachOf([]string{column}, func(values []parquet.Value) error {
		n, err := integer(values[0])
		if err != nil {
			return fmt.Errorf("parquet column %s: %w", column, err)
		}
		return each(n)
	})
}

// HasColumn says whether the file has a column, whose path below a group is
// written with points.
func (p *ParquetFile) HasColumn(name string) bool {
	_, ok := p.file.Schema().Lookup(strings.Split(name, ".")...)
	return ok
}

// Floats calls each with every row's values of columns of doubles that have no
// NULL, in the order of the rows. The slice is the callee's until it returns.
func (p *ParquetFile) Floats(columns []string, each func([]float64)) error {
	row := make([]float64, len(columns))
	return p.eachOf(columns, func(values []parquet.Value) error {
		for i, v := range values {
			if v.Kind() != parquet.Double {
				return fmt.Errorf("parquet column %s: value %v is no double", columns[i], v)
			}
			row[i] = v.Double()
		}
		each(row)
		return nil
	})
}

// Ascending fails at the first row that does not follow the one before it in the
// order of columns (ascending, NULL first), texts and integers. It calls each with
// every row's value of the last of them, an integer that is not NULL. Only these
// columns are read.
func (p *ParquetFile) Ascending(columns []string, each func(last int64) error) error {
	before := make([]cell, len(columns))
	row := 0
	return p.eachOf(columns, func(values []parquet.Value) error {
		order := 0
		for i, v := range values {
			d, err := before[i].follow(v)
			if err != nil {
				return fmt.Errorf("parquet column %s: %w", columns[i], err)
			}
			order = cmp.Or(order, d)
		}
		if row > 0 && order < 0 {
			return fmt.Errorf("row %d does not follow in the order of %v", row, columns)
		}
		row++
		n, err := integer(values[len(values)-1])
		if err != nil {
			return fmt.Errorf("parquet column %s: %w", columns[len(columns)-1], err)
		}
		return each(n)
	})
}

// eachOf calls each with the values of some columns, row by row. The values are
// the callee's until it returns.
func (p *ParquetFile) eachOf(columns []string, each func([]parquet.Value) error) error {
	leaves := make([]int, len(columns))
	for i, name := range columns {
		leaf, ok := p.file.Schema().Lookup(name)
		if !ok {
			return fmt.Errorf("parquet: no column %s", name)
		}
		leaves[i] = leaf.ColumnIndex
	}
	for _, group := range p.file.RowGroups() {
		if err := eachOfGroup(group, leaves, each); err != nil {
			return err
		}
	}
	return nil
}

func eachOfGroup(group parquet.RowGroup, leaves []int, each func([]parquet.Value) error) (err error) {
	readers := make([]valueReader, len(leaves))
	chunks := group.ColumnChunks()
	for i, leaf := range leaves {
		readers[i].chunk = parquet.NewColumnChunkValueReader(chunks[leaf])
	}
	defer func() {
		for i := range readers {
			err = errors.Join(err, readers[i].chunk.Close())
		}
	}()
	row := make([]parquet.Value, len(leaves))
	for range group.NumRows() {
		for i := range readers {
			if row[i], err = readers[i].next(); err != nil {
				return fmt.Errorf("read parquet: %w", err)
			}
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return nil
}

// valueReader reads a column value by value.
type valueReader struct {
	chunk  parquet.ColumnChunkValueReader
	values [256]parquet.Value // of one page
	at, n  int
}

func (r *valueReader) next() (parquet.Value, error) {
	if r.at == r.n {
		n, err := r.chunk.ReadValues(r.values[:])
		if n == 0 {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // there are fewer values than rows
			}
			return parquet.Value{}, err
		}
		r.at, r.n = 0, n
	}
	r.at++
	return r.values[r.at-1], nil
}

func integer(v parquet.Value) (int64, error) {
	switch v.Kind() {
	case parquet.Int64:
		return v.Int64(), nil
	case parquet.Int32:
		return int64(v.Int32()), nil
	default: // NULL, or another type
		return 0, fmt.Errorf("value %v is no integer", v)
	}
}

// cell is a value that outlives its page. The zero value is NULL.
type cell struct {
	set  bool
	text []byte
	n    int64
}

// follow says how v stands to the cell (-1 before it, 0 equal, 1 behind it) and
// puts it there.
func (c *cell) follow(v parquet.Value) (order int, err error) {
	if v.IsNull() {
		if c.set {
			order = -1
		}
		c.set = false
		return order, nil
	}
	wasSet := c.set
	c.set = true
	if v.Kind() == parquet.ByteArray {
		if order = bytes.Compare(v.ByteArray(), c.text); order != 0 {
			c.text = append(c.text[:0], v.ByteArray()...)
		}
	} else {
		n, err := integer(v)
		if err != nil {
			return 0, err
		}
		order, c.n = cmp.Compare(n, c.n), n
	}
	if !wasSet {
		order = 1
	}
	return order, nil
}
