package complaintfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"complaints/schema"
)

// jsonRows reads JSON objects one after another, whether on a line each, over
// several lines, or in a list. An object ends with its brace; what follows a
// broken one is read again from the next line that begins with a brace.
type jsonRows struct {
	w       *window
	inList  bool
	damaged bool // the last object was broken; what is no object is passed over
}

var (
	errControl  = errors.New("a string is not closed on its line")
	errNextOpen = errors.New("the object does not end before the next begins")
	errNoEnd    = errors.New("the object does not end")
	errNoObject = errors.New("it is no JSON object")
	errTooDeep  = fmt.Errorf("it nests deeper than %d, the limit", maxDepth)
)

// maxDepth is how deep an object may nest. No complaint needs it, but it bounds
// the work on a broken file: without it, each of the lines that open an object
// and never close it would be read again from each of those before.
const maxDepth = 64

func newJSONRows(w *window) *jsonRows {
	j := &jsonRows{w: w}
	if b := w.bytes(); b[0] == '[' {
		j.inList = true
		w.advance(1)
	}
	return j
}

func (j *jsonRows) next() (Row, error) {
	for {
		if err := j.toValue(); err != nil {
			return Row{}, err
		}
		line := j.w.line
		n, err := j.read()
		var c schema.Complaint
		if err == nil {
			c, err = DecodeJSON(j.w.bytes()[:n])
			j.w.advance(n)
			j.damaged = false
			if err != nil {
				return Row{}, &rowFault{line, err}
			}
			return Row{Complaint: c, Line: line, Bytes: n}, nil
		}
		if !isObjectFault(err) {
			return Row{}, err
		}
		if skipErr := j.w.skipLine(); skipErr != nil {
			return Row{}, skipErr
		}
		if !j.damaged {
			j.damaged = true
			return Row{}, &rowFault{line, err}
		}
	}
}

func isObjectFault(err error) bool {
	return errors.Is(err, errControl) || errors.Is(err, errNextOpen) || errors.Is(err, errNoEnd) || errors.Is(err, errNoObject) ||
		errors.Is(err, errTooDeep) || errors.Is(err, errTooLong)
}

// toValue passes over what stands between objects.
func (j *jsonRows) toValue() error {
	for {
		b := j.w.bytes()
		rest := bytes.TrimLeft(b, " \t\r\n,")
		j.w.advance(len(b) - len(rest))
		switch {
		case len(rest) > 0 && rest[0] == ']' && j.inList:
			j.inList = false
			j.w.advance(1)
		case len(rest) > 0:
			return nil
		case j.w.final() && j.inList:
			return fmt.Errorf("the list is not closed: %w", io.ErrUnexpectedEOF)
		case j.w.final():
			return io.EOF
		default:
			if err := j.w.more(); err != nil {
				return err
			}
		}
	}
}

// read returns the length of the object at hand.
func (j *jsonRows) read() (int, error) {
	if j.w.bytes()[0] != '{' {
		return 0, errNoObject
	}
	var s objectScan
	for {
		end, err := s.scan(j.w.bytes())
		if err != nil || end > 0 {
			return end, err
		}
		if j.w.final() {
			return 0, errNoEnd
		}
		if err := j.w.more(); err != nil {
			return 0, err
		}
	}
}

// objectScan finds the end of an object whose bytes come piece by piece.
type objectScan struct {
	i        int // how far it came
	depth    int
	inString bool
}

// scan goes on in b, which begins as before and may be longer. It returns the
// length of the object, 0 while the end is not in b.
func (s *objectScan) scan(b []byte) (int, error) {
	for ; s.i < len(b); s.i++ {
		c := b[s.i]
		if s.inString {
			switch c {
			case '"':
				s.inString = false
			case '\\':
				if s.i+1 == len(b) {
					return 0, nil // look again when the next byte is there
				}
				s.i++
			case '\n':
				return 0, errControl
			}
			continue
		}
		switch c {
		case '"':
			s.inString = true
		case '{', '[':
			// Nothing that writes JSON puts a brace inside an object at the start of a line.
			if c == '{' && s.i > 0 && b[s.i-1] == '\n' {
				return 0, errNextOpen
			}
			if s.depth++; s.depth > maxDepth {
				return 0, errTooDeep
			}
		case '}', ']':
			if s.depth--; s.depth == 0 {
				return s.i + 1, nil
			}
		}
	}
	return 0, nil
}

// DecodeJSON reads one complaint from a JSON object: fields as in the Bureau's
// API or as in its CSV, alone or in the wrapper of a search hit (_source).
// Numbers and booleans are taken where a text is expected. The narrative may be
// absent; the id then too.
func DecodeJSON(value []byte) (schema.Complaint, error) {
	var c schema.Complaint
	if !utf8.Valid(value) {
		return c, errors.New("it is not UTF-8")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(value, &members); err != nil {
		return c, fmt.Errorf("JSON: %w", err)
	}
	var hitID json.RawMessage
	if source, ok := members["_source"]; ok {
		hitID = members["_id"]
		if members = nil; json.Unmarshal(source, &members) != nil {
			return c, errors.New("_source is no object")
		}
	}
	if hits, ok := members["hits"]; ok && hits[0] == '{' {
		return c, errors.New("it is a page of the search API's answer: take its hits, by jq -c '.hits.hits[]'")
	}
	if err := fill(&c, members); err != nil {
		return c, err
	}
	if c.ComplaintID == "" && hitID != nil {
		var err error
		if c.ComplaintID, err = asText(hitID); err != nil {
			return c, fmt.Errorf("field _id: %w", err)
		}
	}
	tidy(&c)
	return c, nil
}

// fill sets the fields of c; where two members stand for one field, the more
// telling that is not empty counts.
func fill(c *schema.Complaint, members map[string]json.RawMessage) error {
	var ranks [len(fields)]int
	for name, value := range members {
		a, ok := aliases[fold(name)]
		if !ok {
			continue
		}
		s, err := asText(value)
		if err != nil {
			return fmt.Errorf("field %.40q: %w", name, err)
		}
		into := fields[a.field].of(c)
		if strings.TrimSpace(s) == "" || (*into != "" && !moreTelling(a.rank, ranks[a.field], s, *into)) {
			continue
		}
		*into, ranks[a.field] = s, a.rank
	}
	return nil
}

// moreTelling does not depend on the order of members, which is random.
func moreTelling(rank, than int, value, old string) bool {
	if rank != than {
		return rank < than
	}
	return value < old
}

// asText turns a JSON value into text. A list becomes its texts with commas,
// as the Bureau's CSV has tags.
func asText(value json.RawMessage) (string, error) {
	switch value[0] {
	case 'n': // null
		return "", nil
	case 't':
		return "Yes", nil
	case 'f':
		return "No", nil
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
		return "", errors.New("an object, want a text")
	}
	return string(value), nil
}
