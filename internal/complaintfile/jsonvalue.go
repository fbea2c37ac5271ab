package complaintfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"complaints/schema"
)

// members are those of an object, or of a list whose values have names.
type members = map[string]json.RawMessage

// DecodeJSON reads one complaint from a JSON object: fields as in the Bureau's
// API or as in its CSV, alone or in the wrapper of a search hit (_source).
// Numbers and booleans are taken where a text is expected. The narrative may be
// absent; the id then too. dropped are the fields whose value is left out, since
// it is no date or no text.
func DecodeJSON(value []byte) (c schema.Complaint, dropped []string, err error) {
	return newNotes(Options{}, "").decodeObject(value, 0)
}

// wrappers hold the fields of a complaint: of a search engine, GeoJSON, JSON:API and Airtable.
var wrappers = []string{"_source", "properties", "attributes", "fields"}

func (n *notes) decodeObject(value []byte, line int) (c schema.Complaint, dropped []string, err error) {
	value, err = n.text(value, line)
	if err != nil {
		return c, nil, err
	}
	if c, dropped, ok := n.decodeMapped(value); ok {
		dropped = append(dropped, n.tidy(&c, line)...)
		return c, dropped, nil
	}
	var m members
	if err := unmarshal(value, &m); err != nil {
		return c, nil, err
	}
	outer := m
	for _, name := range wrappers {
		if inner, ok := m[name]; ok && (name == "_source" || inner[0] == '{' && !hasText(n.naming, m)) {
			if m = nil; json.Unmarshal(inner, &m) != nil || m == nil {
				return c, nil, fmt.Errorf("its member %s is no object", name)
			}
			break
		}
	}
	if dropped, err = fill(n.naming, &c, m); err != nil {
		return c, nil, err
	}
	c.Extra = n.extraOf(m)
	if id, ok := first(outer, "_id", "id"); ok && c.ComplaintID == "" {
		if s, err := asText(id); err == nil && !isAbsent([]byte(s)) { // what is none is not needed
			c.ComplaintID = s
		}
	}
	dropped = append(dropped, n.tidy(&c, line)...)
	if c.Narrative == "" && !hasText(n.naming, m) {
		if path := inside(n.naming, m, maxWrapDepth); path != nil {
			return c, nil, fmt.Errorf("the complaint stands within its member %s: take it out first (jq -c .MEMBER FILE)", shown(path))
		}
	}
	return c, dropped, nil
}

// decodeMapped reads an object in which a mapping finds the text.
func (n *notes) decodeMapped(value []byte) (c schema.Complaint, dropped []string, ok bool) {
	if n.mapping == nil || n.mapping.IsBureau() {
		return c, nil, false
	}
	c, dropped, err := n.mapping.DecodeFields(value)
	if !n.extra {
		c.Extra = ""
	}
	return c, dropped, err == nil && c.Narrative != ""
}

// unmarshal reads value, in which Python may have written NaN or Infinity.
func unmarshal(value []byte, into any) error {
	err := json.Unmarshal(value, into)
	if err != nil {
		if fixed := withoutNaN(value); fixed != nil {
			err = json.Unmarshal(fixed, into)
		}
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok { // its text shows what stands there
		return fmt.Errorf("JSON: it is broken at byte %d of %d", syntax.Offset, len(value))
	}
	if err != nil {
		return errNoObject
	}
	return nil
}

// notNumbers are what Python and JavaScript call numbers that are none, and JSON does not have.
var notNumbers = [][]byte{[]byte("NaN"), []byte("-Infinity"), []byte("Infinity")}

// withoutNaN puts null in their place, outside of strings; nil if there are none.
func withoutNaN(value []byte) []byte {
	var out []byte
	from, inString := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == 'N' || c == 'I' || c == '-'):
			for _, word := range notNumbers {
				if bytes.HasPrefix(value[i:], word) {
					out = append(append(out, value[from:i]...), "null"...)
					from = i + len(word)
					i = from - 1
					break
				}
			}
		}
	}
	if from == 0 {
		return nil
	}
	return append(out, value[from:]...)
}

// candidate is a member that could be a field.
type candidate struct {
	is    bool
	rank  int
	value string
	err   error // it cannot be used
}

// fill sets the fields of c. Where several members stand for one field, the
// most telling that is usable and not empty counts: a member that cannot be used
// breaks nothing that another one gives, and only the text is needed.
func fill(naming naming, c *schema.Complaint, m members) (dropped []string, err error) {
	var best, unusable [len(fields)]candidate
	for name, value := range m {
		a, ok := naming.of(name)
		if !ok {
			continue
		}
		s, err := asText(value)
		switch is := (candidate{true, a.rank, s, err}); {
		case err != nil && is.beats(&unusable[a.field]):
			unusable[a.field] = is
		case err == nil && !isAbsent([]byte(s)) && is.beats(&best[a.field]):
			best[a.field] = is
		}
	}
	for i := range fields {
		name, u := fields[i].name, &unusable[i]
		switch {
		case best[i].is:
			*fields[i].of(c) = best[i].value
		case !u.is:
		case i == fieldText && u.rank < clearRank:
			return nil, fmt.Errorf("field %s: %w", name, u.err)
		case u.rank == 0: // other names may stand for something else
			dropped = append(dropped, name)
		}
	}
	return dropped, nil
}

// beats does not depend on the order of members, which is random.
func (is *candidate) beats(old *candidate) bool {
	if !old.is || is.rank != old.rank {
		return !old.is || is.rank < old.rank
	}
	return is.value < old.value
}

// hasText says whether a member is named as the text is.
func hasText(naming naming, m members) bool {
	for name := range m {
		if a, ok := naming.of(name); ok && a.field == fieldText {
			return true
		}
	}
	return false
}

// inside returns the path of a member that holds a complaint, such as an envelope's payload.
func inside(naming naming, m members, depth int) []string {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		var inner members
		switch {
		case m[name][0] == '[' && slices.Contains(rowLists, name):
			return []string{name}
		case depth == 0 || m[name][0] != '{' || json.Unmarshal(m[name], &inner) != nil:
		case hasText(naming, inner):
			return []string{name}
		default:
			if path := inside(naming, inner, depth-1); path != nil {
				return append([]string{name}, path...)
			}
		}
	}
	return nil
}

func first(m members, names ...string) (json.RawMessage, bool) {
	for _, name := range names {
		if value, ok := m[name]; ok {
			return value, true
		}
	}
	return nil, false
}

// asText turns a JSON value into text. A list becomes its texts with commas,
// as the Bureau's CSV has tags, and an object of MongoDB what it stands for.
func asText(value json.RawMessage) (string, error) {
	switch value[0] {
	case 'n': // null
		return "", nil
	case 't':
		return schema.BoolText(true), nil
	case 'f':
		return schema.BoolText(false), nil
	case '"':
		var s string
		err := json.Unmarshal(value, &s)
		return s, err
	case '[':
		var list []string
		if json.Unmarshal(value, &list) == nil {
			return strings.Join(list, ", "), nil
		}
		return "", errors.New("a list of other than texts, want a text")
	case '{':
		var m members
		if json.Unmarshal(value, &m) == nil && len(m) == 1 {
			for name, inner := range m { // {"$oid": "…"}, {"$date": {"$numberLong": "…"}}
				if strings.HasPrefix(name, "$") {
					return asText(inner)
				}
			}
		}
		return "", errors.New("an object, want a text")
	}
	return string(value), nil
}
