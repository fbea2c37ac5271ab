package verify

import (
	"context"
	"errors"
	"fmt"

	"complaints/internal/lake"
	"complaints/schema"
)

// The columns of every layer that say which record a row is of.
const (
	offsetColumn    = "kafka_offset"
	partitionColumn = "kafka_partition"
	timestampColumn = "kafka_timestamp"
)

// content is what an object was found to hold.
type content struct {
	offsets []int64 // of its rows
	erased  int64   // rows of them that say nothing any more but where they are from
}

// attempts is how often an object is read that is replaced meanwhile, as by consumer erase.
const attempts = 5

// readObject reads a link's object of a day, and checks it against the link. The error is [lake.ErrNotFound], an
// *objectError if the object is damaged, or what kept us from reading it.
func readObject(ctx context.Context, store lake.Store, claim *schema.Claim, day schema.Day) (found content, err error) {
	for range attempts {
		if found, err = readVersion(ctx, store, claim, day); !errors.Is(err, lake.ErrChanged) {
			break
		}
	}
	return found, err
}

// readVersion is readObject of the version that is there now.
func readVersion(ctx context.Context, store lake.Store, claim *schema.Claim, day schema.Day) (found content, err error) {
	r, err := store.Open(ctx, claim.ObjectKey(day))
	if err != nil {
		return content{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	source := &failing{Reader: r}
	defer func() {
		// Parquet of damaged bytes may also end in a panic of the library.
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if source.err != nil {
			err = source.err // the store's failure, not the object's
		} else if err != nil {
			err = &objectError{err}
		}
	}()
	f, err := lake.OpenParquet(source, source.Size())
	if err != nil {
		return content{}, err
	}
	if err := f.CheckFooter(claim, day); err != nil {
		return content{}, err
	}
	if err := f.Scrub(); err != nil {
		return content{}, err
	}
	if found.offsets, err = rowOffsets(f, claim, day); err != nil {
		return content{}, err
	}
	if found.erased = f.Erased(); found.erased > f.Rows() {
		return content{}, fmt.Errorf("%d rows are said to be erased of %d", found.erased, f.Rows())
	}
	return found, nil
}

// rowOffsets reads the columns that say which records the rows are of.
func rowOffsets(f *lake.ParquetFile, claim *schema.Claim, day schema.Day) ([]int64, error) {
	offsets := make([]int64, 0, f.Rows())
	err := f.Integers(offsetColumn, func(offset int64) error {
		if offset < claim.Start || offset >= claim.Next {
			return fmt.Errorf("a row has offset %d, and the link is %d to %d", offset, claim.Start, claim.Next)
		}
		offsets = append(offsets, offset)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if int64(len(offsets)) != claim.Rows[day] {
		return nil, fmt.Errorf("%d rows, and the link claims %d", len(offsets), claim.Rows[day])
	}
	err = f.Integers(partitionColumn, func(partition int64) error {
		if partition != int64(claim.Partition) {
			return fmt.Errorf("a row is of partition %d", partition)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return offsets, f.Integers(timestampColumn, func(ms int64) error {
		if d := schema.DayOf(ms); d != day {
			return fmt.Errorf("a row is of day %s", d)
		}
		return nil
	})
}

// objectError says that an object is damaged or contradicts its link.
type objectError struct{ error }

func (e *objectError) Unwrap() error { return e.error }

func isDamaged(err error) bool {
	_, ok := errors.AsType[*objectError](err)
	return ok
}

// failing remembers that the store failed, which says nothing about the object.
type failing struct {
	lake.Reader
	err error
}

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.Reader.ReadAt(p, off)
	if err != nil && n < len(p) && off+int64(len(p)) <= f.Size() {
		f.err = err
	}
	return n, err
}
