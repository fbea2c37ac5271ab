package complaintfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"

	"complaints/schema"
)

// csvRows reads RFC 4180 with any of three delimiters. After a broken row it
// goes on at the next line that holds a whole row, so that one lost quote costs
// one row and not all that follow. encoding/csv can neither bound a row nor go
// back.
type csvRows struct {
	w       *window
	delim   byte
	names   []string // of the columns
	plan    []column
	cells   []cell   // of the row at hand, those that are whole
	part    partCell // what follows them
	scratch []byte
	damaged bool // the last row was broken, and no whole one was met since
}

// column is a column that is used. Those of one field stand next to each
// other, the most telling first.
type column struct{ index, field int }

// cell is where a value stands in a row, without its quotes.
type cell struct {
	start, end int
	doubled    bool // it holds doubled quotes
}

// partCell is a value whose end is not in memory yet. Reading goes on where it
// came to, so a row that comes in many pieces is looked at once and not once a piece.
type partCell struct {
	start   int  // where it begins, with its quote
	seen    int  // up to where it was read
	doubled bool // it holds doubled quotes
}

var (
	errMore      = errors.New("more bytes are needed")
	errBareQuote = errors.New("a quote stands within a value that does not begin with one")
	errAfter     = errors.New("text follows a closing quote")
	errUnclosed  = errors.New("a quote is not closed")
	errOnlyCR    = errors.New("lines end with a carriage return alone, as a Macintosh CSV of Excel: save it as CSV UTF-8, or (tr '\\r' '\\n')")
)

func newCSVRows(w *window) (*csvRows, error) {
	c := &csvRows{w: w}
	if err := c.findDelim(); err != nil {
		return nil, err
	}
	n, err := c.read()
	if err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	for i := range c.cells {
		c.names = append(c.names, string(c.value(nil, i)))
	}
	w.advance(n)
	if err := c.makePlan(); err != nil {
		return nil, err
	}
	return c, nil
}

// findDelim takes the most frequent of comma, tab and semicolon in the header.
func (c *csvRows) findDelim() error {
	var err error
	for err == nil && bytes.IndexByte(c.w.bytes(), '\n') < 0 && !c.w.final() {
		err = c.w.more()
	}
	line, _, _ := bytes.Cut(c.w.bytes(), []byte{'\n'})
	switch {
	case bytes.IndexByte(bytes.TrimRight(line, "\r"), '\r') >= 0:
		return errOnlyCR // all rows would be part of the header
	case err != nil:
		return fmt.Errorf("the header: %w", err)
	}
	c.delim = ','
	for _, d := range []byte{'\t', ';'} {
		if bytes.Count(line, []byte{d}) > bytes.Count(line, []byte{c.delim}) {
			c.delim = d
		}
	}
	return nil
}

// makePlan finds the columns by name.
func (c *csvRows) makePlan() error {
	rank := map[int]int{}
	hasText := false
	for i, n := range c.names {
		if a, ok := aliases[fold(n)]; ok {
			c.plan = append(c.plan, column{i, a.field})
			rank[i] = a.rank
			hasText = hasText || a.field == fieldText
		}
	}
	if !hasText {
		return fmt.Errorf("no column holds the text of the complaint (%q or %q); the columns are %s",
			"Consumer complaint narrative", "narrative", c.columnNames())
	}
	sort.SliceStable(c.plan, func(i, j int) bool {
		a, b := c.plan[i], c.plan[j]
		if a.field != b.field {
			return a.field < b.field
		}
		return rank[a.index] < rank[b.index]
	})
	return nil
}

// columnNames lists the header, each name cut: without a header it is data.
func (c *csvRows) columnNames() string {
	shown := make([]string, 0, len(c.names))
	for _, n := range c.names[:min(len(c.names), 40)] {
		shown = append(shown, fmt.Sprintf("%.40q", n))
	}
	return strings.Join(shown, ", ")
}

func (c *csvRows) next() (Row, error) {
	for {
		n, err := c.read()
		line := c.w.line
		switch {
		case errors.Is(err, errMore):
			return Row{}, io.EOF
		case isRowFault(err):
			if err := c.w.skipLine(); err != nil {
				return Row{}, err
			}
			if c.damaged {
				continue
			}
			c.damaged = true
			return Row{}, &rowFault{line, err}
		case err != nil:
			return Row{}, err
		}
		if len(c.cells) == 1 && c.cells[0].start == c.cells[0].end { // an empty line
			c.w.advance(n)
			continue
		}
		if len(c.cells) != len(c.names) {
			if c.damaged {
				if err := c.w.skipLine(); err != nil {
					return Row{}, err
				}
				continue
			}
			c.w.advance(n)
			return Row{}, &rowFault{line, fmt.Errorf("it has %d values, the header has %d", len(c.cells), len(c.names))}
		}
		row, err := c.row()
		if c.damaged && (err != nil || !plausible(row.Complaint)) {
			if err := c.w.skipLine(); err != nil {
				return Row{}, err
			}
			continue
		}
		c.damaged = false
		row.Line, row.Bytes = line, n
		c.w.advance(n)
		if err != nil {
			return Row{}, &rowFault{line, err}
		}
		return row, nil
	}
}

// plausible says whether what has as many values as the header is a row, and not
// a line of a narrative with as many commas.
func plausible(c schema.Complaint) bool {
	_, isDate := schema.ParseDate(c.DateReceived)
	return (isDate || c.DateReceived == "") && !strings.Contains(c.ComplaintID, " ")
}

func isRowFault(err error) bool {
	return errors.Is(err, errBareQuote) || errors.Is(err, errAfter) || errors.Is(err, errUnclosed) || errors.Is(err, errTooLong)
}

// read finds the cells of the row at hand and returns its length; errMore says
// that nothing is left.
func (c *csvRows) read() (int, error) {
	c.cells, c.part = c.cells[:0], partCell{}
	for {
		if c.w.final() && len(c.w.bytes()) == 0 {
			return 0, errMore
		}
		n, err := c.split(c.w.bytes(), c.w.final())
		if !errors.Is(err, errMore) {
			return n, err
		}
		if err := c.w.more(); err != nil {
			return 0, err
		}
	}
}

// split goes on to find the cells of the first row of b, which begins as before
// and may be longer; final says that b is the end.
func (c *csvRows) split(b []byte, final bool) (int, error) {
	for i := c.part.start; ; i++ {
		start := i
		if c.part.start != start {
			c.part = partCell{start: start}
		}
		var err error
		if i < len(b) && b[i] == '"' {
			i, err = c.quoted(b, i+1, final)
		} else {
			i, err = c.bare(b, i)
		}
		switch {
		case err != nil:
			return 0, err
		case i >= len(b):
			if !final {
				return 0, c.unfinished(i)
			}
			c.trimCR(b)
			return len(b), nil
		case b[i] == '\n':
			c.trimCR(b)
			return i + 1, nil
		case b[i] == c.delim:
		case b[i] == '\r' && i+1 == len(b) && !final:
			return 0, c.unfinished(i)
		case b[i] == '\r' && (i+1 == len(b) || b[i+1] == '\n'):
			return min(i+2, len(b)), nil
		default:
			return 0, errAfter
		}
	}
}

// unfinished takes back the last cell, since what follows it is not in memory.
// It was read up to end, and up to its closing quote if it has one.
func (c *csvRows) unfinished(end int) error {
	last := len(c.cells) - 1
	c.part.seen = end
	if v := c.cells[last]; v.start > c.part.start {
		c.part.seen, c.part.doubled = v.end, v.doubled
	}
	c.cells = c.cells[:last]
	return errMore
}

// quoted reads the value after an opening quote and returns where it ended.
func (c *csvRows) quoted(b []byte, start int, final bool) (int, error) {
	v := cell{start: start, doubled: c.part.doubled}
	for i := max(start, c.part.seen); ; {
		k := bytes.IndexByte(b[i:], '"')
		if k < 0 || (i+k+1 == len(b) && !final) {
			if final {
				return 0, errUnclosed
			}
			c.part.seen, c.part.doubled = len(b), v.doubled
			if k >= 0 {
				c.part.seen = i + k // it may be the first of two
			}
			return 0, errMore
		}
		i += k + 1
		if i < len(b) && b[i] == '"' {
			v.doubled = true
			i++
			continue
		}
		v.end = i - 1
		c.cells = append(c.cells, v)
		return i, nil
	}
}

// bare reads a value without quotes and returns where it ended.
func (c *csvRows) bare(b []byte, start int) (int, error) {
	i := max(start, c.part.seen)
	for ; i < len(b); i++ {
		switch b[i] {
		case c.delim, '\n':
			c.cells = append(c.cells, cell{start: start, end: i})
			return i, nil
		case '"':
			return 0, errBareQuote
		}
	}
	c.cells = append(c.cells, cell{start: start, end: i})
	return i, nil
}

// trimCR takes the carriage return before a line feed from a bare last value.
func (c *csvRows) trimCR(b []byte) {
	v := &c.cells[len(c.cells)-1]
	if v.end > v.start && b[v.end-1] == '\r' && (v.start == 0 || b[v.start-1] != '"') {
		v.end--
	}
}

// value appends the value of a cell.
func (c *csvRows) value(buf []byte, i int) []byte {
	v := c.cells[i]
	b := c.w.bytes()[v.start:v.end]
	for v.doubled {
		k := bytes.IndexByte(b, '"')
		if k < 0 {
			break
		}
		buf = append(buf, b[:k+1]...)
		b = b[k+2:]
	}
	return append(buf, b...)
}

// row makes a complaint of the cells, with one allocation for all its strings.
func (c *csvRows) row() (Row, error) {
	c.scratch = c.scratch[:0]
	var ends [len(fields)]struct{ start, end int }
	for _, p := range c.plan {
		at := &ends[p.field]
		if at.end > at.start {
			continue
		}
		at.start = len(c.scratch)
		c.scratch = c.value(c.scratch, p.index)
		at.end = len(c.scratch)
		if !utf8.Valid(c.scratch[at.start:]) {
			return Row{}, fmt.Errorf("column %.40q is not UTF-8", c.names[p.index])
		}
		if len(bytes.TrimSpace(c.scratch[at.start:])) == 0 {
			at.end = at.start
		}
	}
	all := string(c.scratch)
	var out schema.Complaint
	for i, at := range ends {
		*fields[i].of(&out) = all[at.start:at.end]
	}
	tidy(&out)
	return Row{Complaint: out}, nil
}
