package complaintfile

import (
	"bytes"
	"errors"
)

// csvStyle is how a file writes its values, beyond RFC 4180.
type csvStyle struct {
	delim  byte
	quote  byte
	escape bool // a backslash stands before a quote within a value, as Spark and MySQL write it
	spaced bool // spaces stand around quotes
}

// splitter finds the values of rows.
type splitter struct {
	csvStyle
	w      *window
	cells  []cell   // of the row at hand, those that are whole
	part   partCell // what follows them
	styled bool     // the row needed what is special to its style
	strict bool     // a quote within a value without quotes is a fault
}

// cell is where a value stands in a row, without its quotes.
type cell struct {
	start, end int
	doubled    bool // it holds doubled quotes
	escaped    bool // it holds escaped quotes
}

func (v cell) empty() bool { return v.start == v.end }

// partCell is a value whose end is not in memory yet. Reading goes on where it
// came to, so a row that comes in many pieces is looked at once and not once a piece.
type partCell struct {
	start            int // where it begins, with its quote
	seen             int // up to where it was read
	doubled, escaped bool
}

var (
	errMore      = errors.New("more bytes are needed")
	errBareQuote = errors.New("a quote stands within a value that does not begin with one")
	errAfter     = errors.New("text follows a closing quote")
	errUnclosed  = errors.New("a quote is not closed")
)

// isRowFault says whether the end of the row at hand is unknown.
func isRowFault(err error) bool {
	return errors.Is(err, errBareQuote) || errors.Is(err, errAfter) || errors.Is(err, errUnclosed) || errors.Is(err, errTooLong)
}

// read finds the cells of the row at hand and returns its length; errMore says
// that nothing is left. A row that is none in the file's style is tried in the
// others, and the first that makes it one with as many values as the header is
// the file's style from here on.
func (c *csvRows) read() (int, error) {
	c.strict = c.damaged
	n, err := c.readStyle()
	if len(c.names) == 0 || errors.Is(err, errMore) || err != nil && !isRowFault(err) {
		return n, err
	}
	if err == nil && (len(c.cells) == len(c.names) || !c.hasStyle(n)) {
		return n, nil
	}
	usual := c.csvStyle
	for _, other := range [...]csvStyle{{escape: true}, {spaced: true}, {escape: true, spaced: true}, {}} {
		c.escape, c.spaced = other.escape, other.spaced
		if c.csvStyle == usual {
			continue
		}
		m, otherErr := c.readStyle()
		if otherErr == nil && len(c.cells) == len(c.names) && (c.styled || other == csvStyle{}) {
			return m, nil
		}
		if otherErr != nil && !isRowFault(otherErr) {
			return 0, otherErr
		}
	}
	c.csvStyle = usual
	return c.readStyle()
}

// hasStyle says whether another style could make a difference to n bytes.
func (c *csvRows) hasStyle(n int) bool {
	row := c.w.bytes()[:n]
	for _, pair := range [...]string{"\\" + string(rune(c.quote)), " " + string(rune(c.quote)), string(rune(c.quote)) + " "} {
		if bytes.Contains(row, []byte(pair)) {
			return true
		}
	}
	return c.escape || c.spaced
}

// readStyle finds the cells by one style.
func (s *splitter) readStyle() (int, error) {
	s.cells, s.part, s.styled = s.cells[:0], partCell{}, false
	if b := s.w.bytes(); len(b) > 0 && b[0] == utf8Mark[0] {
		if err := s.skipMark(); err != nil {
			return 0, err
		}
	}
	for {
		if s.w.final() && len(s.w.bytes()) == 0 {
			return 0, errMore
		}
		n, err := s.split(s.w.bytes(), s.w.final())
		if !errors.Is(err, errMore) {
			return n, err
		}
		if err := s.w.more(); err != nil {
			return 0, err
		}
	}
}

// skipMark takes the mark that a file begins with which was put behind another.
func (s *splitter) skipMark() error {
	for len(s.w.bytes()) < len(utf8Mark) && !s.w.final() {
		if err := s.w.more(); err != nil {
			return err
		}
	}
	if bytes.HasPrefix(s.w.bytes(), utf8Mark) {
		s.w.advance(len(utf8Mark))
	}
	return nil
}

// split goes on to find the cells of the first row of b, which begins as before
// and may be longer; final says that b is the end.
func (s *splitter) split(b []byte, final bool) (int, error) {
	for i := s.part.start; ; i++ {
		start := i
		if s.part.start != start {
			s.part = partCell{start: start}
		}
		var err error
		i, err = s.cell(b, i, final)
		switch {
		case err != nil:
			return 0, err
		case i >= len(b):
			if !final {
				return 0, s.unfinished(i)
			}
			s.trimCR(b)
			return len(b), nil
		case b[i] == '\n':
			s.trimCR(b)
			return i + 1, nil
		case b[i] == s.delim:
		case b[i] == '\r' && i+1 == len(b) && !final:
			return 0, s.unfinished(i)
		case b[i] == '\r' && (i+1 == len(b) || b[i+1] == '\n'):
			return min(i+2, len(b)), nil
		default:
			return 0, errAfter
		}
	}
}

// cell reads the value that begins at i and returns where it ended.
func (s *splitter) cell(b []byte, i int, final bool) (int, error) {
	if i < len(b) && b[i] == s.quote {
		return s.quoted(b, i+1, final)
	}
	if s.spaced && i < len(b) && b[i] == ' ' {
		k := i
		for k < len(b) && b[k] == ' ' {
			k++
		}
		if k == len(b) && !final {
			return 0, errMore
		}
		if k < len(b) && b[k] == s.quote {
			s.styled = true
			return s.quoted(b, k+1, final)
		}
	}
	return s.bare(b, i)
}

// unfinished takes back the last cell, since what follows it is not in memory.
// It was read up to end, and up to its closing quote if it has one.
func (s *splitter) unfinished(end int) error {
	last := len(s.cells) - 1
	s.part.seen = end
	if v := s.cells[last]; v.start > s.part.start {
		s.part.seen, s.part.doubled, s.part.escaped = v.end, v.doubled, v.escaped
	}
	s.cells = s.cells[:last]
	return errMore
}

// quoted reads the value after an opening quote and returns where it ended.
func (s *splitter) quoted(b []byte, start int, final bool) (int, error) {
	v := cell{start: start, doubled: s.part.doubled, escaped: s.part.escaped}
	for i := max(start, s.part.seen); ; {
		k := bytes.IndexByte(b[i:], s.quote)
		if k < 0 || (i+k+1 == len(b) && !final) {
			if final {
				return 0, errUnclosed
			}
			s.part.seen, s.part.doubled, s.part.escaped = len(b), v.doubled, v.escaped
			if k >= 0 {
				s.part.seen = i + k // it may be the first of two
			}
			return 0, errMore
		}
		i += k + 1
		if s.escape && backslashes(b[start:i-1])%2 == 1 {
			v.escaped, s.styled = true, true
			continue
		}
		if i < len(b) && b[i] == s.quote {
			v.doubled = true
			i++
			continue
		}
		v.end = i - 1
		s.cells = append(s.cells, v)
		if s.spaced && i < len(b) && b[i] == ' ' {
			return s.spaces(b, i, final)
		}
		return i, nil
	}
}

// spaces passes over those behind a closing quote.
func (s *splitter) spaces(b []byte, i int, final bool) (int, error) {
	for i < len(b) && b[i] == ' ' {
		i++
	}
	s.styled = true
	if i == len(b) && !final {
		return 0, s.unfinished(i)
	}
	return i, nil
}

// backslashes counts those that b ends with.
func backslashes(b []byte) int { return len(b) - len(bytes.TrimRight(b, `\`)) }

// bare reads a value without quotes and returns where it ended.
func (s *splitter) bare(b []byte, start int) (int, error) {
	i := max(start, s.part.seen)
	for ; i < len(b); i++ {
		switch b[i] {
		case s.delim, '\n':
			s.cells = append(s.cells, cell{start: start, end: i})
			return i, nil
		case s.quote:
			if s.strict {
				return 0, errBareQuote
			}
		}
	}
	s.cells = append(s.cells, cell{start: start, end: i})
	return i, nil
}

// trimCR takes the carriage return before a line feed from a bare last value.
func (s *splitter) trimCR(b []byte) {
	v := &s.cells[len(s.cells)-1]
	if v.end > v.start && b[v.end-1] == '\r' && (v.start == 0 || b[v.start-1] != s.quote) {
		v.end--
	}
}

// value appends the value of a cell.
func (s *splitter) value(buf []byte, i int) []byte {
	v := s.cells[i]
	b := s.w.bytes()[v.start:v.end]
	if v.escaped {
		return s.unescape(buf, b)
	}
	for v.doubled {
		k := bytes.IndexByte(b, s.quote)
		if k < 0 {
			break
		}
		buf = append(buf, b[:k+1]...)
		b = b[k+2:]
	}
	return append(buf, b...)
}

// unescape appends a value without the backslashes and second quotes that stand for quotes.
func (s *splitter) unescape(buf, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if i+1 < len(b) && (b[i] == '\\' && (b[i+1] == s.quote || b[i+1] == '\\') || b[i] == s.quote && b[i+1] == s.quote) {
			i++
		}
		buf = append(buf, b[i])
	}
	return buf
}
