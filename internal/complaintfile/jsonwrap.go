package complaintfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"complaints/schema"
)

// rowLists are the members that hold rows in the answers of APIs: search
// engines (hits.hits), Socrata and pandas (data), GeoJSON (features), OData
// (value), Google Sheets (values), Solr (response.docs) and others.
var rowLists = []string{"data", "hits", "results", "result", "records", "items", "rows", "complaints", "features", "value", "values", "docs", "documents"}

// columnLists are members that name the values of rows that are lists.
var columnLists = []string{"columns", "fields", "header", "headers"}

// maxWrapDepth is how deep the list of rows may stand.
const maxWrapDepth = 4

// wrapper looks for a list of rows in the object that a file begins with.
type wrapper struct {
	naming  naming
	d       *json.Decoder
	b       []byte // what d reads
	path    []string
	names   []string // of the columns, where a member tells
	text    bool     // the object is a complaint
	fields  int      // members at the top that could be fields of one
	other   []string // the path of a list of objects that is none of rowLists
	columns bool     // the text's member holds an object: the file is written by columns
}

// errRows says that the decoder stands at the start of the rows.
var errRows = errors.New("rows")

// errComplaint says that the object is a complaint.
var errComplaint = errors.New("complaint")

// enter goes into the list of rows where the object at hand holds one, and leaves
// an object that is a complaint where it is. It looks at once, again when there is
// twice as much to see, and when the object ends: so its work is bounded though bytes come one by one.
func (j *jsonRows) enter() error {
	var end objectScan
	for seen := 0; ; {
		b := j.w.bytes()
		if n, _ := end.scan(b); n == 0 && len(b) < 2*seen && !j.w.final() {
			if err := j.w.more(); err != nil && !errors.Is(err, errTooLong) {
				return err
			} else if err == nil {
				continue
			}
		}
		seen = len(b)
		s := wrapper{naming: j.notes.naming, d: json.NewDecoder(bytes.NewReader(b)), b: b}
		err := s.object(0)
		switch {
		case errors.Is(err, errRows):
			j.inList, j.depth, j.names = true, len(s.path), s.names
			j.w.advance(int(s.d.InputOffset()))
			return nil
		case s.columns:
			return errors.New("the file is written by columns, pandas' default: write it by to_json(orient=\"records\", lines=True)")
		case errors.Is(err, io.ErrUnexpectedEOF) && !j.w.final():
			if moreErr := j.w.more(); moreErr == nil {
				continue
			} else if !errors.Is(moreErr, errTooLong) {
				return moreErr
			}
			if err := s.refuse(); err != nil {
				return err
			}
			// Objects within it are not taken for rows.
			return fmt.Errorf("the first object is longer than 4 MiB, the limit, within its member %s; if the rows stand further down, take them out first (jq)", shown(s.path))
		case errors.Is(err, io.ErrUnexpectedEOF), err == nil:
		default: // a complaint, or broken
			return nil
		}
		return s.refuse()
	}
}

// refuse names the member that holds the rows, if no complaint is the object itself.
func (s *wrapper) refuse() error {
	if s.other == nil || s.text || s.fields > 1 {
		return nil
	}
	return fmt.Errorf("the rows stand within the member %s, which is no name that is known: take them out first (jq -c '.MEMBER[]' FILE)", shown(s.other))
}

// object looks through the members of the object at hand.
func (s *wrapper) object(depth int) error {
	if _, err := s.d.Token(); err != nil {
		return cutOff(err)
	}
	for s.d.More() {
		token, err := s.d.Token()
		if err != nil {
			return cutOff(err)
		}
		name, _ := token.(string)
		s.path = append(s.path[:depth], name)
		if err := s.member(name, depth); err != nil {
			return err
		}
	}
	_, err := s.d.Token()
	return cutOff(err)
}

// member looks at a value.
func (s *wrapper) member(name string, depth int) error {
	kind := s.kind()
	a, known := s.naming.of(name)
	switch {
	case kind == 0:
		return io.ErrUnexpectedEOF
	case slices.Contains(columnLists, name) && kind == '[':
		var raw json.RawMessage
		if err := s.d.Decode(&raw); err != nil {
			return cutOff(err)
		}
		if names := columnNames(s.naming, raw); namesText(s.naming, names) {
			s.names = names
		}
		return nil
	case depth == 0 && known && a.field == fieldText && a.rank < clearRank:
		s.columns = kind == '{'
		return errComplaint
	case kind == '[':
		return s.list(name, depth)
	case kind == '{' && depth+1 < maxWrapDepth && !slices.Contains(wrappers, name):
		return s.object(depth + 1)
	case depth == 0 && known && kind != '{':
		s.fields++
		s.text = s.text || a.field == fieldText
	}
	return s.skip()
}

// list stops at rows and passes over any other list.
func (s *wrapper) list(name string, depth int) error {
	if _, err := s.d.Token(); err != nil {
		return cutOff(err)
	}
	kind := s.kind()
	switch {
	case kind == 0:
		return io.ErrUnexpectedEOF
	case slices.Contains(rowLists, name) && (kind == '{' || kind == '[' || kind == ']'):
		return errRows
	case kind == '{' && s.other == nil:
		s.other = slices.Clone(s.path[:depth+1])
	}
	for s.d.More() {
		if err := s.skip(); err != nil {
			return err
		}
	}
	_, err := s.d.Token()
	return cutOff(err)
}

// kind is the first byte of the value at hand, 0 if it is not in memory.
func (s *wrapper) kind() byte {
	rest := bytes.TrimLeft(s.b[s.d.InputOffset():], " \t\r\n:,")
	if len(rest) == 0 {
		return 0
	}
	return rest[0]
}

// skip passes over the value at hand.
func (s *wrapper) skip() error {
	var raw json.RawMessage
	return cutOff(s.d.Decode(&raw))
}

// cutOff makes one error of the two that a decoder has for an end too early.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// shown is the path of a member for an error. A name that may be somebody's text is not shown.
func shown(path []string) string {
	names := slices.Clone(path)
	for i, name := range names {
		if len(name) > maxNameBytes || strings.Count(name, " ") > 3 {
			names[i] = fmt.Sprintf("(a name of %d bytes)", len(name))
		}
	}
	return fmt.Sprintf("%q", strings.Join(names, "."))
}

// namesText says whether one of the names is that of the text.
func namesText(naming naming, names []string) bool {
	_, err := newHeader(naming, names)
	return err == nil
}

// columnNames reads a list of names, or of objects that have one.
func columnNames(naming naming, raw json.RawMessage) []string {
	var names []string
	if json.Unmarshal(raw, &names) == nil {
		return names
	}
	var columns []struct {
		FieldName string `json:"fieldName"`
		Name      string `json:"name"`
	}
	if json.Unmarshal(raw, &columns) != nil {
		return nil
	}
	names = nil
	for _, c := range columns {
		if _, ok := naming.of(c.FieldName); ok || c.Name == "" {
			names = append(names, c.FieldName)
			continue
		}
		names = append(names, c.Name)
	}
	return names
}

// leave goes behind the list, and the objects around it.
func (j *jsonRows) leave() error {
	j.inList, j.names = false, nil
	inString, escaped := false, false
	for j.depth > 0 {
		b := j.w.bytes()
		for i, c := range b {
			switch {
			case escaped:
				escaped = false
			case inString:
				escaped, inString = c == '\\', c != '"'
			case c == '"':
				inString = true
			case c == '{' || c == '[':
				j.depth++
			case c == '}' || c == ']':
				j.depth--
			}
			if j.depth == 0 {
				b = b[:i+1]
				break
			}
		}
		j.w.advance(len(b))
		if j.depth == 0 {
			return j.another()
		}
		if j.w.final() {
			return fmt.Errorf("the object around the list is not closed: %w", io.ErrUnexpectedEOF)
		}
		if err := j.w.more(); err != nil {
			return err
		}
	}
	return nil
}

// another goes into the next answer, where a file holds one behind the other.
func (j *jsonRows) another() error {
	for {
		b := j.w.bytes()
		rest := bytes.TrimLeft(b, between)
		j.w.advance(len(b) - len(rest))
		switch {
		case len(rest) > 0 && rest[0] == '{' && !j.isMapped():
			return j.enter()
		case len(rest) > 0 || j.w.final():
			return nil
		}
		if err := j.w.more(); err != nil {
			return err
		}
	}
}

var errNoNames = errors.New("the rows are lists, and neither a member of the file nor the first list names the column of the text")

// decodeList makes a complaint of a list of values. The first list of a file
// that names no columns is their names.
func (j *jsonRows) decodeList(value []byte, line int) (c schema.Complaint, dropped []string, err error) {
	value, err = j.notes.text(value, line)
	if err != nil {
		return c, nil, err
	}
	var values []json.RawMessage
	if err := unmarshal(value, &values); err != nil {
		return c, nil, err
	}
	if j.names == nil {
		if json.Unmarshal(value, &j.names) != nil {
			return c, nil, errNoNames
		}
		if !namesText(j.notes.naming, j.names) {
			return c, nil, errNoNames
		}
		return c, nil, errRepeatedHeader
	}
	if len(values) > len(j.names) {
		return c, nil, fmt.Errorf("it has %d values, the columns are %d", len(values), len(j.names))
	}
	m := members{}
	for i, v := range values {
		if _, ok := m[j.names[i]]; !ok {
			m[j.names[i]] = v
		}
	}
	if dropped, err = fill(j.notes.naming, &c, m); err != nil {
		return c, nil, err
	}
	c.Extra = j.notes.extraOf(m)
	dropped = append(dropped, j.notes.tidy(&c, line)...)
	return c, dropped, nil
}
