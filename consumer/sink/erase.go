package sink

import (
	"bytes"
	"fmt"

	"complaints/internal/lake"
)

// eraser is a codec whose objects can be written again without a complaint.
type eraser interface {
	mentions(f *lake.ParquetFile, id string) (int, error)
	erase(body []byte, id string) ([]byte, int, error)
}

// Mentions counts the rows of an object that are of the complaint of an id.
func (l Layer) Mentions(f *lake.ParquetFile, id string) (int, error) {
	return l.codec.(eraser).mentions(f, id)
}

// Erase returns an object of the layer, or one that Merge made of such, with the
// rows of a complaint emptied, and how many those are; nil if there is none. The
// rows keep their offsets, and the object its footer, which says too how many
// rows were erased. It is opened again and compared with what it was made of.
func (l Layer) Erase(body []byte, id string) (erased []byte, rows int, err error) {
	return l.codec.(eraser).erase(body, id)
}

// complaintID is the column by which a row is found without reading the others.
type complaintID struct {
	ComplaintID string `parquet:"complaint_id"`
}

func (c parquetRows[Row, Key]) mentions(f *lake.ParquetFile, id string) (n int, err error) {
	if !c.byID {
		err = lake.EachRow(f, func(row *Row) error {
			if c.empty(row, id) {
				n++
			}
			return nil
		})
		return n, err
	}
	err = lake.EachRow(f, func(row *complaintID) error {
		if row.ComplaintID == id {
			n++
		}
		return nil
	})
	return n, err
}

func (c parquetRows[Row, Key]) erase(body []byte, id string) ([]byte, int, error) {
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, 0, err
	}
	var in contents[Row]
	erased := 0
	if err := c.load(&in, f, func(row *Row) {
		if c.empty(row, id) {
			erased++
		}
	}); err != nil || erased == 0 {
		return nil, 0, err
	}
	in.erased += int64(erased)
	l, day, err := f.Claim()
	if err != nil {
		return nil, 0, err
	}
	again, err := c.rewrite(&in, l, day)
	if err != nil {
		return nil, 0, fmt.Errorf("write again what was erased: %w", err)
	}
	return again, erased, nil
}
