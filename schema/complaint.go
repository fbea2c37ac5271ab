package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"
)

// Complaint is a message of the complaints topic. The fields are named as in
// the Bureau's public API; only the narrative is required. An absent field is
// the empty string.
type Complaint struct {
	ComplaintID             string `json:"complaint_id,omitempty"`
	DateReceived            string `json:"date_received,omitempty"` // YYYY-MM-DD
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
	DateSentToCompany       string `json:"date_sent_to_company,omitempty"` // YYYY-MM-DD
	CompanyResponse         string `json:"company_response,omitempty"`
	Timely                  string `json:"timely,omitempty"`            // Yes or No
	ConsumerDisputed        string `json:"consumer_disputed,omitempty"` // Yes, No or N/A
	Extra                   Extra  `json:"extra,omitempty"`             // what is none of these fields
}

// Limits of a message. Zero values mean the defaults.
const (
	// MaxDepth is how deep a message may nest objects and lists.
	MaxDepth = 32
	// DefaultMaxTextBytes is the longest narrative that is classified, in
	// bytes of UTF-8; the longest of the Bureau's database has about 33,000.
	DefaultMaxTextBytes = 128 << 10
)

// DecodeComplaint is [Mapping.Decode] of a message with the Bureau's names.
func DecodeComplaint(value []byte, maxTextBytes int) (Complaint, error) {
	c, _, err := BureauMapping().Decode(value, maxTextBytes)
	return c, err
}

// AppendJSON appends the message to buf.
func (c *Complaint) AppendJSON(buf []byte) []byte {
	e := encoder{buf: buf, open: '{'}
	c.encode(&e)
	return append(e.buf, '}')
}

func (c *Complaint) encode(e *encoder) {
	e.optional("complaint_id", c.ComplaintID)
	e.optional("date_received", c.DateReceived)
	e.optional("product", c.Product)
	e.optional("sub_product", c.SubProduct)
	e.optional("issue", c.Issue)
	e.optional("sub_issue", c.SubIssue)
	e.text("narrative", c.Narrative)
	e.optional("company_public_response", c.CompanyPublicResponse)
	e.optional("company", c.Company)
	e.optional("state", c.State)
	e.optional("zip_code", c.ZipCode)
	e.optional("tags", c.Tags)
	e.optional("consumer_consent_provided", c.ConsumerConsentProvided)
	e.optional("submitted_via", c.SubmittedVia)
	e.optional("date_sent_to_company", c.DateSentToCompany)
	e.optional("company_response", c.CompanyResponse)
	e.optional("timely", c.Timely)
	e.optional("consumer_disputed", c.ConsumerDisputed)
	if c.Extra != "" {
		e.name("extra")
		e.buf = append(e.buf, c.Extra...)
	}
}

// Check says why the consumer would refuse the complaint: its *[Rejection], or nil. Zero means DefaultMaxTextBytes.
func (c *Complaint) Check(maxTextBytes int) error { return c.check(maxTextBytes) }

func (c *Complaint) check(maxTextBytes int) error {
	if c.Narrative == "" {
		return reject(ReasonNoText, "there is no narrative (nor complaint_what_happened), or it is empty; if the text has another name, say it by --mapping FILE")
	}
	if r := CheckText(c.Narrative, maxTextBytes); r != nil {
		return r
	}
	return nil
}

// CheckText says why a text cannot be classified, or returns nil. maxBytes is of
// UTF-8; 0 means [DefaultMaxTextBytes]. The stream dead-letters and HTTP refuses
// by this one check, so that a text gets the same answer from both.
func CheckText(text string, maxBytes int) *Rejection {
	if maxBytes <= 0 {
		maxBytes = DefaultMaxTextBytes
	}
	switch {
	case text == "":
		return reject(ReasonNoText, "the text is empty")
	case strings.TrimSpace(text) == "":
		return reject(ReasonBlankText, "the text has %d bytes, all white space", len(text))
	case len(text) > maxBytes:
		return reject(ReasonTextTooLong, "the text has %d bytes, the limit is %d", len(text), maxBytes)
	case onlyMasks(text):
		return reject(ReasonOnlyMasks, "the text has no letter or digit outside masks")
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

// onlyMasks says whether a text has nothing but the Bureau's masks (XXXX,
// XX/XX/XXXX), white space and punctuation.
func onlyMasks(text string) bool {
	for _, r := range text {
		if r != 'X' && r != 'x' && isContent(r) {
			return false
		}
	}
	return true
}

// isContent says whether a character can carry meaning. Beyond ASCII that is all
// but the blocks of punctuation and symbols, a rule that JSON Schema can state too.
func isContent(r rune) bool {
	switch {
	case r < 0x80:
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	case r < 0xC0, r == 0xD7, r == 0xF7, r == 0x1680, 0x2000 <= r && r <= 0x2BFF, 0x3000 <= r && r <= 0x303F, r == 0xFEFF, r == utf8.RuneError:
		return false
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
