package trace

import (
	"context"
	"sync/atomic"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/internal/registry"
	"complaints/schema"
)

// Report accounts for a complaint.
type Report struct {
	ComplaintID string      `json:"complaint_id"`
	Decisions   []*Decision `json:"decisions"` // one a message, by its timestamp
	Labels      []Label     `json:"labels"`    // the newest first: it holds
	Searched    []string    `json:"searched"`  // where the id was looked for
	Notes       []string    `json:"notes"`     // what could not be told, and why
	Cost        Cost        `json:"cost"`
}

// Cost is what the report took.
type Cost struct {
	Objects int64 `json:"objects"` // of the lake that were read, whole or in parts
	Lists   int64 `json:"lists"`   // requests for names of objects
	Records int64 `json:"records"` // of Kafka that were read
}

// Decision is a message of the complaint and what came of it.
type Decision struct {
	Message   Position          `json:"message"`
	Result    *Position         `json:"result,omitempty"` // nil: none is known
	Parts     []Part            `json:"parts"`            // of the lake
	Complaint *schema.Complaint `json:"complaint,omitempty"`
	Answer    *Answer           `json:"answer,omitempty"`
	Model     *Model            `json:"model,omitempty"`
	Again     *Again            `json:"again,omitempty"`

	received, silver *schema.Complaint // with their texts: as the message or the result has it, and as silver has it
	from             string            // where received comes from
}

// Position is a place in Kafka.
type Position struct {
	Topic     string      `json:"topic"`
	TopicID   string      `json:"topic_id"`
	Partition int32       `json:"partition"`
	Offset    int64       `json:"offset"`
	Timestamp schema.Time `json:"timestamp"`
	Kafka     State       `json:"kafka"`
}

// State says whether something is there.
type State string

// The states.
const (
	Present State = "present"
	Erased  State = "erased"
	Removed State = "removed" // it was there: a claim covers it, or the topic's log starts later
	Absent  State = "absent"  // no claim covers it yet
	Lost    State = "lost"    // removed from the topic before the lake had it, as its claim says
	Unknown State = "unknown" // Kafka was not asked
)

// Part is the row of a layer.
type Part struct {
	Layer  schema.Layer `json:"layer"` // or that of the copies that compaction has made
	Object string       `json:"object,omitempty"`
	State  State        `json:"state"`
}

// Answer is what the result says.
type Answer struct {
	Category      string               `json:"category"`
	CategoryCode  int                  `json:"category_code"`
	Probability   float64              `json:"probability"`
	Probabilities schema.Probabilities `json:"probabilities"`
	NeedsReview   bool                 `json:"needs_review"`
	TrueCategory  string               `json:"true_category,omitempty"`
	Taxonomy      string               `json:"taxonomy"`
	ModelVersion  string               `json:"model_version"`
	ClassifiedAt  schema.Time          `json:"classified_at"`
	Challenger    *Challenger          `json:"challenger,omitempty"`
}

// Challenger is what another model said of it.
type Challenger struct {
	ModelVersion string  `json:"model_version"`
	Category     string  `json:"category"`
	Probability  float64 `json:"probability"`
}

// Model is the model that gave an answer, and how it came to serve.
type Model struct {
	modelFacts
	Service *registry.Service `json:"service,omitempty"` // nil: the history of champion.json does not name it
}

// modelFacts are those of a version.
type modelFacts struct {
	Version  string              `json:"version"`
	Bundle   string              `json:"bundle"`          // where it was loaded from; "" if it could not be loaded
	Fault    string              `json:"fault,omitempty"` // why it could not
	BuiltIn  bool                `json:"built_in"`        // it is the one that is built into this program, which serves where none was published
	Training classifier.Training `json:"training"`
	Metrics  classifier.Metrics  `json:"metrics"` // on the test rows of its own training
	Forced   string              `json:"forced,omitempty"`
	Runs     []registry.Run      `json:"runs"` // its trainings, with their verdicts
}

// Again is what the model says of the complaint now.
type Again struct {
	From          string               `json:"from"`   // which text: see the constants
	Masked        bool                 `json:"masked"` // personal data is masked in it, so that the bits may differ
	Equal         bool                 `json:"equal"`  // the bits of all probabilities are those of the answer
	Difference    float64              `json:"difference"`
	Probabilities schema.Probabilities `json:"probabilities"`
	Explanation   Explanation          `json:"explanation"`
	Text          string               `json:"text,omitempty"`
}

// The texts that a model predicts from again, the first that is there.
const (
	FromBronze = "the message in bronze"
	FromResult = "the result in Kafka"
	FromSilver = "the row of silver"
)

// Explanation says what spoke for and against the category: base, the terms and rest
// sum to score. The terms are words that the model knows, or scores.
type Explanation struct {
	Base  float64 `json:"base"`
	Score float64 `json:"score"`
	Terms []Term  `json:"terms"` // by falling absolute weight
	Rest  float64 `json:"rest"`  // of the terms that are not named
}

// Term is a part of an explanation.
type Term struct {
	Kind   string  `json:"kind"`
	Name   string  `json:"name"`
	InText bool    `json:"in_text"`
	Weight float64 `json:"weight"`
}

// Label is what a person says of the complaint.
type Label struct {
	Object     string      `json:"object"`
	Category   *string     `json:"category"` // nil withdraws
	Taxonomy   string      `json:"taxonomy"`
	LabelledBy string      `json:"labelled_by"`
	LabelledAt schema.Time `json:"labelled_at"`
	Source     string      `json:"source"`

	row schema.LabelRow
}

// countingStore counts what is read.
type countingStore struct {
	lake.Store
	objects, lists atomic.Int64
}

func (s *countingStore) Get(ctx context.Context, key string) ([]byte, string, error) {
	s.objects.Add(1)
	return s.Store.Get(ctx, key)
}

func (s *countingStore) Open(ctx context.Context, key string) (lake.Reader, error) {
	s.objects.Add(1)
	return s.Store.Open(ctx, key)
}

func (s *countingStore) List(ctx context.Context, prefix, after string, limit int) ([]lake.Info, error) {
	s.lists.Add(1)
	return s.Store.List(ctx, prefix, after, limit)
}
