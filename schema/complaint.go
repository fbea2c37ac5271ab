package schema

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Complaint is a message of the complaints topic. The fields are named as in
// the Bureau's public API; only the narrative is required. An absent field is
// the empty string.
type Complaint struct {
	ComplaintID             string `json:"complaint_id,omitempty"`
	DateReceived            string `json:"date_received,omitempty"` // YYYY-MM-DD or RFC 3339
	Product                 string `json:"product,omitempty"`
	SubProduct              string `json:"sub_product,omitempty"`
	Issue                   string `json:"issue,omitempty"`
	SubIssue                string `json:"sub_issue,omitempty"`
	Narrative               string `json:"narrative"`
	CompanyPublicResponse   string `json:"company_public_response,omitempty"`
	Company                 string `json:"company,omitempty"`
	State                   string `json:"state,omitempty"`
	ZipCode                 string `json:"zip_code,omitempty"`
	Tags                    string `json:"tags,omitempty"`
	ConsumerConsentProvided string `json:"consumer_consent_provided,omitempty"`
	SubmittedVia            string `json:"submitted_via,omitempty"`
	DateSentToCompany       string `json:"date_sent_to_company,omitempty"` // YYYY-MM-DD or RFC 3339
	CompanyResponse         string `json:"company_response,omitempty"`
	Timely                  string `json:"timely,omitempty"`            // Yes or No
	ConsumerDisputed        string `json:"consumer_disputed,omitempty"` // Yes, No or N/A
}

// Limits of a message. Zero values mean the defaults.
const (
	// MaxDepth is how deep a message may nest objects and lists.
	MaxDepth = 32
	// DefaultMaxTextBytes is the longest narrative that is classified, in
	// bytes of UTF-8; the longest of the Bureau's database has about 33,000.
	DefaultMaxTextBytes = 128 << 10
)

// wire is a complaint as it may come in: the text has a second name there, and
// null stands for an absent field.
type wire struct {
	Complaint
	Narrative             *string `json:"narrative"`
	ComplaintWhatHappened *string `json:"complaint_what_happened"`
}

// DecodeComplaint reads a message of the complaints topic. Fields that it does
// not know are ignored; null means absent. The text may also come as
// complaint_what_happened, the API's own name. A complaint without an id gets
// one derived from its content, so that a retry has the same.
//
// The error, if any, is a *[Rejection].
func DecodeComplaint(value []byte, maxTextBytes int) (Complaint, error) {
	if value == nil {
		return Complaint{}, reject(ReasonTombstone, "the value is null; publish a JSON object with a narrative")
	}
	var w wire
	if err := unmarshalStrict(value, &w); err != nil {
		return Complaint{}, err
	}
	c := w.Complaint
	text := w.Narrative
	if text == nil || (*text == "" && w.ComplaintWhatHappened != nil) {
		text = w.ComplaintWhatHappened
	}
	if text == nil {
		return Complaint{}, reject(ReasonNoText, "neither narrative nor complaint_what_happened is there")
	}
	c.Narrative = *text
	if err := c.check(maxTextBytes); err != nil {
		return Complaint{}, err
	}
	if c.ComplaintID == "" {
		c.ComplaintID = c.DerivedID()
	}
	return c, nil
}

func unmarshalStrict(value []byte, into any) error {
	if i := invalidUTF8(value); i >= 0 {
		return reject(ReasonInvalidUTF8, "byte %d is not UTF-8", i)
	}
	if d := depth(value); d > MaxDepth {
		return reject(ReasonTooDeep, "nested deeper than %d", MaxDepth)
	}
	if t := bytes.TrimLeft(value, " \t\r\n"); len(t) > 0 && t[0] != '{' && json.Valid(value) {
		return reject(ReasonNotObject, "the value is JSON, but no object")
	}
	err := json.Unmarshal(value, into)
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		return reject(ReasonWrongType, "field %s is a JSON %s, want %s", wrongType.Field, wrongType.Value, wrongType.Type)
	case errors.As(err, &syntax):
		return reject(ReasonNotJSON, "not JSON at byte %d of %d", syntax.Offset, len(value))
	}
	return reject(ReasonNotJSON, "not JSON")
}

func (c *Complaint) check(maxTextBytes int) error {
	if maxTextBytes <= 0 {
		maxTextBytes = DefaultMaxTextBytes
	}
	switch {
	case c.Narrative == "":
		return reject(ReasonNoText, "the narrative is empty")
	case strings.TrimSpace(c.Narrative) == "":
		return reject(ReasonBlankText, "the narrative has %d bytes, all white space", len(c.Narrative))
	case len(c.Narrative) > maxTextBytes:
		return reject(ReasonTextTooLong, "the narrative has %d bytes, the limit is %d", len(c.Narrative), maxTextBytes)
	case onlyMasks(c.Narrative):
		return reject(ReasonOnlyMasks, "the narrative has no letter or digit outside masks")
	}
	for _, d := range [...]struct{ field, value string }{
		{"date_received", c.DateReceived}, {"date_sent_to_company", c.DateSentToCompany},
	} {
		if _, ok := ParseDate(d.value); !ok && d.value != "" {
			return reject(ReasonBadDate, "field %s is %.32q, want YYYY-MM-DD or RFC 3339", d.field, d.value)
		}
	}
	return nil
}

// DerivedID is the id of a complaint that has none: a hash of its content.
func (c *Complaint) DerivedID() string {
	h := sha256.New()
	for _, s := range [...]string{c.Narrative, c.DateReceived, c.Product, c.SubProduct, c.Issue, c.SubIssue, c.Company, c.State, c.ZipCode} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return "sha256-" + hex.EncodeToString(h.Sum(nil)[:12])
}

// ParseDate reads a date as the Bureau writes it in its files (YYYY-MM-DD) or
// in its API (RFC 3339, whose own calendar day counts).
func ParseDate(s string) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		if t, err = time.Parse(time.RFC3339, s); err != nil {
			return time.Time{}, false
		}
		t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return t, true
}

// onlyMasks says whether a text has no letter or digit but the Bureau's masks
// (XXXX, XX/XX/XXXX).
func onlyMasks(text string) bool {
	for _, r := range text {
		if r != 'X' && r != 'x' && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return false
		}
	}
	return true
}

// invalidUTF8 returns where the first byte that is not UTF-8 stands, or -1.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// depth counts how deep objects and lists nest, strings aside.
func depth(b []byte) int {
	deepest, now, inString := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString:
			if c == '\\' {
				i++
			} else if c == '"' {
				inString = false
			}
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
