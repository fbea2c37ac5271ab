// Package trace accounts for what was decided about one complaint.
//
// In comes the id of a complaint. Out goes a report: each message of it with its
// place in Kafka and in bronze, its result with the rows of silver and gold and their
// objects, the labels, and the model that gave the result: the very bundle is loaded
// and predicts again, and what is known of its training and of the change that let
// it serve is read from the lake. What retention or an erasure has taken is named.
//
// Nothing is written, so a crash leaves nothing. It may run beside everything else.
//
//	trace.go    the configuration and the order of the work
//	find.go     where the results of an id are: Kafka by its key, or the lake by its days
//	parts.go    the rows of a position, and why one is not there
//	kafka.go    what Kafka has of it
//	predict.go  the model, its prediction and its explanation
//	report.go   what is reported; print.go: for a person
package trace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/lake"
	"complaints/schema"
)

// Config is what is traced.
type Config struct {
	Store       lake.Store
	KafkaOpts   []kgo.Opt // nil: Kafka is not asked
	Topics      schema.Topics
	Mapping     *schema.Mapping // where messages have the fields; nil: by the fields' own names
	Schemas     Schemas         // nil: all messages are JSON
	ComplaintID string
	Days        []schema.Day // of Kafka timestamps, in which the lake is searched; Kafka is not searched then
	All         bool         // search all days of the lake, also where Kafka has a result
	Text        bool         // the report has the text
}

// Schemas turns values of a schema registry into JSON.
type Schemas interface {
	// Load asks the registry for what Decode needs. An error means that it gave no answer.
	Load(ctx context.Context, value []byte) error
	// Decode gives the value as JSON; its error is a *[schema.Rejection].
	Decode(value []byte) ([]byte, error)
}

// tracer is one run.
type tracer struct {
	Config
	store  *countingStore
	kafka  topics // nil: Kafka is not asked, or does not answer
	report *Report
	found  map[place]*Decision // by the place of the result
	models map[string]*model   // by version
}

// Run traces a complaint. An id that nothing has is no error: the report has no
// decision then, and says where it was looked for.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.ComplaintID == "" {
		return nil, errors.New("trace: no complaint id is given")
	}
	cfg.Mapping = cmp.Or(cfg.Mapping, schema.BureauMapping())
	t := &tracer{
		Config: cfg, report: &Report{ComplaintID: cfg.ComplaintID, Decisions: []*Decision{}, Labels: []Label{}, Searched: []string{}, Notes: []string{}},
		found: map[place]*Decision{}, models: map[string]*model{},
	}
	t.store = &countingStore{Store: cfg.Store}
	if err := t.run(ctx); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	t.report.Cost.Objects, t.report.Cost.Lists = t.store.objects.Load(), t.store.lists.Load()
	return t.report, nil
}

func (t *tracer) run(ctx context.Context) error {
	if err := t.openKafka(ctx); err != nil {
		return err
	}
	if err := t.find(ctx); err != nil {
		return err
	}
	for _, d := range t.report.Decisions {
		if err := t.complete(ctx, d); err != nil {
			return err
		}
	}
	slices.SortStableFunc(t.report.Decisions, func(a, b *Decision) int {
		return cmp.Or(cmp.Compare(a.Message.Timestamp, b.Message.Timestamp), cmp.Compare(a.Message.Offset, b.Message.Offset))
	})
	return t.labels(ctx)
}

// complete adds to a decision all that is known of it.
func (t *tracer) complete(ctx context.Context, d *Decision) error {
	if err := t.parts(ctx, d); err != nil {
		return err
	}
	t.askKafka(d)
	if d.Answer == nil {
		return nil
	}
	m, err := t.model(ctx, d.Answer.ModelVersion)
	if err != nil {
		return err
	}
	d.Model = &Model{modelFacts: m.facts, Service: m.service(d.Answer)}
	t.predict(d, m.classifier)
	return nil
}
