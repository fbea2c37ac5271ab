package schema

import (
	"iter"
	"slices"
	"strings"
)

// Extra is a JSON object of what is no field of ours, each value as it came; "" if
// there is nothing.
type Extra string

// MarshalJSON writes the object.
func (e Extra) MarshalJSON() ([]byte, error) {
	if e == "" {
		return []byte("null"), nil
	}
	return []byte(e), nil
}

// UnmarshalJSON reads the object.
func (e *Extra) UnmarshalJSON(b []byte) error {
	if *e = Extra(b); *e == "null" || *e == "{}" {
		*e = ""
	}
	return nil
}

// ExtraMap is the column of gold that holds values of [Extra] by their names.
type ExtraMap struct {
	Entries []ExtraEntry `parquet:"key_value"`
}

// ExtraEntry is one value of [Extra] as text.
type ExtraEntry struct {
	Name  string `parquet:"key,dict"`
	Value string `parquet:"value"`
}

// Each hands each member to use, with the JSON text of its value.
func (e Extra) Each(use func(name, raw string)) error {
	if e == "" {
		return nil
	}
	return DecodeObject([]byte(e), func(d *Decoder, name string) error {
		raw, err := d.Raw()
		if err == nil {
			use(name, raw)
		}
		return err
	})
}

// Find hands the values of the members with these names to use, as text: that of a
// string, else the JSON as it stands. A name with dots is also the path to a member
// further in. null is no value.
func (e Extra) Find(names []string, use func(name, text string)) error {
	if e == "" || len(names) == 0 {
		return nil
	}
	return DecodeObject([]byte(e), func(d *Decoder, name string) error { return find(d, names, name, use) })
}

func find(d *Decoder, names []string, path string, use func(name, text string)) error {
	within := false
	for _, n := range names {
		if n == path {
			return found(d, n, use)
		}
		within = within || len(n) > len(path) && n[len(path)] == '.' && strings.HasPrefix(n, path)
	}
	if !within || d.Kind() != "object" {
		return d.Skip()
	}
	return d.Object(func(d *Decoder, name string) error { return find(d, names, path+"."+name, use) })
}

func found(d *Decoder, name string, use func(name, text string)) error {
	var text string
	var err error
	switch d.Kind() {
	case "null":
		return d.Skip()
	case "string":
		text, err = d.Text()
	default:
		text, err = d.Raw()
	}
	if err == nil {
		use(name, text)
	}
	return err
}

// extraMember is a member that is no field of ours.
type extraMember struct{ name, raw string }

// makeExtra makes the object of its members. Of two of one name the later counts.
func makeExtra(members []extraMember) Extra {
	if len(members) == 0 {
		return ""
	}
	again := repeated(members)
	size := 2
	for _, m := range members {
		size += len(m.name) + len(m.raw) + 4
	}
	e := encoder{buf: make([]byte, 0, size), open: '{'}
	for i, m := range members {
		if !again(i) {
			e.buf = append(e.buf, e.open)
			e.buf = append(append(appendText(e.buf, m.name), ':'), m.raw...)
			e.open = ','
		}
	}
	return Extra(shared(append(e.buf, '}')))
}

// repeated says of each member whether its name comes again behind it.
func repeated(members []extraMember) func(i int) bool {
	const few = 16 // of which a look at each costs less than a map
	if len(members) <= few {
		return func(i int) bool {
			return slices.ContainsFunc(members[i+1:], func(m extraMember) bool { return m.name == members[i].name })
		}
	}
	last := make(map[string]int, len(members))
	for i, m := range members {
		last[m.name] = i
	}
	return func(i int) bool { return last[members[i].name] != i }
}

// MakeExtra is the object of members: names, each with its value's JSON text.
func MakeExtra(each iter.Seq2[string, string]) Extra {
	var members []extraMember
	for name, raw := range each {
		members = append(members, extraMember{name, raw})
	}
	return makeExtra(members)
}

// AppendText appends a text as a JSON string. It must be UTF-8.
func AppendText(buf []byte, s string) []byte { return appendText(buf, s) }
