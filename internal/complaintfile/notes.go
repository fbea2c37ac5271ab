package complaintfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"unicode/utf8"

	"complaints/schema"

	"golang.org/x/text/encoding/charmap"
)

// notes are what is known of a file beyond its rows. The reader's goroutine owns it.
type notes struct {
	dates schema.DateOrder
	naming
	mapping *schema.Mapping // nil: by names alone
	extra   bool            // what is no field is wanted
	warn    func(string)
	name    string
	said    map[string]bool
	utf8    bool // a text beyond ASCII was UTF-8
}

// utf8Mark is the byte order mark that some programs begin UTF-8 with.
var utf8Mark = []byte("\ufeff")

func newNotes(o Options, name string) *notes {
	names, columns := usual, maps.Clone(o.Columns)
	if o.Mapping != nil {
		o.Dates = max(o.Dates, o.Mapping.Dates())
		columns = maps.Clone(o.Mapping.Columns())
		maps.Copy(columns, o.Columns)
	}
	if len(columns) > 0 {
		names = newNaming(columns)
	}
	return &notes{
		dates: o.Dates, naming: names, mapping: o.Mapping, extra: o.Mapping != nil && o.Extra, warn: o.Warn, name: name, said: map[string]bool{},
	}
}

// once warns of a kind of thing for the first time; line 0 is the file as a whole.
func (n *notes) once(line int, what string) {
	if n.warn == nil || n.said[what] {
		return
	}
	n.said[what] = true
	if line > 0 {
		n.warn(fmt.Sprintf("%s:%d: %s", n.name, line, what))
		return
	}
	n.warn(n.name + ": " + what)
}

const (
	warnDates       = "day and month of a date could be either; it is read month first, as the Bureau writes it (--dates day-first turns it)"
	warnDayFirst    = "day and month of a date could be either; it is read day first"
	warnWindows1252 = "the text is no UTF-8 and is read as Windows-1252; if it is another encoding, convert it first: iconv -f ENCODING -t UTF-8"
)

var errEncoding = errors.New("it is no UTF-8, as the rows before are, or neither UTF-8 nor Windows-1252: convert it first (iconv -f ENCODING -t UTF-8)")

// text returns b as UTF-8. Text that is none is taken for Windows-1252, which
// Excel writes, unless the file was seen to be UTF-8: then it is damaged.
func (n *notes) text(b []byte, line int) ([]byte, error) {
	if isASCII(b) {
		return b, nil
	}
	if utf8.Valid(b) {
		n.utf8 = true
		return b, nil
	}
	if n.utf8 {
		return nil, errEncoding
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return nil, errEncoding
	}
	for _, r := range string(out) {
		if r == utf8.RuneError || r >= 0x80 && r < 0xa0 { // five bytes stand for nothing
			return nil, errEncoding
		}
	}
	n.once(line, warnWindows1252)
	return out, nil
}

func isASCII(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
