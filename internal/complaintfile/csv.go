package complaintfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"complaints/schema"
)

// csvRows reads RFC 4180 and its usual relatives: see csvStyle. After a broken
// row it goes on at the next line that holds a whole row, so that one lost quote
// costs one row and not all that follow. encoding/csv can neither bound a row nor
// go back.
type csvRows struct {
	w     *window
	notes *notes
	splitter
	header
	scratch []byte
	out     Row       // the last row, in memory that all share
	damaged bool      // the last row was broken, and no whole one was met since
	broken  *rowFault // a broken row whose last line is not known yet
}

// maxLookBytes of a line are looked at to see whether a row begins there.
const maxLookBytes = 64 << 10

var errRepeatedHeader = errors.New("it is the header again")

func newCSVRows(w *window, n *notes) (*csvRows, error) {
	c := &csvRows{w: w, notes: n, splitter: splitter{w: w, csvStyle: csvStyle{quote: '"'}}}
	if err := c.readHeader(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *csvRows) next() (Row, error) {
	for {
		n, err := c.read()
		switch {
		case errors.Is(err, errMore):
			return Row{}, c.end()
		case err != nil && !isRowFault(err):
			if c.broken != nil {
				return Row{}, c.report() // and the fault of the file with the next call
			}
			return Row{}, err
		case err == nil && c.isBlank():
			c.w.advance(n)
			continue
		}
		row, err := c.judge(n, err)
		switch {
		case c.broken != nil && (err == nil || errors.Is(err, errRepeatedHeader) || c.startsRow()):
			return Row{}, c.report() // the line at hand is read again
		case err == nil:
			c.damaged = false
			c.w.advance(n)
			return *row, nil
		case errors.Is(err, errRepeatedHeader):
			c.damaged = false
			c.w.advance(n)
			continue
		}
		if err := c.passOver(n, err); err != nil {
			return Row{}, err
		}
	}
}

// end reports what is still to be said at the end of the file.
func (c *csvRows) end() error {
	if c.broken != nil {
		c.broken.openEnded = c.broken.openEnded || errors.Is(c.broken.err, errUnclosed)
		return c.report()
	}
	return io.EOF
}

// report hands out the broken row at hand.
func (c *csvRows) report() error {
	fault := c.broken
	c.broken = nil
	return fault
}

// passOver leaves the row at hand out. A row that is whole, but not what it
// should be, is returned as a fault; of another one the end has to be found first.
func (c *csvRows) passOver(n int, why error) error {
	line := c.w.line
	if !c.damaged && !isRowFault(why) {
		fault := &rowFault{line: line, openEnded: c.endsFile(n), err: why}
		c.w.advance(n)
		return fault
	}
	c.damaged = true
	if c.broken == nil {
		c.broken = &rowFault{line: line, err: why}
	}
	c.broken.last = line
	ended, err := c.w.skipLine()
	c.broken.openEnded = !ended
	return err
}

// isBlank says whether the row at hand is an empty line.
func (c *csvRows) isBlank() bool {
	return len(c.cells) == 1 && c.cells[0].start == c.cells[0].end
}

// judge makes a row of the cells, or says why they are none. err is of their reading.
func (c *csvRows) judge(n int, err error) (*Row, error) {
	if err != nil {
		return nil, err
	}
	if c.isHeader() {
		return nil, c.takeHeader()
	}
	for len(c.cells) > len(c.names) && c.cells[len(c.cells)-1].empty() {
		c.cells = c.cells[:len(c.cells)-1] // delimiters that are too many
	}
	short := len(c.cells) < len(c.names)
	// Programs leave trailing delimiters off. One value alone is rather a part of a text.
	if len(c.cells) > len(c.names) || len(c.cells) == 1 && len(c.names) > 2 {
		return nil, c.wrongCount()
	}
	row, err := c.row()
	if err != nil {
		return nil, err
	}
	row.Bytes, row.OpenEnded = n, c.endsFile(n)
	if (short || c.damaged) && !plausible(row) || short && c.damaged && row.Complaint.Narrative == "" {
		return nil, c.wrongCount()
	}
	return row, nil
}

func (c *csvRows) wrongCount() error {
	return fmt.Errorf("it has %d values, the header has %d", len(c.cells), len(c.names))
}

// endsFile says whether n bytes are the rest of the file, and have no line end.
func (c *csvRows) endsFile(n int) bool {
	return c.w.final() && n == len(c.w.bytes()) && n > 0 && c.w.bytes()[n-1] != '\n'
}

// plausible says whether what could be a row is one, and not a line of a
// narrative with as many commas.
func plausible(row *Row) bool {
	return len(row.Dropped) == 0 && !strings.Contains(row.Complaint.ComplaintID, " ")
}

// row makes a complaint of the cells, with one allocation for all its strings.
// Values that a short row lacks are absent.
func (c *csvRows) row() (*Row, error) {
	c.scratch = c.scratch[:0]
	var ends [len(fields)]struct{ start, end int }
	for _, p := range c.plan {
		at := &ends[p.field]
		if at.end > at.start || p.index >= len(c.cells) {
			continue
		}
		at.start = len(c.scratch)
		c.scratch = c.value(c.scratch, p.index)
		text, err := c.notes.text(c.scratch[at.start:], c.w.line)
		if err != nil {
			return nil, fmt.Errorf("column %d (%s): %w", p.index+1, fields[p.field].name, err)
		}
		if len(text) > 0 && &text[0] != &c.scratch[at.start] {
			c.scratch = append(c.scratch[:at.start], text...)
		}
		at.end = len(c.scratch)
		if isAbsent(c.scratch[at.start:]) {
			at.end = at.start
		}
	}
	all := string(c.scratch)
	row := &c.out
	*row = Row{Line: c.w.line}
	for i, at := range ends {
		*fields[i].of(&row.Complaint) = all[at.start:at.end]
	}
	row.Dropped = c.notes.tidy(&row.Complaint, c.w.line)
	if len(c.others) == 0 {
		return row, nil
	}
	var err error
	row.Complaint.Extra, err = c.extraOf()
	return row, err
}

// isAbsent says whether a value stands for none.
func isAbsent(b []byte) bool {
	if len(b) > 8 && b[0] > ' ' && b[0] < utf8.RuneSelf {
		return false // as most are
	}
	b = bytes.TrimSpace(b)
	return len(b) == 0 || len(b) <= 8 && schema.IsAbsent(string(b))
}

// startsRow says whether the line at hand begins as a row does, though it is
// broken: as many delimiters, and a date or an id where they belong.
func (c *csvRows) startsRow() bool {
	line, err := c.w.peekLine(maxLookBytes)
	if err != nil {
		return false
	}
	parts := bytes.Split(line, []byte{c.delim})
	if len(parts) < len(c.names) {
		return false
	}
	checked := false
	for _, p := range c.plan {
		i := p.index
		if i > c.textIndex { // delimiters within the text shift what stands behind it
			i += len(parts) - len(c.names)
		}
		value := string(bytes.Trim(parts[i], "\" \t\r"))
		switch name := fields[p.field].name; {
		case name == "complaint_id":
			if value == "" || len(value) > 64 || strings.ContainsAny(value, " \t") {
				return false
			}
			checked = true
		case strings.HasPrefix(name, "date_"):
			if _, _, ok := schema.ReadDate(value, schema.MonthFirst); !ok && !schema.IsAbsent(value) {
				return false
			}
			checked = true
		}
	}
	return checked || len(parts) == len(c.names)
}
