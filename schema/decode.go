package schema

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Decoder reads one JSON object in one pass: a message of a topic, or a request
// over HTTP. encoding/json would do but for three things: it takes NARRATIVE for
// narrative, which the contract does not; it does not say where a value of a wrong
// type stands; and it costs more than classifying the text does. jsontext, the
// tokenizer of encoding/json/v2, costs a classifier with gold 6 % more processor
// time. Fuzzing holds the decoder equal to encoding/json.
//
// src is the object itself, and strings without escapes are parts of it: most of
// a message is not copied.
type Decoder struct {
	src   string
	i     int
	depth int
	wrong *Rejection // the first field of a wrong type; broken JSON later beats it
}

// DecodeObject reads value as an object and calls field at the value of each
// member, which field must read or skip. A name that comes again is given again.
//
// The error is what field returned, or a *[Rejection] with the byte at fault. The
// texts share the memory of value, which must not change while they are in use.
func DecodeObject(value []byte, field func(d *Decoder, name string) error) error {
	if i := invalidUTF8(value); i >= 0 {
		return reject(ReasonInvalidUTF8, "byte %d is not UTF-8", i)
	}
	d := &Decoder{src: shared(value)}
	d.space()
	isObject := d.peek() == '{'
	var err error
	if isObject {
		err = d.Object(field)
	} else {
		err = d.Skip()
	}
	if err != nil {
		return err
	}
	d.space()
	switch {
	case d.i < len(d.src):
		return d.syntax("the value goes on")
	case !isObject:
		return reject(ReasonNotObject, "the value is JSON, but no object")
	case d.wrong != nil:
		return d.wrong
	}
	return nil
}

// shared is b as a string without a copy. Nobody may write to b any more.
func shared(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // who decodes a message promises it
}

func (d *Decoder) syntax(what string) error {
	return reject(ReasonNotJSON, "%s at byte %d of %d", what, d.i, len(d.src))
}

// peek returns the byte at hand, 0 at the end.
func (d *Decoder) peek() byte {
	if d.i < len(d.src) {
		return d.src[d.i]
	}
	return 0
}

func (d *Decoder) space() {
	for d.i < len(d.src) {
		switch d.src[d.i] {
		case ' ', '\t', '\r', '\n':
			d.i++
		default:
			return
		}
	}
}

func (d *Decoder) enter() error {
	if d.depth++; d.depth > MaxDepth {
		return reject(ReasonTooDeep, "nested deeper than %d at byte %d", MaxDepth, d.i)
	}
	d.i++
	d.space()
	return nil
}

func (d *Decoder) leave() {
	d.depth--
	d.i++
}

// Object reads an object; field must read or skip the value of each member.
func (d *Decoder) Object(field func(d *Decoder, name string) error) error {
	if err := d.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if d.peek() == '}' && first {
			d.leave()
			return nil
		}
		if d.peek() != '"' {
			return d.syntax("a name is missing")
		}
		name, err := d.Text()
		if err != nil {
			return err
		}
		d.space()
		if d.peek() != ':' {
			return d.syntax("a colon is missing")
		}
		d.i++
		d.space()
		if err := field(d, name); err != nil {
			return err
		}
		d.space()
		switch d.peek() {
		case ',':
			d.i++
			d.space()
		case '}':
			d.leave()
			return nil
		default:
			return d.syntax("a comma or brace is missing")
		}
	}
}

// List reads a list; element must read or skip each value.
func (d *Decoder) List(element func(d *Decoder) error) error {
	if err := d.enter(); err != nil {
		return err
	}
	if d.peek() == ']' {
		d.leave()
		return nil
	}
	for {
		if err := element(d); err != nil {
			return err
		}
		d.space()
		switch d.peek() {
		case ',':
			d.i++
			d.space()
		case ']':
			d.leave()
			return nil
		default:
			return d.syntax("a comma or bracket is missing")
		}
	}
}

// Skip passes over a value of any kind, checking its grammar.
func (d *Decoder) Skip() error {
	switch c := d.peek(); {
	case c == '{':
		return d.Object(func(d *Decoder, _ string) error { return d.Skip() })
	case c == '[':
		return d.List((*Decoder).Skip)
	case c == '"':
		_, err := d.raw()
		return err
	case c == '-' || '0' <= c && c <= '9':
		_, err := d.number()
		return err
	}
	for _, word := range [...]string{"null", "true", "false"} {
		if d.word(word) {
			return nil
		}
	}
	return d.syntax("a value is missing")
}

func (d *Decoder) word(w string) bool {
	if !strings.HasPrefix(d.src[d.i:], w) {
		return false
	}
	d.i += len(w)
	return true
}

// JSON passes over a value of any kind, checking its grammar, and returns it as it
// stands in the object.
func (d *Decoder) JSON() ([]byte, error) {
	start := d.i
	err := d.Skip()
	return []byte(d.src[start:d.i]), err
}

// Kind names the type of the value at hand as JSON Schema does.
func (d *Decoder) Kind() string {
	switch c := d.peek(); {
	case c == '{':
		return "object"
	case c == '[':
		return "array"
	case c == '"':
		return "string"
	case c == '-' || '0' <= c && c <= '9':
		return "number"
	case c == 't' || c == 'f':
		return "boolean"
	case c == 'n':
		return "null"
	}
	return "unknown"
}

// wrongType notes a field of a wrong type and passes over its value.
func (d *Decoder) wrongType(name, want string) error {
	if d.wrong == nil {
		d.wrong = reject(ReasonWrongType, "field %.40s is a JSON %s, want %s", name, d.Kind(), want)
	}
	return d.Skip()
}

// stringField reads a string; null leaves it as it is.
func (d *Decoder) stringField(name string, into *string) error {
	switch d.Kind() {
	case "string":
		s, err := d.Text()
		*into = s
		return err
	case "null":
		return d.Skip()
	}
	return d.wrongType(name, "string")
}

// Raw passes over a value and returns its JSON text as it stands.
func (d *Decoder) Raw() (string, error) {
	start := d.i
	err := d.Skip()
	return d.src[start:d.i], err
}

// lenientText reads a value that stands for a text: a string, a number as it is
// written, a truth value as the Bureau writes it, a list of strings with commas
// between them, or one of these in an object of MongoDB ({"$oid": …}). ok is false
// for any other, which is passed over. null is the empty text.
func (d *Decoder) lenientText() (text string, ok bool, err error) {
	switch c := d.peek(); {
	case c == '"':
		text, err = d.Text()
		return text, true, err
	case c == '-' || '0' <= c && c <= '9':
		text, err = d.number()
		return text, true, err
	case c == '[':
		return d.listText()
	case c == '{':
		return d.mongoText()
	case d.word("true"):
		return BoolText(true), true, nil
	case d.word("false"):
		return BoolText(false), true, nil
	}
	return "", true, d.Skip() // null, or no JSON
}

func (d *Decoder) listText() (text string, ok bool, err error) {
	var list []string
	ok = true
	err = d.List(func(d *Decoder) error {
		switch d.Kind() {
		case "string":
			s, err := d.Text()
			list = append(list, s)
			return err
		case "null":
			list = append(list, "")
		default:
			ok = false
		}
		return d.Skip()
	})
	return strings.Join(list, ", "), ok, err
}

func (d *Decoder) mongoText() (text string, ok bool, err error) {
	members := 0
	err = d.Object(func(d *Decoder, name string) error {
		members++
		if !strings.HasPrefix(name, "$") {
			return d.Skip()
		}
		var err error
		text, ok, err = d.lenientText()
		return err
	})
	return text, ok && members == 1, err
}

func (d *Decoder) floatField(name string, into *float64) error {
	if d.Kind() != "number" {
		return d.wrongType(name, "number")
	}
	start := d.i
	s, err := d.number()
	if err != nil {
		return err
	}
	if *into, err = strconv.ParseFloat(s, 64); err != nil {
		d.i = start
		return d.wrongType(name, "number within the range of a double")
	}
	return nil
}

func (d *Decoder) intField(name string, bits int, into *int64) error {
	if d.Kind() != "number" {
		return d.wrongType(name, "integer")
	}
	start := d.i
	s, err := d.number()
	if err != nil {
		return err
	}
	if *into, err = strconv.ParseInt(s, 10, bits); err != nil {
		d.i = start
		return d.wrongType(name, "integer of "+strconv.Itoa(bits)+" bits")
	}
	return nil
}

func (d *Decoder) boolField(name string, into *bool) error {
	switch {
	case d.word("true"):
		*into = true
	case d.word("false"):
		*into = false
	default:
		return d.wrongType(name, "boolean")
	}
	return nil
}

func (d *Decoder) timeField(name string, into *Time) error {
	if d.Kind() != "string" {
		return d.wrongType(name, "string")
	}
	start := d.i
	s, err := d.Text()
	if err != nil {
		return err
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		d.i = start
		return d.wrongType(name, "RFC 3339 time")
	}
	*into = TimeOf(t)
	return nil
}

// number passes over a number and returns its text.
func (d *Decoder) number() (string, error) {
	start := d.i
	if d.peek() == '-' {
		d.i++
	}
	switch c := d.peek(); {
	case c == '0':
		d.i++
	case '1' <= c && c <= '9':
		d.digits()
	default:
		return "", d.syntax("a digit is missing")
	}
	if d.peek() == '.' {
		d.i++
		if d.digits() == 0 {
			return "", d.syntax("a digit is missing")
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		d.i++
		if c := d.peek(); c == '+' || c == '-' {
			d.i++
		}
		if d.digits() == 0 {
			return "", d.syntax("a digit is missing")
		}
	}
	return d.src[start:d.i], nil
}

func (d *Decoder) digits() int {
	start := d.i
	for c := d.peek(); '0' <= c && c <= '9'; c = d.peek() {
		d.i++
	}
	return d.i - start
}

// Text reads a string. One without escapes is a part of src.
func (d *Decoder) Text() (string, error) {
	d.i++
	start := d.i
	if d.i = ordinary(d.src, start); d.i < len(d.src) {
		switch d.src[d.i] {
		case '"':
			s := d.src[start:d.i]
			d.i++
			return s, nil
		case '\\':
			return d.escaped(start)
		default:
			return "", d.syntax("a control character stands unescaped")
		}
	}
	return "", d.syntax("a string does not end")
}

// raw passes over a string, checking its grammar, and returns it with its escapes.
func (d *Decoder) raw() (string, error) {
	var scratch [utf8.UTFMax]byte
	d.i++
	start := d.i
	for d.i = ordinary(d.src, d.i); d.i < len(d.src); d.i = ordinary(d.src, d.i) {
		switch d.src[d.i] {
		case '"':
			s := d.src[start:d.i]
			d.i++
			return s, nil
		case '\\':
			if _, err := d.escape(scratch[:0]); err != nil {
				return "", err
			}
		default:
			return "", d.syntax("a control character stands unescaped")
		}
	}
	return "", d.syntax("a string does not end")
}

// escaped reads on from the first escape of a string that began at start.
func (d *Decoder) escaped(start int) (string, error) {
	// The next quotation mark ends the string, mostly, or is an escape itself.
	rest := strings.IndexByte(d.src[min(d.i+2, len(d.src)):], '"')
	buf := make([]byte, 0, d.i-start+max(rest, 0)+64)
	buf = append(buf, d.src[start:d.i]...)
	for d.i < len(d.src) {
		switch c := d.src[d.i]; {
		case c == '"':
			d.i++
			return shared(buf), nil
		case c < ' ':
			return "", d.syntax("a control character stands unescaped")
		case c == '\\':
			var err error
			if buf, err = d.escape(buf); err != nil {
				return "", err
			}
		default:
			run := d.i
			d.i = ordinary(d.src, run)
			buf = append(buf, d.src[run:d.i]...)
		}
	}
	return "", d.syntax("a string does not end")
}

// escape appends what one escape stands for.
func (d *Decoder) escape(buf []byte) ([]byte, error) {
	d.i++
	c := d.peek()
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 && c != 0 {
		d.i++
		return append(buf, "\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return nil, d.syntax("an unknown escape")
	}
	r, ok := d.hex4(d.i + 1)
	if !ok {
		return nil, d.syntax("an escape without four hex digits")
	}
	d.i += 5
	if utf16.IsSurrogate(r) {
		pair := utf8.RuneError
		if strings.HasPrefix(d.src[d.i:], `\u`) {
			if low, ok := d.hex4(d.i + 2); ok {
				pair = utf16.DecodeRune(r, low)
			}
		}
		if r = pair; r != utf8.RuneError {
			d.i += 6
		}
	}
	return utf8.AppendRune(buf, r), nil
}

func (d *Decoder) hex4(at int) (rune, bool) {
	if at+4 > len(d.src) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(d.src[at : at+4]) {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
