package api

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// decoder reads the one shape that /v1/predict takes, {"text": ["…", …]}, and
// says of anything else what is wrong and where, which encoding/json does not
// for unknown fields and list elements. Texts are parts of the body, unescaped
// in place: an escape is never shorter than what it stands for. Fuzzing holds it
// equal to encoding/json.
type decoder struct {
	src   []byte
	i     int
	texts [][]byte // the caller's, used again
	limit Limits
}

var (
	errNoString = errors.New("no string") // the value at hand is none
	errSyntax   = errors.New("syntax")
)

// decode returns the texts, which share the memory of body.
func (d *decoder) decode(body []byte) ([][]byte, *problem) {
	d.src, d.i, d.texts = body, 0, d.texts[:0]
	if !utf8.Valid(body) {
		return nil, newProblem(http.StatusBadRequest, "invalid-utf8", "Invalid UTF-8", "byte %d of the request is not UTF-8", invalidAt(body))
	}
	if p := d.object(); p != nil {
		return nil, p
	}
	if d.space(); d.i < len(d.src) {
		return nil, d.syntax()
	}
	if len(d.texts) == 0 {
		return nil, newProblem(http.StatusUnprocessableEntity, "no-texts", "No texts", "text is an empty list, want at least one text").in("text")
	}
	for i, text := range d.texts {
		if p := d.check(i, text); p != nil {
			return nil, p
		}
	}
	return d.texts, nil
}

func (d *decoder) check(i int, text []byte) *problem {
	switch {
	case len(bytes.Trim(text, " \t\r\n")) == 0:
		return newProblem(http.StatusUnprocessableEntity, "empty-text", "Empty text", "text[%d] has no character but white space", i).at(i)
	case len(text) > d.limit.TextBytes:
		return newProblem(http.StatusUnprocessableEntity, "text-too-long", "Text too long",
			"text[%d] has %d bytes, the limit is %d", i, len(text), d.limit.TextBytes).at(i)
	}
	return nil
}

func invalidAt(b []byte) int {
	i := 0
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	return i
}

func (d *decoder) syntax() *problem {
	if len(bytes.TrimSpace(d.src)) == 0 {
		return newProblem(http.StatusBadRequest, "not-json", "Not JSON", `the request is empty, want {"text": ["…"]}`)
	}
	return newProblem(http.StatusBadRequest, "not-json", "Not JSON", "the request is not JSON at byte %d of %d", d.i, len(d.src))
}

func (d *decoder) wrongType(field string) *problem {
	kind := d.kind()
	start := d.i
	if !d.skip(0) {
		return d.syntax()
	}
	d.i = start
	return newProblem(http.StatusUnprocessableEntity, "wrong-type", "Wrong type", `%s is a JSON %s, want {"text": ["…", "…"]}`, field, kind).in(field)
}

// object reads the request.
func (d *decoder) object() *problem {
	d.space()
	if d.peek() != '{' {
		p := d.wrongType("the request")
		p.Field = ""
		return p
	}
	d.i++
	seen := false
	for first := true; ; first = false {
		d.space()
		if d.peek() == '}' && first {
			d.i++
			break
		}
		name, err := d.text()
		if err != nil {
			return d.syntax()
		}
		if d.space(); d.peek() != ':' {
			return d.syntax()
		}
		d.i++
		d.space()
		if p := d.member(string(name), seen); p != nil {
			return p
		}
		seen = true
		d.space()
		if c := d.peek(); c == '}' {
			d.i++
			break
		} else if c != ',' {
			return d.syntax()
		}
		d.i++
	}
	if !seen {
		return newProblem(http.StatusUnprocessableEntity, "missing-field", "Missing field", `text is missing, want {"text": ["…", "…"]}`).in("text")
	}
	return nil
}

func (d *decoder) member(name string, seen bool) *problem {
	switch {
	case name != "text":
		if !d.skip(0) {
			return d.syntax()
		}
		return newProblem(http.StatusUnprocessableEntity, "unknown-field", "Unknown field", `%.40q is unknown, want {"text": ["…", "…"]}`, name).in(shorten(name, 40))
	case seen:
		return newProblem(http.StatusUnprocessableEntity, "repeated-field", "Repeated field", "text is there twice").in("text")
	case d.peek() != '[':
		return d.wrongType("text")
	}
	return d.list()
}

// list reads the texts.
func (d *decoder) list() *problem {
	d.i++
	if d.space(); d.peek() == ']' {
		d.i++
		return nil
	}
	for {
		d.space()
		text, err := d.text()
		switch {
		case errors.Is(err, errNoString):
			field := "text[" + strconv.Itoa(len(d.texts)) + "]"
			p := d.wrongType(field)
			if p.Field == field {
				return p.at(len(d.texts))
			}
			return p
		case err != nil:
			return d.syntax()
		case len(d.texts) == d.limit.Texts:
			return newProblem(http.StatusUnprocessableEntity, "too-many-texts", "Too many texts",
				"text has more than %d texts, the limit; send several requests, or a file to /v1/predict/file", d.limit.Texts).in("text")
		}
		d.texts = append(d.texts, text)
		d.space()
		switch d.peek() {
		case ',':
			d.i++
		case ']':
			d.i++
			return nil
		default:
			return d.syntax()
		}
	}
}

// peek returns the byte at hand, 0 at the end.
func (d *decoder) peek() byte {
	if d.i < len(d.src) {
		return d.src[d.i]
	}
	return 0
}

func (d *decoder) space() {
	for d.i < len(d.src) {
		switch d.src[d.i] {
		case ' ', '\t', '\r', '\n':
			d.i++
		default:
			return
		}
	}
}

// kind names the type of the value at hand.
func (d *decoder) kind() string {
	switch d.peek() {
	case '{':
		return "object"
	case '[':
		return "list"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// text reads a string.
func (d *decoder) text() ([]byte, error) {
	if d.peek() != '"' {
		return nil, errNoString
	}
	d.i++
	start, out := d.i, d.i
	for d.i < len(d.src) {
		c := d.src[d.i]
		switch {
		case c == '"':
			d.i++
			return d.src[start:out:out], nil
		case c < ' ':
			return nil, errSyntax
		case c == '\\':
			n := d.escape(d.src[out:out])
			if n == 0 {
				return nil, errSyntax
			}
			out += n
			continue
		}
		if out != d.i {
			d.src[out] = c
		}
		out++
		d.i++
	}
	return nil, errSyntax
}

// escape writes what the escape at hand stands for to the start of buf and
// returns its length, 0 if it is none.
func (d *decoder) escape(buf []byte) int {
	if d.i+1 >= len(d.src) {
		return 0
	}
	c := d.src[d.i+1]
	if i := bytes.IndexByte([]byte(`"\/bfnrt`), c); i >= 0 {
		d.i += 2
		return len(append(buf, "\"\\/\b\f\n\r\t"[i]))
	}
	r, ok := d.hex4(d.i)
	if !ok {
		return 0
	}
	d.i += 6
	if utf16.IsSurrogate(r) {
		pair := utf8.RuneError
		if low, ok := d.hex4(d.i); ok {
			pair = utf16.DecodeRune(r, low)
		}
		if r = pair; r != utf8.RuneError {
			d.i += 6
		}
	}
	return len(utf8.AppendRune(buf, r))
}

// hex4 reads \uXXXX at a position.
func (d *decoder) hex4(at int) (rune, bool) {
	if at+6 > len(d.src) || d.src[at] != '\\' || d.src[at+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range d.src[at+2 : at+6] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
