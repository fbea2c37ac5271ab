package complaintfile

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"complaints/schema"
)

// extraOf is what of an object is no field, as far as the mapping keeps it, by the order of the names.
func (n *notes) extraOf(m members) schema.Extra {
	if !n.extra || n.mapping.KeepsNone() {
		return ""
	}
	return schema.MakeExtra(func(yield func(name, raw string) bool) {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			value := m[name]
			if _, known := n.of(name); known || tooDeep(value) {
				continue
			}
			if name == "extra" && value[0] == '{' { // as the producer writes it
				_ = schema.Extra(value).Each(func(name, raw string) { _ = n.mapping.Keeps(name) && yield(name, raw) }) // it was read before
				continue
			}
			if n.mapping.Keeps(name) && !yield(name, string(value)) {
				return
			}
		}
	})
}

// tooDeep says whether a value cannot be a part of a message.
func tooDeep(value json.RawMessage) bool {
	const around = 2 // the message and extra
	if bytes.Count(value, []byte("{"))+bytes.Count(value, []byte("[")) <= schema.MaxDepth-around {
		return false
	}
	var s objectScan
	s.limit = schema.MaxDepth - around
	_, err := s.scan(value)
	return err != nil
}

// extraOf is what of the row at hand is in columns of no field.
func (c *csvRows) extraOf() (schema.Extra, error) {
	var err error
	extra := schema.MakeExtra(func(yield func(name, raw string) bool) {
		for _, i := range c.others {
			if i >= len(c.cells) {
				continue
			}
			value := c.value(nil, i)
			if isAbsent(value) {
				continue
			}
			var text []byte
			if text, err = c.notes.text(value, c.w.line); err != nil {
				return
			}
			if !yield(c.names[i], string(schema.AppendText(nil, string(text)))) {
				return
			}
		}
	})
	return extra, err
}
