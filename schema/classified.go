package schema

import (
	"math"
	"slices"
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
	TrueCategory  string        `json:"true_category,omitempty"` // what the product means in the taxonomy, if anything
	Taxonomy      string        `json:"taxonomy"`                // its ID; empty in results of before there were several
	ModelVersion  string        `json:"model_version"`
	ClassifiedAt  Time          `json:"classified_at"`
	Notes         string        `json:"notes,omitempty"`      // what of the message could not be used, see [Notes]
	SourceKey     string        `json:"source_key,omitempty"` // of the message, where it is text and not the complaint's id
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

// Probabilities are those of all categories of the taxonomy, in the order of
// their codes. They sum to 1. In JSON they are an object, named by category.
type Probabilities []CategoryProbability

// CategoryProbability is the probability of one category.
type CategoryProbability struct {
	Category    string  `parquet:"key,dict"`
	Probability float64 `parquet:"value"` // 0 to 1
}

// ProbabilityMap is the column of the probabilities in a row of the lake: a map
// from category to probability.
type ProbabilityMap struct {
	Entries Probabilities `parquet:"key_value"`
}

// AppendProbabilities names probabilities that stand in the order of the codes.
func (t *Taxonomy) AppendProbabilities(to Probabilities, p []float64) Probabilities {
	for code, v := range p {
		to = append(to, CategoryProbability{t.Categories[code].Name, v})
	}
	return to
}

// AppendJSON appends the object to buf.
func (p Probabilities) AppendJSON(buf []byte) []byte {
	open := byte('{')
	for _, c := range p {
		buf = appendText(append(buf, open), c.Category)
		buf = strconv.AppendFloat(append(buf, ':'), c.Probability, 'g', -1, 64)
		open = ','
	}
	if len(p) == 0 {
		buf = append(buf, open)
	}
	return append(buf, '}')
}

// MarshalJSON writes the object.
func (p Probabilities) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil), nil }

// UnmarshalJSON reads the object.
func (p *Probabilities) UnmarshalJSON(b []byte) error {
	*p = (*p)[:0]
	return DecodeObject(b, p.decodeField)
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
	e.buf = c.Probabilities.AppendJSON(e.buf)
	e.name("needs_review")
	e.buf = strconv.AppendBool(e.buf, c.NeedsReview)
	e.optional("true_category", c.TrueCategory)
	e.optional("taxonomy", c.Taxonomy)
	e.text("model_version", c.ModelVersion)
	e.time("classified_at", c.ClassifiedAt)
	e.optional("notes", c.Notes)
	e.optional("source_key", c.SourceKey)
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
	if into := c.at(fieldOf(name)); into != nil {
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
		return d.Object(c.Probabilities.decodeField)
	case "needs_review":
		return d.boolField(name, &c.NeedsReview)
	case "true_category":
		return d.stringField(name, &c.TrueCategory)
	case "taxonomy":
		return d.stringField(name, &c.Taxonomy)
	case "model_version":
		return d.stringField(name, &c.ModelVersion)
	case "classified_at":
		return d.timeField(name, &c.ClassifiedAt)
	case "extra":
		return d.extraField(&c.Extra)
	case "notes":
		return d.stringField(name, &c.Notes)
	case "source_key":
		return d.stringField(name, &c.SourceKey)
	default:
		return c.Source.decodeField(d, name)
	}
	return err
}

// extraField reads an object as it stands.
func (d *Decoder) extraField(into *Extra) error {
	switch d.Kind() {
	case "object":
		raw, err := d.Raw()
		if err == nil && raw != "{}" {
			*into = Extra(raw)
		}
		return err
	case "null":
		return d.Skip()
	}
	return d.wrongType("extra", "object")
}

func (p *Probabilities) decodeField(d *Decoder, name string) error {
	if len(*p) == MaxCategories {
		return reject(ReasonWrongType, "probabilities has more than %d categories", MaxCategories)
	}
	if *p == nil {
		*p = make(Probabilities, 0, 8)
	}
	*p = append(*p, CategoryProbability{name, -1})
	return d.floatField(name, &(*p)[len(*p)-1].Probability)
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
	CategoryCode: -1,
	Probability:  -1,
	ClassifiedAt: math.MinInt64,
	Source:       Source{Partition: -1, Offset: -1, Timestamp: math.MinInt64},
}

func (c *Classified) check() error {
	missing := func(field string) error { return reject(ReasonWrongType, "field %s is missing or empty", field) }
	switch {
	case c.ComplaintID == "":
		return missing("complaint_id")
	case c.Narrative == "":
		return reject(ReasonNoText, "the narrative is missing")
	case !slices.ContainsFunc(c.Probabilities, func(p CategoryProbability) bool { return p.Category == c.Category }):
		return reject(ReasonWrongType, "category %.40q has no probability", c.Category)
	case c.CategoryCode < 0 || c.CategoryCode >= MaxCategories:
		return reject(ReasonWrongType, "category_code %d is not from 0 to %d", c.CategoryCode, MaxCategories-1)
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
	for _, p := range c.Probabilities {
		if !isProbability(p.Probability) {
			return reject(ReasonWrongType, "probability of %.40q is %v, not within 0 and 1", p.Category, p.Probability)
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
