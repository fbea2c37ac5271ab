package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"

	"complaints/internal/complaintfile"
	"complaints/schema"
)

// ReadComplaints reads files of complaints, one after the other, and hands each
// to use. Broken rows are left out, and reported through skip.
func ReadComplaints(paths []string, use func(*schema.Complaint), skip func(error)) error {
	for _, p := range paths {
		if err := readFile(p, use, skip); err != nil {
			return err
		}
	}
	return nil
}

func readFile(path string, use func(*schema.Complaint), skip func(error)) (err error) {
	r, err := complaintfile.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		row, err := r.Next()
		var broken *complaintfile.RowError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &broken):
			skip(broken)
		case err != nil:
			return err
		default:
			use(&row.Complaint)
		}
	}
}

// ReadExamples reads the examples of complaint files, copies among them.
func ReadExamples(ctx context.Context, t *schema.Taxonomy, paths []string, progress Progress) ([]Example, error) {
	var out []Example
	read, err := Files(paths).Read(ctx, t, progress, func(e Example) { out = append(out, e) })
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%q: none of %d complaints has both a text and a product of taxonomy %s", paths, read, t.ID())
	}
	progress("%d of %d complaints have a text and a known product", len(out), read)
	return out, err
}
