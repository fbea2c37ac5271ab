package classify

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"complaints/internal/classifier"
	"complaints/internal/kafka"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kgo"
)

// batch turns the messages of one micro-batch into results and dead letters. The
// session's goroutine owns it; only promise runs on the client's.
type batch struct {
	role    *Role
	topicID string
	model   *classifier.Classifier
	scratch *classifier.Scratch
	now     schema.Time

	labelled []int     // by category code
	certain  []float64 // the probabilities of the labels
	profile  *classifier.Profile
	review   int
	first    []schema.Classified // of each category, for the observer
	reasons  map[schema.Reason]int
	dropped  map[string]int // values that could not be used, by field
	dead     int
	deadSize int // bytes of the dead letters since the last flush

	// What was produced lies here until the transaction has ended, and then makes
	// room for the next: results cost no allocation.
	records []kgo.Record
	values  []byte
	text    []byte // of the message at hand

	probabilities schema.Probabilities // of the message at hand

	promise func(*kgo.Record, error) // made once, so that a message costs no closure
	mu      sync.Mutex
	errs    []error // guarded by mu
}

func (b *batch) init(r *Role, topicID string) {
	b.role, b.topicID = r, topicID
	b.reasons, b.dropped = make(map[schema.Reason]int), make(map[string]int)
	b.promise = func(r *kgo.Record, err error) {
		if err == nil {
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.errs = append(b.errs, kafka.ExplainProduce(r, err))
	}
}

// start begins a micro-batch of that many messages: one model for all of them.
func (b *batch) start(model *classifier.Classifier, messages int) {
	if b.model != model {
		b.use(model)
	}
	b.now = schema.TimeOf(time.Now())
	clear(b.labelled)
	b.certain, b.review = b.certain[:0], 0
	b.profile.Reset()
	clear(b.first)
	clear(b.reasons)
	clear(b.dropped)
	b.dead, b.deadSize, b.errs = 0, 0, nil
	// The client has let go of the last batch: its flush and its end came first.
	b.records = slices.Grow(b.records[:0], messages)
	if b.values = b.values[:0]; cap(b.values) > maxKeptValues {
		b.values = nil
	}
}

// use makes room for a model's categories.
func (b *batch) use(model *classifier.Classifier) {
	n := model.Taxonomy().Len()
	b.model, b.scratch, b.profile = model, model.NewScratch(), classifier.NewProfile(n)
	b.labelled, b.first = make([]int, n), make([]schema.Classified, n)
	b.role.metrics.predicts(model.Taxonomy())
}

// failure is the first error of a produced record.
func (b *batch) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.errs) == 0 {
		return nil
	}
	return b.errs[0]
}

// label turns a message into its result, or its dead letter. flush says that what
// was handed to the client before must reach the broker first.
func (b *batch) label(in *kgo.Record) (out *kgo.Record, flush bool) {
	value := in.Value
	if schemas := b.role.cfg.Schemas; schemas != nil {
		var err error
		if value, err = schemas.Decode(value); err != nil {
			return b.deadLetter(in, err)
		}
	}
	complaint, dropped, err := b.role.cfg.Mapping.Decode(value, b.role.cfg.MaxTextBytes)
	if err != nil {
		return b.deadLetter(in, err)
	}
	b.text = append(b.text[:0], complaint.Narrative...)
	p := b.model.PredictWith(b.text, classifier.FieldsOf(&complaint), b.scratch)
	taxonomy := b.model.Taxonomy()
	b.probabilities = taxonomy.AppendProbabilities(b.probabilities[:0], p.Probabilities)
	result := schema.Classified{
		Complaint:     complaint,
		Category:      taxonomy.CategoryName(p.Category),
		CategoryCode:  p.Category,
		Probability:   p.Probability,
		Probabilities: b.probabilities,
		NeedsReview:   p.NeedsReview,
		Taxonomy:      taxonomy.ID(),
		ModelVersion:  b.model.Version(),
		ClassifiedAt:  b.now,
		Notes:         schema.Notes(dropped),
		SourceKey:     sourceKey(in.Key, complaint.ComplaintID),
		Source: schema.Source{
			Topic:     in.Topic,
			TopicID:   b.topicID,
			Partition: in.Partition,
			Offset:    in.Offset,
			Timestamp: schema.TimeOfMillis(kafka.Millis(in)),
		},
	}
	if code, ok := taxonomy.Code(complaint.Product); ok {
		result.TrueCategory = taxonomy.CategoryName(code)
	}
	// Where the buffer grows, earlier values stay in the old one.
	start := len(b.values)
	b.values = result.AppendJSON(b.values)
	value = b.values[start:len(b.values):len(b.values)]
	limit := int(b.role.cfg.Topics.OutputBatchBytes()) - batchOverheadBytes
	headers := passedHeaders(in.Headers)
	if size := len(complaint.ComplaintID) + len(value) + headersSize(headers); size > limit {
		return b.deadLetter(in, &schema.Rejection{
			Reason: schema.ReasonTooLarge,
			Detail: "the result has " + strconv.Itoa(size) + " bytes, the limit is " + strconv.Itoa(limit),
		})
	}
	for _, field := range dropped {
		b.dropped[field]++
	}
	b.certain = append(b.certain, p.Probability)
	b.profile.Add(len(complaint.Narrative), p.Category, p.Probability, p.UnknownWords)
	if p.NeedsReview {
		b.review++
	}
	if b.labelled[p.Category]++; b.labelled[p.Category] == 1 {
		b.first[p.Category] = result
		b.first[p.Category].Probabilities = nil // the next message's
	}
	start = len(b.values)
	b.values = append(b.values, complaint.ComplaintID...)
	key := b.values[start:len(b.values):len(b.values)]
	out = b.record(b.role.cfg.Topics.Classified, key, value)
	out.Headers = headers
	return out, false
}

// sourceKey is a message's key where it is a text that says more than the complaint's id.
func sourceKey(key []byte, id string) string {
	if len(key) == 0 || len(key) > maxSourceKeyBytes || string(key) == id || !utf8.Valid(key) ||
		bytes.ContainsFunc(key, unicode.IsControl) {
		return ""
	}
	return string(key)
}

const (
	maxSourceKeyBytes = 1 << 10
	maxHeaderBytes    = 16 << 10
)

// passedHeaders are the headers of a message that go with its result: all, or if
// they are too large none, and one that says so.
func passedHeaders(headers []kgo.RecordHeader) []kgo.RecordHeader {
	if len(headers) == 0 {
		return nil
	}
	if size := headersSize(headers); size > maxHeaderBytes {
		return []kgo.RecordHeader{header(schema.HeaderHeadersDropped,
			strconv.Itoa(len(headers))+" headers of "+strconv.Itoa(size)+" bytes, the limit is "+strconv.Itoa(maxHeaderBytes))}
	}
	return headers
}

// headersSize is what headers add to a batch, at most.
func headersSize(headers []kgo.RecordHeader) int {
	size := 0
	for _, h := range headers {
		size += len(h.Key) + len(h.Value) + headerOverheadBytes
	}
	return size
}

// maxKeptValues bounds what a batch of long texts leaves behind, bytes.
const maxKeptValues = 64 << 20

func (b *batch) record(topic string, key, value []byte) *kgo.Record {
	b.records = append(b.records, kgo.Record{Topic: topic, Key: key, Value: value})
	return &b.records[len(b.records)-1]
}

// deadLetter keeps the message byte for byte, and says in headers why.
//
// A batch of dead letters that do not compress could outgrow what the topic
// takes, so they are flushed before that. A single one fits: it came in one batch
// of the source, and the topic takes twice as much, in case that was compressed harder.
func (b *batch) deadLetter(in *kgo.Record, why error) (out *kgo.Record, flush bool) {
	var rejection *schema.Rejection
	if !errors.As(why, &rejection) {
		rejection = &schema.Rejection{Reason: schema.ReasonNotJSON, Detail: why.Error()}
	}
	b.dead++
	b.reasons[rejection.Reason]++
	out = b.record(b.role.cfg.Topics.DeadLetter, in.Key, in.Value)
	out.Headers = append(append([]kgo.RecordHeader{}, in.Headers...),
		header(schema.HeaderReason, string(rejection.Reason)),
		header(schema.HeaderError, rejection.Detail),
		header(schema.HeaderSourceTopic, in.Topic),
		header(schema.HeaderSourceTopicID, b.topicID),
		header(schema.HeaderSourcePartition, strconv.Itoa(int(in.Partition))),
		header(schema.HeaderSourceOffset, strconv.FormatInt(in.Offset, 10)),
		header(schema.HeaderSourceTimestamp, strconv.FormatInt(kafka.Millis(in), 10)),
	)
	size := len(in.Key) + len(in.Value) + recordOverheadBytes + headersSize(out.Headers)
	if flush = b.deadSize > 0 && b.deadSize+size > int(b.role.cfg.Topics.MaxMessageBytes); flush {
		b.deadSize = 0
	}
	b.deadSize += size
	return out, flush
}

// What a record and each of its headers add to their bytes in a batch, at most.
const (
	recordOverheadBytes = 64
	headerOverheadBytes = 10
)

func header(key, value string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: key, Value: []byte(value)}
}

// report counts a committed micro-batch.
func (b *batch) report(started time.Time, records []*kgo.Record) {
	m := b.role.metrics
	for c, n := range b.labelled {
		m.messages.WithLabelValues(b.model.Taxonomy().CategoryName(c)).Add(float64(n))
	}
	for reason, n := range b.reasons {
		m.deadLetters.WithLabelValues(string(reason)).Add(float64(n))
	}
	for field, n := range b.dropped {
		m.dropped.WithLabelValues(field).Add(float64(n))
	}
	for _, p := range b.certain {
		m.probability.Observe(p)
	}
	m.review.Add(float64(b.review))
	if o := b.role.cfg.Observer; o != nil {
		o.Committed(b.model.Taxonomy(), b.labelled, b.reasons, b.first)
	}
	now := time.Now()
	b.role.drift.add(b.model, b.profile, now)
	m.batchSeconds.Observe(now.Sub(started).Seconds())
	m.batchRecords.Observe(float64(len(records)))
	for _, r := range records {
		m.latency.Observe(max(0, now.Sub(r.Timestamp).Seconds())) // its clock may be ahead, and a sum must not sink
	}
}
