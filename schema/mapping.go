package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Mapping says where the fields of a complaint stand in other people's messages and
// files. It is immutable. The zero value is of no use: see [NewMapping].
type Mapping struct {
	name    string
	bureau  bool // the names are those of the Bureau, which a switch knows
	from    *place
	root    *place // of the object that holds the complaint
	columns map[string][]string
	extra   extraRule
	dates   DateOrder
}

// MappingSpec is what a mapping is made of.
type MappingSpec struct {
	// From are JSON pointers to the object that holds the complaint. The first that
	// is an object counts, and what is outside of it is dropped. Without any it is the message.
	From []string
	// Fields are the names of our fields, each with where it stands: JSON pointers (they begin
	// with a slash) in messages, other entries are names of columns in files. The first that
	// holds a value counts. A field that is not listed keeps its usual names.
	Fields map[string][]string
	// Extra are the names of what is kept of all else, or one word: all or none. Empty is all.
	Extra []string
	// Dates is how to read 3/11/2024: month-first (also if it is empty) or day-first.
	Dates string
}

// builtIn are the mappings that have a name.
var builtIn = []struct {
	name string
	spec MappingSpec
}{
	{"bureau", MappingSpec{}},
	{"connect", MappingSpec{From: []string{"/payload"}}},
	{"debezium", MappingSpec{From: []string{"/payload/after", "/after"}}},
	{"cloudevents", MappingSpec{From: []string{"/data"}}},
}

var bureauMapping = mustMapping("bureau")

// BureauMapping is the default: messages with the fields' own names.
func BureauMapping() *Mapping { return bureauMapping }

// BuiltInMapping returns the mapping of a name, if there is one.
func BuiltInMapping(name string) (*Mapping, bool) {
	for _, b := range builtIn {
		if b.name == name {
			m, err := NewMapping(name, b.spec)
			return m, err == nil
		}
	}
	return nil, false
}

// BuiltInMappings are their names, the default first.
func BuiltInMappings() []string {
	names := make([]string, len(builtIn))
	for i, b := range builtIn {
		names[i] = b.name
	}
	return names
}

func mustMapping(name string) *Mapping {
	m, ok := BuiltInMapping(name)
	if !ok {
		panic("schema: no mapping " + name)
	}
	return m
}

// Name is what the mapping was loaded by, for logs and errors.
func (m *Mapping) Name() string { return m.name }

// IsBureau says whether messages are read by the fields' own names.
func (m *Mapping) IsBureau() bool { return m.bureau }

// Columns are the names of columns that files have for fields. The slices must not be written to.
func (m *Mapping) Columns() map[string][]string { return m.columns }

// Dates is how an ambiguous date is read.
func (m *Mapping) Dates() DateOrder { return m.dates }

// Keeps says whether what is no field is kept under its name.
func (m *Mapping) Keeps(name string) bool { return m.extra.keeps(name) }

// KeepsNone says whether nothing is kept of what is no field.
func (m *Mapping) KeepsNone() bool { return m.extra.none }

// extraRule says what is kept of what is no field; the zero value keeps all.
type extraRule struct {
	none  bool
	names []string // nil: all
}

func (r extraRule) keeps(name string) bool {
	return !r.none && (r.names == nil || slices.Contains(r.names, name))
}

// place is a value of a message that the mapping knows, by the names of the members around it.
type place struct {
	members map[string]*place
	fields  []target // that the value is for
	from    int      // 1 + its rank among the objects that may hold the complaint; 0 if it is none
}

// target is a field and how early the mapping names a place for it.
type target struct{ field, rank int }

// NewMapping compiles a mapping. The error says all faults at once.
func NewMapping(name string, spec MappingSpec) (*Mapping, error) {
	m := &Mapping{name: name, columns: map[string][]string{}, root: &place{}}
	c := compiler{m: m}
	c.fromOf(spec.From)
	c.fieldsOf(spec.Fields)
	c.extraOf(spec.Extra)
	switch spec.Dates {
	case "", "month-first":
	case "day-first":
		m.dates = DayFirst
	default:
		c.fault("dates is %q, want month-first or day-first", spec.Dates)
	}
	if err := errors.Join(c.errs...); err != nil {
		return nil, fmt.Errorf("mapping %s: %w", name, err)
	}
	return m, nil
}

type compiler struct {
	m    *Mapping
	errs []error
}

func (c *compiler) fault(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

func (c *compiler) fromOf(pointers []string) {
	for rank, p := range pointers {
		tokens, err := parsePointer(p)
		if err != nil {
			c.fault("from: %w", err)
			continue
		}
		if c.m.from == nil {
			c.m.from = &place{}
		}
		at := c.m.from.at(tokens)
		if at.from == 0 {
			at.from = 1 + rank
		}
	}
	if c.m.from != nil {
		c.nested("from", c.m.from, nil)
	}
}

// nested finds a place that holds a value and other places too: of the two, only one could be read.
func (c *compiler) nested(what string, p *place, path []string) {
	if (p.from > 0 || len(p.fields) > 0) && len(p.members) > 0 {
		c.fault("%s: %q holds a value and other places: name only one of them", what, "/"+strings.Join(path, "/"))
	}
	for name, inner := range p.members {
		c.nested(what, inner, append(slices.Clip(path), name))
	}
}

func (c *compiler) fieldsOf(fields map[string][]string) {
	m := c.m
	named := map[string]bool{}
	for _, name := range sortedKeys(fields) {
		if fieldOf(name) == noField {
			c.fault("fields: there is no field %q, want one of %s", name, strings.Join(fieldNames[:], ", "))
			continue
		}
		pointers := 0
		for _, entry := range fields[name] {
			if !strings.HasPrefix(entry, "/") {
				m.columns[name] = append(m.columns[name], entry)
				continue
			}
			c.pointer(name, entry, pointers)
			pointers++
		}
		named[name] = pointers > 0 || len(fields[name]) == 0
		if len(fields[name]) == 0 {
			m.columns[name] = []string{}
		}
	}
	m.bureau = m.from == nil && len(m.root.members) == 0 && !anyOf(named)
	for field, name := range fieldNames {
		if !named[name] {
			m.root.usual(name, target{field, 0})
		}
	}
	if !named[fieldNames[fieldNarrative]] {
		m.root.usual(apiText, target{fieldNarrative, 1})
	}
	c.nested("fields", m.root, nil)
}

// apiText is the name of the text in the Bureau's API.
const apiText = "complaint_what_happened"

// usual is a place that the mapping does not name; one that it names for another field stays that one's alone.
func (p *place) usual(name string, t target) {
	if p.members[name] == nil {
		at := p.at([]string{name})
		at.fields = append(at.fields, t)
	}
}

func anyOf(named map[string]bool) bool {
	for _, is := range named {
		if is {
			return true
		}
	}
	return false
}

func sortedKeys(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (c *compiler) pointer(field, pointer string, rank int) {
	tokens, err := parsePointer(pointer)
	if err != nil {
		c.fault("fields: %s: %w", field, err)
		return
	}
	at := c.m.root.at(tokens)
	at.fields = append(at.fields, target{fieldOf(field), rank})
}

// at returns the place of a path, which it makes if it is not there.
func (p *place) at(path []string) *place {
	for _, name := range path {
		if p.members == nil {
			p.members = map[string]*place{}
		}
		if p.members[name] == nil {
			p.members[name] = &place{}
		}
		p = p.members[name]
	}
	return p
}

// parsePointer reads a JSON pointer (RFC 6901) to anything but the whole.
func parsePointer(s string) ([]string, error) {
	rest, ok := strings.CutPrefix(s, "/")
	if !ok {
		return nil, fmt.Errorf("%q is no JSON pointer: it begins with a slash, as /payload/after", s)
	}
	tokens := strings.Split(rest, "/")
	for i, t := range tokens {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(t), "~") {
			return nil, fmt.Errorf("%q is no JSON pointer: ~ is written as ~0, and / in a name as ~1", s)
		}
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(t)
	}
	return tokens, nil
}

func (c *compiler) extraOf(names []string) {
	switch {
	case len(names) == 0 || len(names) == 1 && names[0] == "all":
	case len(names) == 1 && names[0] == "none":
		c.m.extra.none = true
	case slices.Contains(names, "") || slices.Contains(names, "all") || slices.Contains(names, "none"):
		c.fault("extra is %q, want all, none, or names", names)
	default:
		c.m.extra.names = slices.Clone(names)
	}
}
