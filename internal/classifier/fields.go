package classifier

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"complaints/schema"
)

// Fields is what is known of a complaint at its intake, beside the text. An empty
// field is an absent one.
type Fields struct {
	Company string `json:"company,omitempty"`
}

// FieldsOf are the fields of a complaint that models may use.
func FieldsOf(c *schema.Complaint) Fields { return Fields{Company: c.Company} }

// Normal are the fields in the form in which tables have them.
func (f Fields) Normal() Fields { return Fields{Company: string(AppendCompany(nil, f.Company))} }

// intakeFields are the fields that a model may use, each with its value in the form
// in which tables have it. A field that comes later than the complaint, or says what
// it is about (product, issue, the company's response), must never be one: it is the
// answer, or follows from it.
var intakeFields = map[string]func(f Fields, buf []byte) []byte{
	"company": func(f Fields, buf []byte) []byte { return AppendCompany(buf, f.Company) },
}

// CheckFields says whether a model may use the fields.
func CheckFields(names []string) error {
	for i, n := range names {
		if intakeFields[n] == nil {
			return fmt.Errorf("%q cannot be a feature: it is not known when a complaint comes in, or it is not made for it", n)
		}
		if slices.Contains(names[:i], n) {
			return fmt.Errorf("field %q is named twice", n)
		}
	}
	return nil
}

// fillWords are parts of company names that do not tell companies apart: legal
// forms, and what owners add or leave out.
var fillWords = func() map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq("inc incorporated llc lc corp corporation co company ltd limited lp llp pllc pc plc na fsb ssb" +
		" the of and holdings holding group intermediate association dba") {
		words[w] = true
	}
	return words
}()

// AppendCompany appends a company's name in the form in which tables have it: words
// in lower case, without fill words, with one space between them. A name that has
// nothing but fill words keeps them. It is idempotent, and allocates nothing
// if buf has room. Trainer and consumer share it.
func AppendCompany(buf []byte, name string) []byte {
	start := len(buf)
	if buf = appendNameWords(buf, name, true); len(buf) == start {
		buf = appendNameWords(buf, name, false)
	}
	return buf
}

func appendNameWords(buf []byte, name string, drop bool) []byte {
	start := len(buf)
	previous := -1 // where the last word begins, -1 for none
	for rest := name; ; {
		from := len(buf)
		if from > start {
			buf = append(buf, ' ')
		}
		word := len(buf)
		buf, rest = appendNameWord(buf, rest)
		switch {
		case word == len(buf):
			return buf[:from]
		case !drop || !fillWords[string(buf[word:])]:
			previous = word
		case string(buf[word:]) == "association" && previous >= 0 && string(buf[previous:from]) == "national":
			buf = buf[:max(previous-1, start)]
			previous = -1
		default:
			buf = buf[:from]
		}
	}
}

// appendNameWord appends the first word of name, in lower case, and returns the
// rest of name behind it. Dots and apostrophes do not end a word.
func appendNameWord(buf []byte, name string) (out []byte, rest string) {
	start := len(buf)
	for i, r := range name {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			buf = utf8.AppendRune(buf, unicode.ToLower(r))
		case r == '.' || r == '\'' || r == '’':
		case len(buf) > start:
			return buf, name[i:]
		}
	}
	return buf, ""
}

// fieldScores are the scores of a field's values.
type fieldScores struct {
	name   string
	value  func(f Fields, buf []byte) []byte
	scores map[string]Weights
}

// newFieldScores checks the tables of fields and builds their lookups.
func newFieldScores(fields []Field) ([]fieldScores, error) {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	if err := CheckFields(names); err != nil {
		return nil, err
	}
	out := make([]fieldScores, len(fields))
	for i, f := range fields {
		out[i] = fieldScores{f.Name, intakeFields[f.Name], make(map[string]Weights, len(f.Values))}
		for _, v := range f.Values {
			if _, twice := out[i].scores[v.Name]; twice || v.Name == "" {
				return nil, fmt.Errorf("field %s has the value %q twice, or it is empty", f.Name, v.Name)
			}
			out[i].scores[v.Name] = v.Scores
		}
	}
	return out, nil
}

// addFields fills in the scores of the fields: zero for a value that is absent or
// unknown, so that absence tells nothing.
func (f *Features) addFields(fields Fields, s *Scratch) {
	at := ScoreColumns(f.classes)
	for i := range f.fields {
		field := &f.fields[i]
		s.name = field.value(fields, s.name[:0])
		scores := s.scores[at : at+f.classes]
		clear(scores)
		for k, w := range field.scores[string(s.name)] {
			scores[k] = w.Float()
		}
		at += f.classes
	}
}
