package complaintfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"complaints/schema"
)

// MaxRowBytes is the longest row that is read; a longer one is a [RowError].
// The longest narrative of the Bureau's database has about 33,000 bytes.
const MaxRowBytes = 4 << 20

// Row is one complaint and where it stands.
type Row struct {
	Complaint schema.Complaint // the id is empty where the file has none
	Line      int              // on which the row begins, from 1, in the unpacked file
	Bytes     int              // of the row, in the unpacked file
}

// RowError says why one row cannot be read. Reading goes on after it.
type RowError struct {
	File string
	Line int // on which the row begins, from 1
	Row  int // from 1, the header not counted
	Err  error
}

func (e *RowError) Error() string {
	return fmt.Sprintf("%s:%d: row %d: %v", e.File, e.Line, e.Row, e.Err)
}

// Unwrap returns the reason.
func (e *RowError) Unwrap() error { return e.Err }

// rows is one format. next returns io.EOF at the end, a *rowFault where reading
// can go on, and anything else where it cannot.
type rows interface {
	next() (Row, error)
}

// rowFault is a fault of one row that begins on a line.
type rowFault struct {
	line int
	err  error
}

func (f *rowFault) Error() string { return f.err.Error() }

// Reader reads the rows of one file. It is not safe for use by two goroutines.
type Reader struct {
	name   string
	closer []io.Closer // closed last to first
	src    *window
	rows   rows
	row    int   // how many rows, broken ones too, were met
	err    error // ends reading
}

// Open opens a file; "-" is standard input.
func Open(path string) (*Reader, error) {
	if path == "-" {
		return NewReader(os.Stdin, "standard input")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := NewReader(f, path)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.closer = append([]io.Closer{f}, r.closer...)
	return r, nil
}

// NewReader reads from r; name stands in errors. It reads as far as the header,
// so a file that holds no complaints is an error here. A zip on an io.ReaderAt
// that can also seek is read by its directory, any other zip as it comes.
func NewReader(r io.Reader, name string) (*Reader, error) {
	plain, closer, err := unpack(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f := &Reader{name: name, src: newWindow(plain)}
	if closer != nil {
		f.closer = append(f.closer, closer)
	}
	if f.rows, err = detect(f.src); err != nil {
		return nil, errors.Join(f.fault(err), f.Close())
	}
	return f, nil
}

// detect finds the format by the first bytes.
func detect(w *window) (rows, error) {
	for {
		head := w.bytes()
		if len(head) < 3 && !w.final() {
			if err := w.more(); err != nil {
				return nil, err
			}
			continue
		}
		if isUTF16(head) {
			return nil, errors.New("the text is UTF-16: save it as UTF-8")
		}
		head = bytes.TrimPrefix(head, []byte("\ufeff"))
		start := bytes.TrimLeft(head, " \t\r\n")
		if len(start) == 0 && !w.final() {
			if err := w.more(); err != nil {
				return nil, err
			}
			continue
		}
		switch {
		case len(start) == 0:
			return nil, errors.New("the file is empty: it has neither a header nor JSON")
		case start[0] == '{' || start[0] == '[':
			w.advance(len(w.bytes()) - len(start))
			return newJSONRows(w), nil
		}
		// A tab may be the first delimiter: the index that pandas writes has no name.
		w.advance(len(w.bytes()) - len(bytes.TrimLeft(head, "\r\n")))
		return newCSVRows(w)
	}
}

// isUTF16 knows it by its mark or, without one, by the zero byte beside the first
// letter. Its names and texts would else be read with zeros in them.
func isUTF16(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xfe\xff")) || bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.IndexByte(head[:min(2, len(head))], 0) >= 0
}

// Next returns the next row, io.EOF at the end, a *[RowError] for a row that
// cannot be read (the next call goes on after it), and any other error for a
// fault of the whole file, such as a truncated gzip, which ends it.
func (r *Reader) Next() (Row, error) {
	if r.err != nil {
		return Row{}, r.err
	}
	row, err := r.rows.next()
	if errors.Is(err, io.EOF) {
		r.err = err
		return Row{}, err
	}
	if err == nil {
		r.row++
		return row, nil
	}
	if fault, ok := errors.AsType[*rowFault](err); ok {
		r.row++
		return Row{}, &RowError{File: r.name, Line: fault.line, Row: r.row, Err: fault.err}
	}
	r.err = r.fault(err)
	return Row{}, r.err
}

// fault names the file and how far it was read.
func (r *Reader) fault(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("the file is cut off: %w", err)
	case r.row == 0:
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return fmt.Errorf("%s:%d: after row %d: %w", r.name, r.src.line, r.row, err)
}

// Close closes the file, unless it was given to NewReader.
func (r *Reader) Close() error {
	var errs []error
	for _, c := range slices.Backward(r.closer) {
		errs = append(errs, c.Close())
	}
	r.closer = nil
	return errors.Join(errs...)
}
