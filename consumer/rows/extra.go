package rows

import (
	"strings"

	"complaints/schema"
)

// maskExtra is the JSON of an object with personal data masked in its names, texts
// and numbers; a number that is masked becomes a text. nil if there is nothing.
func maskExtra(e schema.Extra, masked *Masked) *string {
	if e == "" {
		return nil
	}
	m := extraMask{buf: make([]byte, 0, len(e)), masked: masked}
	if err := schema.DecodeObject([]byte(e), m.member); err != nil { // it was read before
		return nil
	}
	return new(string(append(m.buf, '}')))
}

// extraMask writes an object again.
type extraMask struct {
	buf    []byte
	masked *Masked
	open   bool // the object at hand has a member
}

func (m *extraMask) member(d *schema.Decoder, name string) error {
	if m.open {
		m.buf = append(m.buf, ',')
	} else {
		m.buf = append(m.buf, '{')
	}
	m.open = true
	m.text(name)
	m.buf = append(m.buf, ':')
	return m.value(d)
}

func (m *extraMask) value(d *schema.Decoder) error {
	switch d.Kind() {
	case "string":
		s, err := d.Text()
		m.text(s)
		return err
	case "number":
		raw, err := d.Raw()
		if text, n := MaskPersonal(raw); text != raw {
			*m.masked = m.masked.Plus(n)
			raw = `"` + text + `"`
		}
		m.buf = append(m.buf, raw...)
		return err
	case "object":
		inner := extraMask{buf: m.buf, masked: m.masked}
		err := d.Object(inner.member)
		if m.buf = inner.buf; !inner.open {
			m.buf = append(m.buf, '{')
		}
		m.buf = append(m.buf, '}')
		return err
	case "array":
		return m.list(d)
	}
	raw, err := d.Raw()
	m.buf = append(m.buf, raw...)
	return err
}

func (m *extraMask) list(d *schema.Decoder) error {
	m.buf = append(m.buf, '[')
	first := true
	err := d.List(func(d *schema.Decoder) error {
		if !first {
			m.buf = append(m.buf, ',')
		}
		first = false
		return m.value(d)
	})
	m.buf = append(m.buf, ']')
	return err
}

func (m *extraMask) text(s string) {
	s, n := MaskPersonal(Tidy(s))
	*m.masked = m.masked.Plus(n)
	m.buf = schema.AppendText(m.buf, s)
}

// maskText is a text that does not repeat from row to row, without personal data.
func maskText(s string, masked *Masked) *string {
	text, n := MaskPersonal(Tidy(s))
	*masked = masked.Plus(n)
	return orNull(strings.Clone(text))
}

// extraColumn is the column of what the operator named of what is no field: as it
// came, since it is named to be found again.
func (k *columns) extraColumn(e schema.Extra) schema.ExtraMap {
	var m schema.ExtraMap
	_ = e.Find(k.extra, func(name, text string) { // it was read before
		m.Entries = append(m.Entries, schema.ExtraEntry{Name: k.name(name), Value: strings.Clone(text)})
	})
	return m
}
