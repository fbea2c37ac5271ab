package schema

import (
	"cmp"
	"math"
	"time"
)

// Label is a message of the labels topic: what a person, or a system that knows,
// says the category of a complaint is. Of several of one complaint the newest
// wins, see [LabelRow.Newer].
type Label struct {
	ComplaintID string  `json:"complaint_id"`
	Category    *string `json:"category"`    // a name of the taxonomy; nil withdraws what was said before
	Taxonomy    string  `json:"taxonomy"`    // its ID
	LabelledBy  string  `json:"labelled_by"` // who says so
	LabelledAt  Time    `json:"labelled_at"`
	Source      string  `json:"source"` // where it was said: review, api, the name of another system

	// What was shown to the person, absent where nothing was.
	PredictedCategory    string       `json:"predicted_category,omitempty"`
	PredictedProbability *float64     `json:"predicted_probability,omitempty"` // 0 to 1
	ModelVersion         string       `json:"model_version,omitempty"`
	ReviewReason         ReviewReason `json:"review_reason,omitempty"`
}

// ReviewReason is why a complaint was shown to a person, empty if it was not.
type ReviewReason string

// The reasons.
const (
	ReviewUncertain ReviewReason = "uncertain" // the model was not sure
	ReviewAudit     ReviewReason = "audit"     // it was drawn, whatever the model said
)

// DecodeLabel reads a message of the labels topic. Fields that it does not know are
// ignored; null means absent, but in category it withdraws. The error, if any, is a
// *[Rejection].
//
// The texts share the memory of the value, which must not change while they are in use.
func DecodeLabel(value []byte) (Label, error) {
	if value == nil {
		return Label{}, reject(ReasonTombstone, "the value is null; a label with the category null withdraws")
	}
	l := Label{LabelledAt: math.MinInt64}
	err := l.decode(value, func(d *Decoder, _ string) error { return d.Skip() })
	if err == nil {
		err = l.Check()
	}
	return l, err
}

// DecodeNewLabel reads a label that is to be published, as DecodeLabel does, but that
// a field that it does not know is refused: a slip in a name would be lost in
// silence. What the value does not say stays as in the given label. See
// [Label.Complete] for what is wrong with the label itself.
func DecodeNewLabel(value []byte, l Label) (Label, error) {
	err := l.decode(value, func(_ *Decoder, name string) error { return reject(ReasonWrongType, "field %.40q is unknown", name) })
	return l, err
}

func (l *Label) decode(value []byte, unknown func(d *Decoder, name string) error) error {
	named := false
	err := DecodeObject(value, func(d *Decoder, name string) error {
		named = named || name == "category"
		return l.decodeField(d, name, unknown)
	})
	if err == nil && !named {
		err = reject(ReasonWrongType, "field category is missing; null withdraws")
	}
	return err
}

func (l *Label) decodeField(d *Decoder, name string, unknown func(d *Decoder, name string) error) error {
	switch name {
	case "complaint_id":
		return d.stringField(name, &l.ComplaintID)
	case "category":
		l.Category = nil
		if d.Kind() == "null" {
			return d.Skip()
		}
		l.Category = new(string)
		return d.stringField(name, l.Category)
	case "taxonomy":
		return d.stringField(name, &l.Taxonomy)
	case "labelled_by":
		return d.stringField(name, &l.LabelledBy)
	case "labelled_at":
		return d.timeField(name, &l.LabelledAt)
	case "source":
		return d.stringField(name, &l.Source)
	case "predicted_category":
		return d.stringField(name, &l.PredictedCategory)
	case "predicted_probability":
		if d.Kind() == "null" {
			return d.Skip()
		}
		l.PredictedProbability = new(float64)
		return d.floatField(name, l.PredictedProbability)
	case "model_version":
		return d.stringField(name, &l.ModelVersion)
	case "review_reason":
		return d.stringField(name, (*string)(&l.ReviewReason))
	}
	return unknown(d, name)
}

// Check says what is wrong with the label as a message: its *[Rejection], or nil.
func (l *Label) Check() error {
	missing := func(field string) error { return reject(ReasonWrongType, "field %s is missing or empty", field) }
	switch {
	case l.ComplaintID == "":
		return missing("complaint_id")
	case l.Category != nil && *l.Category == "":
		return reject(ReasonWrongType, "field category is empty; null withdraws")
	case l.Taxonomy == "":
		return missing("taxonomy")
	case l.LabelledBy == "":
		return missing("labelled_by")
	case l.LabelledAt == math.MinInt64:
		return missing("labelled_at")
	case int64(l.LabelledAt) < firstMoment || int64(l.LabelledAt) > lastMoment:
		return reject(ReasonBadDate, "labelled_at is not within the years 1 to 9999")
	case l.Source == "":
		return missing("source")
	case l.PredictedProbability != nil && !isProbability(*l.PredictedProbability):
		return reject(ReasonWrongType, "predicted_probability %v is not within 0 and 1", *l.PredictedProbability)
	}
	switch l.ReviewReason {
	case "", ReviewUncertain, ReviewAudit:
		return nil
	}
	return reject(ReasonWrongType, "review_reason is neither %s nor %s", ReviewUncertain, ReviewAudit)
}

// maxClockSkew is how much later than now a label may be said to be made.
const maxClockSkew = 5 * time.Minute

// Complete makes a label of the taxonomy ready to be published: it fills in the
// taxonomy's ID and writes the category, which may come as one of its labels, by
// its name. The error says what keeps it from being published; a label of later
// than now is refused, since it would win over all that people say until then.
func (l *Label) Complete(t *Taxonomy, now time.Time) error {
	l.Taxonomy = cmp.Or(l.Taxonomy, t.ID())
	if err := l.Check(); err != nil {
		return err
	}
	if l.Taxonomy != t.ID() {
		return reject(ReasonWrongType, "the taxonomy is not %s, of which the categories are known here", t.ID())
	}
	if l.LabelledAt > TimeOf(now.Add(maxClockSkew)) {
		return reject(ReasonBadDate, "labelled_at lies in the future: it would win over all labels until then")
	}
	if l.Category == nil {
		return nil
	}
	code, ok := t.Code(*l.Category)
	if !ok {
		return reject(ReasonWrongType, "the category is none of taxonomy %s", t.ID())
	}
	l.Category = new(t.CategoryName(code))
	return nil
}

// AppendJSON appends the message to buf.
func (l *Label) AppendJSON(buf []byte) []byte {
	e := encoder{buf: buf, open: '{'}
	e.text("complaint_id", l.ComplaintID)
	if l.Category == nil {
		e.name("category")
		e.buf = append(e.buf, "null"...)
	} else {
		e.text("category", *l.Category)
	}
	e.text("taxonomy", l.Taxonomy)
	e.text("labelled_by", l.LabelledBy)
	e.time("labelled_at", l.LabelledAt)
	e.text("source", l.Source)
	e.optional("predicted_category", l.PredictedCategory)
	if l.PredictedProbability != nil {
		e.float("predicted_probability", *l.PredictedProbability)
	}
	e.optional("model_version", l.ModelVersion)
	e.optional("review_reason", string(l.ReviewReason))
	return append(e.buf, '}')
}

// LabelRow is one row of labels: a message of the labels topic. The tags are those
// of parquet-go. A nil pointer is NULL.
//
// A record that is no label has its row too, so that rows and records can be
// counted against each other: RecordError says what is wrong with it, and all that
// could not be read is NULL or zero.
type LabelRow struct {
	ComplaintID string  `parquet:"complaint_id"`
	Category    *string `parquet:"category,optional,dict"` // NULL withdraws
	Taxonomy    string  `parquet:"taxonomy,dict"`
	LabelledBy  string  `parquet:"labelled_by,dict"`
	LabelledAt  int64   `parquet:"labelled_at,timestamp(millisecond)"`
	Source      string  `parquet:"source,dict"`

	PredictedCategory    *string  `parquet:"predicted_category,optional,dict"`
	PredictedProbability *float64 `parquet:"predicted_probability,optional"`
	ModelVersion         *string  `parquet:"model_version,optional,dict"`
	ReviewReason         *string  `parquet:"review_reason,optional,dict"`

	KafkaPartition int32   `parquet:"kafka_partition"` // of the labels topic
	KafkaOffset    int64   `parquet:"kafka_offset"`
	KafkaTimestamp int64   `parquet:"kafka_timestamp,timestamp(millisecond)"`
	RecordError    *string `parquet:"record_error,optional,dict"`
}

// Newer says whether the row wins over another of the same complaint: by when it
// was labelled, then by its offset. Labels of a complaint share a partition, since
// its id is their key.
func (r *LabelRow) Newer(than *LabelRow) bool {
	return cmp.Or(cmp.Compare(r.LabelledAt, than.LabelledAt), cmp.Compare(r.KafkaOffset, than.KafkaOffset)) > 0
}
