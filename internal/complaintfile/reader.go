package complaintfile

import (
	"bytes"
	"crypto/sha256"
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
	Dropped   []string         // fields whose value is left out: it is no date, or no text
	OpenEnded bool             // the file ends behind the row without a line end: the row may be cut off
}

// RowError says why one row cannot be read. Reading goes on after it.
type RowError struct {
	File      string
	Line      int  // on which the row begins, from 1
	LastLine  int  // up to which lines are passed over, since they seem to be a part of the row
	Row       int  // from 1, the header not counted
	OpenEnded bool // the file ends within the row
	Err       error
}

func (e *RowError) Error() string {
	if e.LastLine > e.Line {
		return fmt.Sprintf("%s:%d: row %d, to line %d: %v", e.File, e.Line, e.Row, e.LastLine, e.Err)
	}
	return fmt.Sprintf("%s:%d: row %d: %v", e.File, e.Line, e.Row, e.Err)
}

// Unwrap returns the reason.
func (e *RowError) Unwrap() error { return e.Err }

// rows is one format. next returns io.EOF at the end, a *rowFault where reading
// can go on, and anything else where it cannot.
type rows interface {
	next() (Row, error)
}

// rowFault is a fault of one row that begins on a line and of the lines up to
// last, which are passed over.
type rowFault struct {
	line, last int
	openEnded  bool
	err        error
}

func (f *rowFault) Error() string { return f.err.Error() }

// Options say how to read. The zero value is the default.
type Options struct {
	Dates  schema.DateOrder  // of 3/11/2024; day-first if Mapping says so
	Warn   func(what string) // is told once of each kind of thing that is odd and read all the same; nil: nobody is
	Digest bool              // [Reader.Digest] is wanted
	// Columns are the names of the columns or members that hold a field, by the field's
	// own name (narrative, product and so on), the most telling first. They take the
	// place of those that are usual for it.
	Columns map[string][]string
	// Mapping says where JSON objects have the fields, and names columns too. An object in
	// which it finds no text is read by names. nil: all are.
	Mapping *schema.Mapping
	Extra   bool // what is no field is wanted, as far as Mapping keeps it
}

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
func Open(path string) (*Reader, error) { return Options{}.Open(path) }

// Open opens a file; "-" is standard input.
func (o Options) Open(path string) (*Reader, error) {
	if path == "-" {
		return o.NewReader(os.Stdin, "standard input")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := o.NewReader(f, path)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.closer = append([]io.Closer{f}, r.closer...)
	return r, nil
}

// NewReader reads from r by the default options; see [Options.NewReader].
func NewReader(r io.Reader, name string) (*Reader, error) { return Options{}.NewReader(r, name) }

// NewReader reads from r; name stands in errors. It reads as far as the header,
// so a file that holds no complaints is an error here. A zip on an io.ReaderAt
// that can also seek is read by its directory, any other zip as it comes.
func (o Options) NewReader(r io.Reader, name string) (*Reader, error) {
	n := newNotes(o, name)
	plain, closer, err := unpack(r, n)
	f := &Reader{name: name, closer: closer}
	if err != nil {
		_ = f.Close() // a reader has nothing to lose, and would say the same again
		return nil, f.fault(err)
	}
	f.src = newWindow(plain)
	if o.Digest {
		f.src.hash = sha256.New()
	}
	if f.rows, err = detect(f.src, n); err != nil {
		_ = f.Close()
		return nil, f.fault(err)
	}
	return f, nil
}

// detect finds the format by the first bytes.
func detect(w *window, n *notes) (rows, error) {
	for {
		start := bytes.TrimPrefix(w.bytes(), utf8Mark)
		if len(start) < len(w.bytes()) {
			n.utf8 = true
		}
		text := bytes.TrimLeft(start, " \t\r\n\x1e") // RFC 7464 begins each value with 1e
		switch {
		case (len(text) == 0 || len(w.bytes()) < len(utf8Mark)) && !w.final():
			if err := w.more(); err != nil {
				return nil, err
			}
			continue
		case len(text) == 0:
			return nil, errors.New("the file is empty: it has neither a header nor JSON")
		case text[0] == '{' || text[0] == '[':
			w.advance(len(w.bytes()) - len(text))
			return newJSONRows(w, n)
		}
		// A tab may be the first delimiter: the index that pandas writes has no name.
		w.advance(len(w.bytes()) - len(bytes.TrimLeft(start, "\r\n")))
		return newCSVRows(w, n)
	}
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
		return Row{}, &RowError{File: r.name, Line: fault.line, LastLine: max(fault.line, fault.last), Row: r.row, OpenEnded: fault.openEnded, Err: fault.err}
	}
	r.err = r.fault(err)
	return Row{}, r.err
}

// Digest is the SHA-256 of all text that was read up to the end of the last
// row, unpacked and as UTF-8. It needs [Options].Digest.
func (r *Reader) Digest() [sha256.Size]byte {
	var sum [sha256.Size]byte
	r.src.hash.Sum(sum[:0])
	return sum
}

// fault names the file and how far it was read.
func (r *Reader) fault(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the file is cut off: %w", err)
	}
	if r.row == 0 {
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
