package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"
	"strings"

	"complaints/schema"
)

// labelReader reads the labels of one file: JSON lines, or CSV with a header, whose
// columns are named as the fields. It is not safe for use by two goroutines.
type labelReader struct {
	name  string
	src   *hashedReader
	csv   *csv.Reader // nil for JSON lines
	names []string    // of the columns
	line  int         // on which the row at hand begins, from 1
}

// errBrokenLabel says that a row is no label. Reading goes on after it.
var errBrokenLabel = errors.New("it is no label")

// labelColumns are the columns that a CSV may have, those first that it must have.
var labelColumns = []string{
	"complaint_id", "category", "labelled_by", "labelled_at",
	"taxonomy", "source", "predicted_category", "predicted_probability", "model_version", "review_reason",
}

const labelColumnsNeeded = 4

// newLabelReader reads as far as the header.
func newLabelReader(r io.Reader, name string) (*labelReader, error) {
	l := &labelReader{name: name, src: newHashedReader(r)}
	if mark, _ := l.src.buf.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		l.src.skip(len(mark))
	}
	first, err := l.src.buf.Peek(1)
	if err == nil && first[0] == '{' {
		return l, nil
	}
	l.csv = csv.NewReader(l.src) // gives the fault of the file again, if there is one
	if l.names, err = l.csv.Read(); err == nil {
		err = checkLabelColumns(l.names)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: the header: %w", name, err)
	}
	l.src.passTo(l.csv.InputOffset())
	return l, nil
}

// checkLabelColumns refuses a name that is unknown: a slip would be lost in silence.
func checkLabelColumns(names []string) error {
	var errs []error
	for i, n := range names {
		switch {
		case !slices.Contains(labelColumns, n): // it is not shown: in a file without a header it is a value
			errs = append(errs, fmt.Errorf("the name of column %d is unknown, want %s", i+1, strings.Join(labelColumns, ", ")))
		case slices.Contains(names[:i], n):
			errs = append(errs, fmt.Errorf("the column %s is there twice", n))
		}
	}
	for _, n := range labelColumns[:labelColumnsNeeded] {
		if !slices.Contains(names, n) {
			errs = append(errs, fmt.Errorf("the column %s is missing", n))
		}
	}
	return errors.Join(errs...)
}

// next returns the next label, io.EOF at the end, an error that is errBrokenLabel for
// a row that is none, and any other for a fault of the file. The label is not checked.
func (l *labelReader) next() (schema.Label, error) {
	value, err := l.value()
	if err != nil {
		return schema.Label{}, err
	}
	// Who publishes a file again shall publish the same labels, so no moment is made up.
	label, err := schema.DecodeNewLabel(value, schema.Label{LabelledAt: math.MinInt64, Source: "file"})
	if err != nil {
		err = l.broken(err)
	}
	return label, err
}

func (l *labelReader) broken(why error) error {
	return fmt.Errorf("%s:%d: %w: %w", l.name, l.line, errBrokenLabel, why)
}

// value is the next label as JSON.
func (l *labelReader) value() ([]byte, error) {
	if l.csv == nil {
		return l.jsonLine()
	}
	cells, err := l.csv.Read()
	if _, ok := errors.AsType[*csv.ParseError](err); ok {
		l.src.passTo(l.csv.InputOffset())
		return nil, l.broken(err)
	}
	if err != nil {
		return nil, err
	}
	l.line, _ = l.csv.FieldPos(0)
	l.src.passTo(l.csv.InputOffset())
	fields := map[string]any{}
	for i, cell := range cells {
		switch name := l.names[i]; {
		case cell != "" && name == "predicted_probability":
			fields[name] = json.Number(cell)
		case cell != "":
			fields[name] = cell
		case name == "category":
			fields[name] = nil // an empty cell withdraws
		}
	}
	value, err := json.Marshal(fields)
	if err != nil { // the number is none
		err = l.broken(errors.New("predicted_probability is no number"))
	}
	return value, err
}

// jsonLine is the next line that is not blank.
func (l *labelReader) jsonLine() ([]byte, error) {
	for {
		line, err := l.src.buf.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return nil, err
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		l.line++
		l.src.pass(line)
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

// openEnded says that the file ends behind the row at hand without a line end.
func (l *labelReader) openEnded() bool { return l.src.last != '\n' }

// Digest is the SHA-256 of the file up to the end of the row at hand.
func (l *labelReader) Digest() [sha256.Size]byte {
	var sum [sha256.Size]byte
	l.src.hash.Sum(sum[:0])
	return sum
}

// openLabels opens a file of labels for its resume point.
func openLabels(r io.Reader, name string) (digestedRows, error) {
	rows, err := newLabelReader(r, name)
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// Pass passes over one row.
func (l *labelReader) Pass() error {
	if _, err := l.next(); err != nil && !errors.Is(err, errBrokenLabel) {
		return err
	}
	return nil
}

// Close has nothing to close: whoever opened the file does.
func (l *labelReader) Close() error { return nil }

// hashedReader hashes what was read up to the end of a row, although the reader of
// CSV reads ahead.
type hashedReader struct {
	buf    *bufio.Reader
	hash   hash.Hash
	ahead  []byte // what was read by Read and not passed
	offset int64  // by Read, of what was passed
	last   byte   // that was passed
}

func newHashedReader(r io.Reader) *hashedReader {
	return &hashedReader{buf: bufio.NewReader(r), hash: sha256.New()}
}

func (h *hashedReader) Read(b []byte) (int, error) {
	n, err := h.buf.Read(b)
	h.ahead = append(h.ahead, b[:n]...)
	return n, err
}

// passTo passes what stands before an offset by Read.
func (h *hashedReader) passTo(offset int64) {
	n := offset - h.offset
	h.pass(h.ahead[:n])
	h.ahead, h.offset = append(h.ahead[:0], h.ahead[n:]...), offset
}

func (h *hashedReader) pass(b []byte) {
	h.hash.Write(b) // never fails
	if len(b) > 0 {
		h.last = b[len(b)-1]
	}
}

// skip passes bytes that were seen by a Peek.
func (h *hashedReader) skip(n int) {
	b, _ := h.buf.Peek(n)
	h.pass(b)
	_, _ = h.buf.Discard(n) // they are buffered
}
