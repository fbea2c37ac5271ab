package schema

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// Decode reads a message of the complaints topic. null, and what names an absent
// value, is absent; numbers, truth values and lists are taken as text. dropped are
// the fields whose value could not be used: a date that is none, an object where a
// text belongs. What the mapping does not name is in Extra. A complaint without an
// id gets one derived from its content, so that a retry has the same.
//
// The error, if any, is a *[Rejection]. The texts share the memory of the value,
// which must not change while they are in use.
func (m *Mapping) Decode(value []byte, maxTextBytes int) (c Complaint, dropped []string, err error) {
	if value == nil {
		return Complaint{}, nil, reject(ReasonTombstone, "the value is null; publish a JSON object with a narrative")
	}
	if id, ok := wireFormat(value); ok {
		return Complaint{}, nil, reject(ReasonWireFormat, "the value is of a schema registry, with schema id %d: give --schema-registry URL to read it", id)
	}
	x := &intake{m: m}
	if err := x.read(value); err != nil {
		return Complaint{}, nil, err
	}
	if dropped, err = x.finish(value, maxTextBytes); err != nil {
		return Complaint{}, nil, err
	}
	return x.c, dropped, nil
}

// DecodeFields reads what Decode does, and asks for nothing: the narrative and the id may
// be absent, and dates stand as they came. It is for files, whose rows have checks of their own.
func (m *Mapping) DecodeFields(value []byte) (c Complaint, dropped []string, err error) {
	x := &intake{m: m}
	if err := x.read(value); err != nil {
		return Complaint{}, nil, err
	}
	x.c.Extra = makeExtra(x.extra)
	return x.c, x.noTexts(), nil
}

func (x *intake) read(value []byte) error {
	member := x.bureauMember
	switch {
	case x.m.from != nil:
		member = x.around(x.m.from)
	case !x.m.bureau:
		member = x.within(x.m.root, "")
	}
	return DecodeObject(value, member)
}

// noTexts are the fields for which there was a value, and none that could be used.
func (x *intake) noTexts() (dropped []string) {
	if x.unusable == 0 {
		return nil
	}
	for field, name := range fieldNames {
		if x.unusable>>field&1 == 1 && x.ranks[field] == 0 {
			dropped = append(dropped, name)
		}
	}
	return dropped
}

// wireFormat returns the schema's id of a message in Confluent's wire format.
func wireFormat(value []byte) (id uint32, ok bool) {
	const header = 5 // a zero and four bytes of id
	if len(value) < header || value[0] != 0 {
		return 0, false
	}
	return binary.BigEndian.Uint32(value[1:header]), true
}

// intake is a message on its way in.
type intake struct {
	c        Complaint
	m        *Mapping
	ranks    [len(fieldNames)]uint8 // 1 + the rank of the value that c has
	unusable uint32                 // a bit a field: its first place holds no text
	kind     string                 // of a narrative that is no text
	extra    []extraMember
	found    int  // of the objects that may hold the complaint, 1 + the rank of the one that was read
	deleted  bool // such an object is null
}

// bureauMember reads a member by the fields' own names.
func (x *intake) bureauMember(d *Decoder, name string) error {
	if field := fieldOf(name); field != noField {
		return x.take(d, field, 0)
	}
	if name == apiText {
		return x.take(d, fieldNarrative, 1)
	}
	return x.unknown(d, "", name)
}

// around reads the members of what stands around the complaint, and drops them.
func (x *intake) around(p *place) func(d *Decoder, name string) error {
	return func(d *Decoder, name string) error {
		at := p.members[name]
		switch {
		case at == nil:
			return d.Skip()
		case at.from == 0 && d.Kind() == "object":
			return d.Object(x.around(at))
		case at.from == 0:
			return d.Skip()
		case d.Kind() == "null":
			x.deleted = true
			return d.Skip()
		case d.Kind() != "object" || x.found > 0 && x.found < at.from:
			return d.Skip()
		}
		*x = intake{m: x.m, found: at.from, deleted: x.deleted}
		return d.Object(x.within(x.m.root, ""))
	}
}

// within reads the members of an object of the complaint; path is of the names around it.
func (x *intake) within(p *place, path string) func(d *Decoder, name string) error {
	return func(d *Decoder, name string) error {
		at := p.members[name]
		if at == nil {
			return x.unknown(d, path, name)
		}
		return x.value(d, at, path, name)
	}
}

func (x *intake) value(d *Decoder, at *place, path, name string) error {
	switch {
	case len(at.fields) > 0:
		start := d.i
		for _, t := range at.fields {
			d.i = start
			if err := x.take(d, t.field, t.rank); err != nil {
				return err
			}
		}
		return nil
	case len(at.members) > 0 && d.Kind() == "object":
		return d.Object(x.within(at, path+name+"."))
	case len(at.members) > 0 && d.Kind() == "array":
		i := -1
		return d.List(func(d *Decoder) error {
			i++
			return x.within(at, path+name+".")(d, strconv.Itoa(i))
		})
	}
	return x.unknown(d, path, name)
}

// take reads the value of a field. Of several, the one of the lowest rank counts, and of these the last.
func (x *intake) take(d *Decoder, field, rank int) error {
	kind := d.peek()
	s, ok, err := d.lenientText()
	if err != nil {
		return err
	}
	v := value(s)
	switch {
	case !ok:
		if rank == 0 {
			x.unusable |= 1 << field
		}
		if field == fieldNarrative {
			x.kind = map[byte]string{'[': "array", '{': "object"}[kind]
		}
		return nil
	case v == "":
		if field == fieldNarrative && x.ranks[field] == 0 && s != "" && strings.TrimSpace(s) == "" {
			x.c.Narrative = s // white space, which has a reason of its own
		}
		return nil
	case x.ranks[field] > 0 && int(x.ranks[field]) <= rank:
		return nil
	case field == fieldNarrative:
		v = s
	}
	x.ranks[field] = uint8(min(rank+1, 255))
	*x.c.at(field) = v
	return nil
}

// unknown keeps a member that is no field, if it is wanted.
func (x *intake) unknown(d *Decoder, path, name string) error {
	if x.m.extra.none {
		return d.Skip()
	}
	if path == "" && name == "extra" && d.Kind() == "object" { // as our producer writes it
		return d.Object(x.inExtra)
	}
	return x.inExtra(d, path+name)
}

func (x *intake) inExtra(d *Decoder, name string) error {
	raw, err := d.Raw()
	if err == nil && x.m.extra.keeps(name) {
		x.extra = append(x.extra, extraMember{name, raw})
	}
	return err
}

// finish checks what was read.
func (x *intake) finish(value []byte, maxTextBytes int) (dropped []string, err error) {
	c := &x.c
	switch {
	case c.Narrative != "":
	case x.m.from != nil && x.found == 0 && x.deleted:
		return nil, reject(ReasonTombstone, "the message has null where mapping %s has the complaint: it was deleted", x.m.name)
	default:
		if r := x.envelope(value); r != nil {
			return nil, r
		}
		if x.kind != "" {
			return nil, reject(ReasonWrongType, "field narrative is a JSON %s, want a text", x.kind)
		}
	}
	if err := c.check(maxTextBytes); err != nil {
		return nil, err
	}
	noDates, _ := c.tidyForms(x.m.dates)
	dropped = append(x.noTexts(), noDates...)
	c.Extra = makeExtra(x.extra)
	if c.ComplaintID == "" {
		c.ComplaintID = c.DerivedID()
	}
	return dropped, nil
}

// envelope says which mapping reads a message in which this one finds no text.
func (x *intake) envelope(value []byte) *Rejection {
	for _, b := range []struct{ name, what string }{
		{"debezium", "a change of Debezium"}, {"connect", "an envelope of Kafka Connect"}, {"cloudevents", "a CloudEvent"},
	} {
		if x.found > 0 && (b.name != "debezium" || x.m.name != "connect") {
			continue // the envelope is the one that is named
		}
		if m := mustMapping(b.name); b.name != x.m.name && m.holds(value) {
			return reject(ReasonEnvelope, "the value is %s: give --mapping %s to read it", b.what, b.name)
		}
	}
	if x.m.from != nil && x.found == 0 {
		return reject(ReasonNoText, "no object stands where mapping %s has the complaint; give the --mapping of these messages", x.m.name)
	}
	return nil
}

// holds says whether there is an object where the mapping has the complaint, or null for one that was deleted.
func (m *Mapping) holds(value []byte) bool {
	x := &intake{m: &Mapping{from: m.from, root: &place{}, extra: extraRule{none: true}}}
	return DecodeObject(value, x.around(m.from)) == nil && (x.found > 0 || x.deleted)
}
