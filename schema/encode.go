package schema

import (
	"math/bits"
	"strconv"
)

// encoder appends one JSON object to buf; names are literals that need no escape.
type encoder struct {
	buf  []byte
	open byte // what goes before the next name: a brace, or a comma
}

func (e *encoder) name(n string) {
	e.buf = append(e.buf, e.open, '"')
	e.buf = append(e.buf, n...)
	e.buf = append(e.buf, '"', ':')
	e.open = ','
}

func (e *encoder) text(name, value string) {
	e.name(name)
	e.buf = appendText(e.buf, value)
}

// optional leaves an absent field out.
func (e *encoder) optional(name, value string) {
	if value != "" {
		e.text(name, value)
	}
}

func (e *encoder) float(name string, value float64) {
	e.name(name)
	e.buf = strconv.AppendFloat(e.buf, value, 'g', -1, 64)
}

func (e *encoder) int(name string, value int64) {
	e.name(name)
	e.buf = strconv.AppendInt(e.buf, value, 10)
}

func (e *encoder) time(name string, value Time) {
	e.name(name)
	e.buf = value.Time().AppendFormat(e.buf, `"`+timeLayout+`"`)
}

const hexDigits = "0123456789abcdef"

// appendText appends a JSON string. s is UTF-8: what was decoded is.
func appendText(buf []byte, s string) []byte {
	buf = append(buf, '"')
	start := 0
	for i := ordinary(s, 0); i < len(s); i = ordinary(s, start) {
		buf = append(buf, s[start:i]...)
		switch c := s[i]; c {
		case '"', '\\':
			buf = append(buf, '\\', c)
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\r':
			buf = append(buf, '\\', 'r')
		case '\t':
			buf = append(buf, '\\', 't')
		default:
			buf = append(buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		start = i + 1
	}
	buf = append(buf, s[start:]...)
	return append(buf, '"')
}

// Each byte of a word that is repeated.
const (
	each01 = 0x0101010101010101
	each80 = 0x80 * each01
)

// ordinary returns where, from i on, the first byte stands that a JSON string
// cannot hold as it is: a quotation mark, a backslash or a control character; the
// length of s if there is none. It looks at eight bytes at once, since most of
// what is decoded and encoded is narrative.
func ordinary(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, backslash := x^'"'*each01, x^'\\'*each01
		// A byte that is zero, or below the space, borrows into its highest bit.
		// Only the lowest such bit counts: those above it may have been borrowed from.
		special := ((x-' '*each01)&^x | (quote-each01)&^quote | (backslash-each01)&^backslash) & each80
		if special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}
