package schema

import (
	"math"
	"strconv"
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

// TimeOfMillis is the moment of a Kafka timestamp, or the nearest that RFC 3339 can
// write: such a timestamp may lie out of the years 1 to 9999.
func TimeOfMillis(unixMilli int64) Time { return Time(min(max(unixMilli, firstMoment), lastMoment)) }

// Time returns t in UTC.
func (t Time) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// MarshalJSON writes RFC 3339 in UTC with milliseconds.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.Time().AppendFormat(nil, `"`+timeLayout+`"`), nil
}

// UnmarshalJSON reads RFC 3339.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s time.Time
	if err := s.UnmarshalJSON(b); err != nil {
		return err
	}
	*t = TimeOf(s)
	return nil
}

// AppendJSON appends the message to buf.
func (c *Classified) AppendJSON(buf []byte) []byte {
	e := encoder{buf: buf, open: '{'}
	c.Complaint.encode(&e)
	e.text("category", c.Category)
	e.int("category_code", int64(c.CategoryCode))
	e.float("probability", c.Probability)
	e.name("probabilities")
	e.open = '{'
	for code, p := range c.Probabilities.ByCode() {
		e.float(categoryNames[code], p)
	}
	e.buf = append(e.buf, '}')
	e.name("needs_review")
	e.buf = strconv.AppendBool(e.buf, c.NeedsReview)
	e.text("model_version", c.ModelVersion)
	e.time("classified_at", c.ClassifiedAt)
	e.text("source_topic", c.Topic)
	e.text("source_topic_id", c.TopicID)
	e.int("source_partition", int64(c.Partition))
	e.int("source_offset", c.Offset)
	e.time("source_timestamp", c.Timestamp)
	return append(e.buf, '}')
}

// DecodeClassified reads a message of the classified topic. Fields that it does
// not know are ignored. The error, if any, is a *[Rejection]; it never quotes
// the narrative.
//
// The texts share the memory of the value, which must not change while they are in use.
func DecodeClassified(value []byte) (Classified, error) {
	return decodeClassified(value, true)
}

// DecodeClassifiedWithoutText is DecodeClassified for who does not need the
// narrative, which it leaves as it stands in the JSON, escapes and all.
func DecodeClassifiedWithoutText(value []byte) (Classified, error) {
	return decodeClassified(value, false)
}

func decodeClassified(value []byte, wantNarrative bool) (Classified, error) {
	if value == nil {
		return Classified{}, reject(ReasonTombstone, "the value is null")
	}
	c := absent
	field := c.decodeField
	if !wantNarrative {
		field = func(d *Decoder, name string) error {
			if name == "narrative" && d.Kind() == "string" {
				var err error
				c.Narrative, err = d.raw()
				return err
			}
			return c.decodeField(d, name)
		}
	}
	if err := DecodeObject(value, field); err != nil {
		return Classified{}, err
	}
	err := c.check()
	return c, err
}

func (c *Classified) decodeField(d *Decoder, name string) error {
	if into := c.field(name); into != nil {
		return d.stringField(name, into)
	}
	var n int64
	var err error
	switch name {
	case "category":
		return d.stringField(name, &c.Category)
	case "category_code":
		err = d.intField(name, 32, &n)
		c.CategoryCode = int(n)
	case "probability":
		return d.floatField(name, &c.Probability)
	case "probabilities":
		if d.Kind() != "object" {
			return d.wrongType(name, "object")
		}
		return d.object(c.Probabilities.decodeField)
	case "needs_review":
		return d.boolField(name, &c.NeedsReview)
	case "model_version":
		return d.stringField(name, &c.ModelVersion)
	case "classified_at":
		return d.timeField(name, &c.ClassifiedAt)
	default:
		return c.Source.decodeField(d, name)
	}
	return err
}

func (p *Probabilities) decodeField(d *Decoder, name string) error {
	switch name {
	case categoryNames[CreditReporting]:
		return d.floatField(name, &p.CreditReporting)
	case categoryNames[DebtCollection]:
		return d.floatField(name, &p.DebtCollection)
	case categoryNames[Loans]:
		return d.floatField(name, &p.Loans)
	case categoryNames[CreditCardServices]:
		return d.floatField(name, &p.CreditCardServices)
	case categoryNames[BankAccountsAndServices]:
		return d.floatField(name, &p.BankAccountsAndServices)
	}
	return d.Skip()
}

func (s *Source) decodeField(d *Decoder, name string) error {
	var n int64
	var err error
	switch name {
	case "source_topic":
		return d.stringField(name, &s.Topic)
	case "source_topic_id":
		return d.stringField(name, &s.TopicID)
	case "source_partition":
		err = d.intField(name, 32, &n)
		s.Partition = int32(n)
	case "source_offset":
		return d.intField(name, 64, &s.Offset)
	case "source_timestamp":
		return d.timeField(name, &s.Timestamp)
	default:
		return d.Skip()
	}
	return err
}

// absent has a value that no message may have in each required field, so that
// check sees which are missing.
var absent = Classified{
	CategoryCode:  -1,
	Probability:   -1,
	Probabilities: Probabilities{-1, -1, -1, -1, -1},
	ClassifiedAt:  math.MinInt64,
	Source:        Source{Partition: -1, Offset: -1, Timestamp: math.MinInt64},
}

func (c *Classified) check() error {
	missing := func(field string) error { return reject(ReasonWrongType, "field %s is missing or empty", field) }
	switch {
	case c.ComplaintID == "":
		return missing("complaint_id")
	case c.Narrative == "":
		return reject(ReasonNoText, "the narrative is missing")
	case c.CategoryCode < 0 || c.CategoryCode >= NumCategories || categoryNames[c.CategoryCode] != c.Category:
		return reject(ReasonWrongType, "category %.40q with category_code %d is none of the five", c.Category, c.CategoryCode)
	case c.ModelVersion == "":
		return missing("model_version")
	case c.ClassifiedAt == absent.ClassifiedAt:
		return missing("classified_at")
	case c.Source.Timestamp == absent.Source.Timestamp:
		return missing("source_timestamp")
	case c.Topic == "":
		return missing("source_topic")
	case !isTopicID(c.TopicID):
		return reject(ReasonWrongType, "source_topic_id %.40q is not 32 hex digits", c.TopicID)
	case c.Partition < 0 || c.Offset < 0:
		return reject(ReasonWrongType, "source_partition %d or source_offset %d is missing or negative", c.Partition, c.Offset)
	case !isProbability(c.Probability):
		return reject(ReasonWrongType, "probability %v is not within 0 and 1", c.Probability)
	}
	for code, p := range c.Probabilities.ByCode() {
		if !isProbability(p) {
			return reject(ReasonWrongType, "probability of %s is %v, not within 0 and 1", categoryNames[code], p)
		}
	}
	return nil
}

func isProbability(p float64) bool { return p >= 0 && p <= 1 }

func isTopicID(id string) bool {
	for _, r := range id {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return len(id) == 32
}
