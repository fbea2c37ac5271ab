package schema

import "strconv"

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
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		buf = append(buf, s[start:i]...)
		switch c {
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
