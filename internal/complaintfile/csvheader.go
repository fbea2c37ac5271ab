package complaintfile

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"
)

// header says what the columns are.
type header struct {
	names     []string // as many as there are columns
	plan      []column
	textIndex int   // the column of the text
	others    []int // columns of no field that are wanted
}

// column is a column that is used. Those of one field stand next to each
// other, the most telling first.
type column struct{ index, field int }

// delimiters are tried by how often they stand in the header.
var delimiters = []byte{',', '\t', ';', '|', 0x01}

var errOnlyCR = errors.New("lines end with a carriage return alone, as a Macintosh CSV of Excel: save it as CSV UTF-8, or (tr '\\r' '\\n')")

// readHeader finds the delimiter and the columns.
func (c *csvRows) readHeader() error {
	line, err := c.w.peekLine(MaxRowBytes)
	bare := bytes.TrimRight(line, "\r")
	switch {
	case bytes.IndexByte(bare, '\r') >= 0:
		return errOnlyCR // all rows would be part of the header
	case err != nil:
		return fmt.Errorf("the header: %w", err)
	case len(bare) == len("sep=;") && strings.EqualFold(string(bare[:4]), "sep="): // for Excel
		c.delim = bare[4]
		c.w.advance(min(len(line)+1, len(c.w.bytes())))
		return c.readNames()
	case bytes.IndexByte(line, 0) >= 0:
		return c.explain(errBinary)
	case len(line) > 1 && line[0] == '\'':
		c.quote = '\''
	}
	var first error
	for _, c.delim = range byCount(line, c.quote) {
		if err = c.readNames(); err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return c.explain(first)
}

// explain returns what the file is, if that is known, else err. It looks at the first 2 KiB.
func (c *csvRows) explain(err error) error {
	for len(c.w.bytes()) < 2048 && !c.w.final() {
		if c.w.more() != nil {
			break
		}
	}
	if known := byText(c.w.bytes()[:min(len(c.w.bytes()), 2048)]); known != nil {
		return known
	}
	return err
}

// noDelim is that of a file with one column: all that stands on a line is its value.
const noDelim = 0

// byCount returns the delimiters of a line outside of quotes, the most frequent first.
func byCount(line []byte, quote byte) []byte {
	var count [256]int
	quoted := false
	for _, b := range line {
		if b == quote {
			quoted = !quoted
		} else if !quoted {
			count[b]++
		}
	}
	out := bytes.Clone(delimiters)
	sort.SliceStable(out, func(i, j int) bool { return count[out[i]] > count[out[j]] })
	if count[out[0]] == 0 {
		return []byte{noDelim}
	}
	for count[out[len(out)-1]] == 0 {
		out = out[:len(out)-1]
	}
	return out
}

// readNames reads the header by the delimiter at hand and takes it if it names the text.
func (c *csvRows) readNames() error {
	n, err := c.read()
	if err != nil {
		return fmt.Errorf("the header: %w", err)
	}
	names, err := c.texts()
	if err != nil {
		return fmt.Errorf("the header: %w", err)
	}
	h, err := newHeader(c.notes.naming, names)
	if err != nil {
		return err
	}
	h.others = c.notes.otherColumns(names)
	c.header = h
	c.w.advance(n)
	return nil
}

// texts are all cells of the row at hand.
func (c *csvRows) texts() ([]string, error) {
	var out []string
	for i := range c.cells {
		text, err := c.notes.text(c.value(nil, i), c.w.line)
		if err != nil {
			return nil, err
		}
		out = append(out, string(text))
	}
	return out, nil
}

// newHeader finds the columns by their names. Its error shows no name that is
// not known: without a header, the first row stands in its place.
func newHeader(naming naming, names []string) (header, error) {
	h := header{names: names, textIndex: -1}
	rank := map[int]int{}
	var known []string
	for i, n := range names {
		a, ok := naming.of(n)
		if !ok {
			continue
		}
		known = append(known, fields[a.field].name)
		h.plan = append(h.plan, column{i, a.field})
		rank[i] = a.rank
	}
	sort.SliceStable(h.plan, func(i, j int) bool {
		a, b := h.plan[i], h.plan[j]
		if a.field != b.field {
			return a.field < b.field
		}
		return rank[a.index] < rank[b.index]
	})
	if len(h.plan) > 0 && h.plan[0].field == fieldText {
		h.textIndex = h.plan[0].index
		return h, nil
	}
	return h, noText(len(names), known)
}

// otherColumns are those of no field that the mapping keeps.
func (n *notes) otherColumns(names []string) (columns []int) {
	if !n.extra {
		return nil
	}
	for i, name := range names {
		if _, known := n.of(name); !known && name != "" && n.mapping.Keeps(name) {
			columns = append(columns, i)
		}
	}
	return columns
}

// noText says that no column holds the text.
func noText(columns int, known []string) error {
	what := fmt.Sprintf("no column holds the text of the complaint (%q or %q): ", "Consumer complaint narrative", "narrative")
	switch {
	case len(known) == 0:
		return fmt.Errorf("%sof the %d values of the first line none is a name that is known; is there a header?", what, columns)
	case len(known) > 5:
		return fmt.Errorf("%sof %d columns these are known: %s. The Bureau's own files have had no narratives since August 2026", what, columns, strings.Join(known, ", "))
	}
	return fmt.Errorf("%sof %d columns these are known: %s", what, columns, strings.Join(known, ", "))
}

// maxNameBytes is longer than the name of a column, and shorter than most texts.
const maxNameBytes = 64

// isHeader says whether the row at hand is a header, as where files were put
// together: the same one, or one that names the text and another field.
func (c *csvRows) isHeader() bool {
	at := min(c.textIndex, len(c.cells)-1)
	if v := c.cells[at]; v.empty() || v.end-v.start > maxNameBytes {
		return false
	}
	same, known, text := len(c.cells) == len(c.names), 0, false
	for i := range c.cells {
		c.scratch = c.value(c.scratch[:0], i)
		same = same && string(c.scratch) == c.names[i]
		if len(c.scratch) > maxNameBytes {
			return false
		}
		if a, ok := c.notes.of(string(c.scratch)); ok {
			known++
			text = text || a.field == fieldText
		}
	}
	return same || text && known >= 2 && 2*known >= len(c.cells)
}

// takeHeader takes the row at hand for the header of what follows.
func (c *csvRows) takeHeader() error {
	names, err := c.texts()
	if err == nil {
		c.header, err = newHeader(c.notes.naming, names)
		c.others = c.notes.otherColumns(names)
	}
	if err != nil {
		return err
	}
	return errRepeatedHeader
}
