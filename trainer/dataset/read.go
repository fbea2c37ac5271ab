package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"complaints/internal/complaintfile"
	"complaints/schema"
)

// Files are complaint files.
type Files struct {
	Paths   []string
	Columns map[string][]string // as of [complaintfile.Options]
	Mapping *schema.Mapping     // of its too
}

func (f Files) String() string { return strings.Join(f.Paths, ", ") }

// each hands every complaint of the files to use, one after the other. Broken rows
// are left out, and reported through skip.
func (f Files) each(use func(*schema.Complaint), skip func(error)) error {
	for _, p := range f.Paths {
		if err := f.eachOf(p, use, skip); err != nil {
			return err
		}
	}
	return nil
}

func (f Files) eachOf(path string, use func(*schema.Complaint), skip func(error)) (err error) {
	r, err := complaintfile.Options{Columns: f.Columns, Mapping: f.Mapping}.Open(path)
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

// Read hands every example to use: rows whose product means a category of the taxonomy.
func (f Files) Read(ctx context.Context, t *schema.Taxonomy, progress Progress, use func(Example)) (rows int, err error) {
	err = f.each(func(c *schema.Complaint) {
		rows++
		if e, ok := newExample(t, c); ok {
			e.Place.Offset = int64(rows)
			use(e)
		}
	}, func(err error) { progress("left out: %v", err) })
	return rows, errors.Join(err, ctx.Err())
}

// Examples reads all examples: rows whose product means a category of the taxonomy.
func (f Files) Examples(ctx context.Context, t *schema.Taxonomy, progress Progress) ([]Example, error) {
	var out []Example
	read, err := f.Read(ctx, t, progress, func(e Example) { out = append(out, e) })
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%s: none of %d rows has both a text and a label of taxonomy %s; name the columns with --text-column and --label-column, and the labels with --taxonomy", f, read, t.ID())
	}
	progress("%d of %d complaints have a text and a label of taxonomy %s", len(out), read, t.ID())
	return out, err
}

// Complaints hands every complaint of the files to use.
func (f Files) Complaints(ctx context.Context, progress Progress, use func(*schema.Complaint)) error {
	err := f.each(func(x *schema.Complaint) {
		if ctx.Err() == nil {
			use(x)
		}
	}, func(err error) { progress("left out: %v", err) })
	return errors.Join(err, ctx.Err())
}

// Progress shows a line of progress.
type Progress = func(format string, args ...any)
