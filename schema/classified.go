package schema

import (
	"bytes"
	"encoding/json"
	"time"
)

// Classified is a message of the classified topic: the complaint, what the
// model says of it, and where it came from.
type Classified struct {
	Complaint
	Category      string        `json:"category"`
	CategoryCode  int           `json:"category_code"`
	Probability   float64       `json:"probability"` // of the category, 0 to 1
	Probabilities Probabilities `json:"probabilities"`
	NeedsReview   bool          `json:"needs_review"`
	ModelVersion  string        `json:"model_version"`
	ClassifiedAt  Time          `json:"classified_at"`
	Source
}

// Source says which message of the complaints topic a result is of.
type Source struct {
	Topic     string `json:"source_topic"`
	TopicID   string `json:"source_topic_id"` // 32 hex digits
	Partition int32  `json:"source_partition"`
	Offset    int64  `json:"source_offset"`
	Timestamp Time   `json:"source_timestamp"` // of the record, as Kafka keeps it
}

// Probabilities are the five probabilities, named so that a reader needs no
// list of codes. They sum to 1.
type Probabilities struct {
	CreditReporting         float64 `json:"Credit Reporting"`
	DebtCollection          float64 `json:"Debt Collection"`
	Loans                   float64 `json:"Loans"`
	CreditCardServices      float64 `json:"Credit Card Services"`
	BankAccountsAndServices float64 `json:"Bank Accounts and Services"`
}

// ByCode returns the probabilities in the order of the category codes.
func (p Probabilities) ByCode() [NumCategories]float64 {
	return [NumCategories]float64{p.CreditReporting, p.DebtCollection, p.Loans, p.CreditCardServices, p.BankAccountsAndServices}
}

// ProbabilitiesOf names probabilities that stand in the order of the codes.
func ProbabilitiesOf(p [NumCategories]float64) Probabilities {
	return Probabilities{p[0], p[1], p[2], p[3], p[4]}
}

// Time is a moment in UTC with milliseconds, the precision of a Kafka
// timestamp and of an Athena column.
type Time int64

const timeLayout = "2006-01-02T15:04:05.000Z"

// TimeOf cuts t to milliseconds.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Time returns t in UTC.
func (t Time) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// MarshalJSON writes RFC 3339 in UTC with milliseconds.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(t.Time().Format(`"` + timeLayout + `"`)), nil
}

// UnmarshalJSON reads RFC 3339.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s time.Time
	if err := json.Unmarshal(b, &s); err != nil {
		return reject(ReasonBadDate, "%.40s is no RFC 3339 time", b)
	}
	*t = TimeOf(s)
	return nil
}

// AppendJSON appends the message to buf.
func (c *Classified) AppendJSON(buf []byte) ([]byte, error) {
	b := bytes.NewBuffer(buf)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		return buf, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// DecodeClassified reads a message of the classified topic. Fields that it does
// not know are ignored. The error, if any, is a *[Rejection]; it never quotes
// the narrative.
func DecodeClassified(value []byte) (Classified, error) {
	if value == nil {
		return Classified{}, reject(ReasonTombstone, "the value is null")
	}
	var c Classified
	if err := unmarshalStrict(value, &c); err != nil {
		return Classified{}, err
	}
	return c, c.check()
}

func (c *Classified) check() error {
	want, ok := ParseCategory(c.Category)
	switch {
	case c.ComplaintID == "":
		return reject(ReasonWrongType, "complaint_id is missing")
	case c.Narrative == "":
		return reject(ReasonNoText, "the narrative is missing")
	case !ok || int(want) != c.CategoryCode:
		return reject(ReasonWrongType, "category %.40q and category_code %d are not one of the five categories", c.Category, c.CategoryCode)
	case c.ModelVersion == "":
		return reject(ReasonWrongType, "model_version is missing")
	case len(c.TopicID) != 32:
		return reject(ReasonWrongType, "source_topic_id %.40q is not 32 hex digits", c.TopicID)
	case c.Probability < 0 || c.Probability > 1:
		return reject(ReasonWrongType, "probability %v is not within 0 and 1", c.Probability)
	}
	return nil
}
