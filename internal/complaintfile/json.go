package complaintfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
)

// jsonRows reads JSON objects one after another, whether on a line each, over
// several lines, in a list, or in a list within an object. An object ends with
// its brace; what follows a broken one is read again from the next line that
// begins with a brace.
type jsonRows struct {
	w         *window
	notes     *notes
	inList    bool
	depth     int       // of the objects around the list
	names     []string  // of the values, where rows are lists
	bareLists bool      // rows are lists one after another, in no list
	indent    int       // blanks before the value at hand, if it is the first of its line, else midLine
	broken    *rowFault // a broken row whose last line is not known yet
	brokenAt  int       // its indent: what is indented otherwise is a part of it
}

// midLine is the indent of a value that follows another on its line.
const midLine = -1

var (
	errControl  = errors.New("a string is not closed on its line")
	errNextOpen = errors.New("the object does not end before the next begins")
	errNoEnd    = errors.New("the object does not end")
	errNoObject = errors.New("it is no JSON object")
	errTooDeep  = fmt.Errorf("it nests deeper than %d, the limit", maxDepth)
)

// maxDepth is how deep an object may nest. No complaint needs it, but it bounds
// the work on a broken file: without it, each of the lines that open an object
// and never close it would be read again from each of those before.
const maxDepth = 64

func newJSONRows(w *window, n *notes) (*jsonRows, error) {
	j := &jsonRows{w: w, notes: n}
	if w.bytes()[0] == '{' {
		if j.isMapped() {
			return j, nil
		}
		err := j.enter()
		return j, err
	}
	for len(bytes.TrimLeft(w.bytes()[1:], " \t\r\n")) == 0 && !w.final() {
		if err := w.more(); err != nil {
			return nil, err
		}
	}
	if j.bareLists = bytes.HasPrefix(bytes.TrimLeft(w.bytes()[1:], " \t\r\n"), []byte{'"'}); !j.bareLists {
		j.inList = true
		w.advance(1)
	}
	return j, nil
}

// isMapped says whether a mapping finds a complaint in the object at hand, so that it is no list of them.
func (j *jsonRows) isMapped() bool {
	if j.notes.mapping == nil || j.notes.mapping.IsBureau() {
		return false
	}
	n, err := j.read()
	if err != nil {
		return false
	}
	_, _, ok := j.notes.decodeMapped(j.w.bytes()[:n])
	return ok
}

func (j *jsonRows) next() (Row, error) {
	for {
		if err := j.toValue(); err != nil {
			return Row{}, j.orReport(err)
		}
		line := j.w.line
		n, err := j.read()
		switch {
		case j.broken != nil && (err == nil && j.startsRow() || err != nil && j.indent == 0 && j.w.bytes()[0] == '{'):
			return Row{}, j.orReport(nil) // what is at hand is read again
		case err == nil && j.broken == nil:
			row, err := j.decode(j.w.bytes()[:n], line)
			j.w.advance(n)
			j.indent = midLine
			if errors.Is(err, errRepeatedHeader) {
				continue
			}
			return row, err
		case err != nil && !isObjectFault(err):
			return Row{}, j.orReport(err)
		}
		if j.broken == nil {
			j.broken, j.brokenAt = &rowFault{line: line, err: err, openEnded: errors.Is(err, errNoEnd)}, j.indent
		}
		j.broken.last = line
		if _, err := j.w.skipLine(); err != nil {
			return Row{}, j.orReport(err)
		}
		j.indent = 0
	}
}

// startsRow says whether what is whole is a row, and not a part of the broken one.
func (j *jsonRows) startsRow() bool { return j.brokenAt == midLine || j.indent == j.brokenAt }

// orReport returns the broken row at hand, else err.
func (j *jsonRows) orReport(err error) error {
	if j.broken == nil {
		return err
	}
	fault := j.broken
	j.broken = nil
	return fault // a fault of the file comes with the next call
}

func isObjectFault(err error) bool {
	return errors.Is(err, errControl) || errors.Is(err, errNextOpen) || errors.Is(err, errNoEnd) || errors.Is(err, errNoObject) ||
		errors.Is(err, errTooDeep) || errors.Is(err, errTooLong)
}

// between are what may stand between values: also the mark of a file that was
// put behind another, and the separator of RFC 7464.
const between = " \t\r\n,\x1e\ufeff"

// toValue passes over what stands between values, and goes in and out of lists.
func (j *jsonRows) toValue() error {
	for {
		b := j.w.bytes()
		rest := bytes.TrimLeft(b, between)
		if passed := b[:len(b)-len(rest)]; len(passed) > 0 {
			if i := bytes.LastIndexByte(passed, '\n'); i >= 0 {
				j.indent = len(passed) - i - 1
			} else if j.indent != midLine {
				j.indent += len(passed)
			}
			j.w.advance(len(passed))
		}
		switch {
		case len(rest) > 0 && rest[0] == ']' && j.inList:
			j.w.advance(1)
			if err := j.leave(); err != nil {
				return err
			}
		case len(rest) > 0 && rest[0] == '[' && !j.inList && !j.bareLists:
			j.inList, j.names = true, nil // one list behind another
			j.w.advance(1)
		case len(rest) > 0 && (rest[0] != utf8Mark[0] || len(rest) >= len(utf8Mark) || j.w.final()):
			return nil
		case j.w.final() && j.inList:
			return fmt.Errorf("the list is not closed: %w", io.ErrUnexpectedEOF)
		case j.w.final():
			return io.EOF
		default:
			if err := j.w.more(); err != nil {
				return err
			}
		}
	}
}

// read returns the length of the row at hand.
func (j *jsonRows) read() (int, error) {
	if c := j.w.bytes()[0]; c != '{' && (c != '[' || !j.inList && !j.bareLists) {
		return 0, errNoObject
	}
	var s objectScan
	for {
		end, err := s.scan(j.w.bytes())
		if err != nil || end > 0 {
			return end, err
		}
		if j.w.final() {
			return 0, errNoEnd
		}
		if err := j.w.more(); err != nil {
			return 0, err
		}
	}
}

// decode makes a row of the object or list at hand.
func (j *jsonRows) decode(value []byte, line int) (Row, error) {
	row := Row{Line: line, Bytes: len(value)}
	var err error
	if value[0] == '[' {
		row.Complaint, row.Dropped, err = j.decodeList(value, line)
	} else {
		row.Complaint, row.Dropped, err = j.notes.decodeObject(value, line)
	}
	switch {
	case errors.Is(err, errRepeatedHeader), errors.Is(err, errNoNames):
		return Row{}, err
	case err != nil:
		return Row{}, &rowFault{line: line, err: err}
	}
	return row, nil
}

// objectScan finds the end of an object or list whose bytes come piece by piece.
type objectScan struct {
	i        int // how far it came
	depth    int
	limit    int // of the depth; 0: maxDepth
	inString bool
}

// scan goes on in b, which begins as before and may be longer. It returns the
// length of the object, 0 while the end is not in b.
func (s *objectScan) scan(b []byte) (int, error) {
	for ; s.i < len(b); s.i++ {
		c := b[s.i]
		if s.inString {
			switch c {
			case '"':
				s.inString = false
			case '\\':
				if s.i+1 == len(b) {
					return 0, nil // look again when the next byte is there
				}
				s.i++
			case '\n':
				return 0, errControl
			}
			continue
		}
		switch c {
		case '"':
			s.inString = true
		case '{', '[':
			// Nothing that writes JSON puts a brace inside an object at the start of a line.
			if c == '{' && s.i > 0 && b[s.i-1] == '\n' {
				return 0, errNextOpen
			}
			if s.depth++; s.depth > cmp.Or(s.limit, maxDepth) {
				return 0, errTooDeep
			}
		case '}', ']':
			if s.depth--; s.depth == 0 {
				return s.i + 1, nil
			}
		}
	}
	return 0, nil
}
