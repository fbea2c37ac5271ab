package trace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/erase"
	"complaints/consumer/rows"
	"complaints/consumer/sink"
	"complaints/consumer/trace"
	"complaints/internal/classifier"
	"complaints/internal/kafka/kafkatest"
	"complaints/internal/lake"
	"complaints/schema"
)

// environment is a cluster, a lake in a directory, and a stand-in for the role classify
// that predicts by the built-in model.
type environment struct {
	*kafkatest.Cluster
	t      *testing.T
	topics schema.Topics
	dir    string
	store  lake.Store
	day    time.Time // of the records
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	topics := schema.TopicNames("")
	e := &environment{
		Cluster: kafkatest.Start(t, kfake.SeedTopics(4, topics.Complaints, topics.Classified), kfake.SeedTopics(1, topics.DeadLetter, topics.Labels)),
		t:       t, topics: topics, dir: t.TempDir(), day: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
	}
	store, err := lake.Open(t.Context(), lake.Config{URL: "file://" + e.dir})
	if err != nil {
		t.Fatal(err)
	}
	e.store = store
	return e
}

// classify publishes complaints of some ids with one text, and their results with the
// ids as keys, as the classifier does.
func (e *environment) classify(text string, ids ...string) {
	e.t.Helper()
	model, err := classifier.Bootstrap()
	if err != nil {
		e.t.Fatal(err)
	}
	producer := e.NewClient() // which places records by their keys
	for _, id := range ids {
		c := schema.Complaint{ComplaintID: id, Narrative: text, Company: "EQUIFAX, INC."} // whom the model knows
		message := &kgo.Record{Topic: e.topics.Complaints, Key: []byte(id), Value: c.AppendJSON(nil), Timestamp: e.day}
		if err := producer.ProduceSync(e.t.Context(), message).FirstErr(); err != nil {
			e.t.Fatal(err)
		}
		p := model.PredictWith([]byte(text), classifier.FieldsOf(&c), model.NewScratch())
		result := schema.Classified{
			Complaint: c, Category: model.Taxonomy().CategoryName(p.Category), CategoryCode: p.Category, Probability: p.Probability,
			Probabilities: model.Taxonomy().AppendProbabilities(nil, p.Probabilities), Taxonomy: model.Taxonomy().ID(), ModelVersion: model.Version(),
			Source: schema.Source{Topic: e.topics.Complaints, TopicID: e.TopicID(e.topics.Complaints), Partition: message.Partition, Offset: message.Offset, Timestamp: schema.TimeOf(e.day)},
		}
		out := &kgo.Record{Topic: e.topics.Classified, Key: []byte(id), Value: result.AppendJSON(nil), Timestamp: e.day}
		if err := producer.ProduceSync(e.t.Context(), out).FirstErr(); err != nil {
			e.t.Fatal(err)
		}
	}
}

// sink writes what there is to the lake.
func (e *environment) sink() {
	e.t.Helper()
	cfg := sink.Config{Store: e.store, KafkaOpts: e.Opts, Group: "complaints-sink", RollAge: 10 * time.Millisecond}
	for _, layer := range []schema.Layer{schema.Bronze, schema.Silver, schema.Gold, schema.Labels} {
		format, err := rows.Of(layer, rows.Config{})
		if err != nil {
			e.t.Fatal(err)
		}
		cfg.Layers = append(cfg.Layers, sink.Output{Name: layer, Topic: e.topics.Of(layer), Rows: format})
	}
	s, err := sink.New(cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(e.t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	for idle := false; !idle; {
		if idle, err = s.Idle(ctx); err != nil {
			e.t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		e.t.Fatal(err)
	}
}

func (e *environment) trace(cfg trace.Config) *trace.Report {
	e.t.Helper()
	cfg.Store, cfg.Topics = e.store, e.topics
	if cfg.ComplaintID == "" {
		cfg.ComplaintID = "secret"
	}
	report, err := trace.Run(e.t.Context(), cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	return report
}

func (e *environment) byKafka() *trace.Report { return e.trace(trace.Config{KafkaOpts: e.Opts}) }

// states are what a report says of the one decision: of bronze, silver and gold, and of
// the message and the result in Kafka.
func (e *environment) states(report *trace.Report) (states []trace.State) {
	e.t.Helper()
	if len(report.Decisions) != 1 {
		e.t.Fatalf("%d decisions: %s", len(report.Decisions), textOf(report))
	}
	d := report.Decisions[0]
	for _, p := range d.Parts {
		states = append(states, p.State)
	}
	return append(states, d.Message.Kafka, d.Result.Kafka)
}

func (e *environment) wantStates(report *trace.Report, want ...trace.State) {
	e.t.Helper()
	if got := e.states(report); !slices.Equal(got, want) {
		e.t.Errorf("bronze, silver, gold, message and result are %v, want %v: %s", got, want, textOf(report))
	}
}

func (e *environment) wantAgain(report *trace.Report, from string, equal bool) {
	e.t.Helper()
	again := report.Decisions[0].Again
	if again == nil || again.From != from || again.Equal != equal || (again.Difference == 0) != equal {
		e.t.Errorf("predicted again: %+v, want from %s, equal %v", again, from, equal)
	}
}

func textOf(report *trace.Report) string {
	var text bytes.Buffer
	report.Print(&text)
	return text.String()
}

// remove removes all objects of a layer, as their age does.
func (e *environment) remove(layer schema.Layer) {
	e.t.Helper()
	if err := os.RemoveAll(filepath.Join(e.dir, string(layer))); err != nil {
		e.t.Fatal(err)
	}
}

const personal = "My mortgage payment of card 4111 1111 1111 1111 was lost; call 212-555-0123 or loans@mortgage.com."

// What retention and an erasure take, one after the other.
func TestTraceSaysWhatIsLeft(t *testing.T) {
	e := newEnvironment(t)
	e.classify(personal, "secret", "other")
	e.wantStates(e.byKafka(), trace.Absent, trace.Absent, trace.Absent, trace.Present, trace.Present)
	e.sink()
	for i := range 8 { // later objects of its day, also of its partitions
		e.classify("My card was stolen.", fmt.Sprint("later-", i))
	}
	e.sink()
	all := e.byKafka()
	e.wantStates(all, trace.Present, trace.Present, trace.Present, trace.Present, trace.Present)
	e.wantAgain(all, trace.FromBronze, true)
	if text := textOf(all); strings.Contains(text, "payment of card") || !strings.Contains(text, "bits of all probabilities are equal") {
		t.Error(text)
	}
	if body, err := json.Marshal(all); err != nil || strings.Contains(string(body), "payment of card") {
		t.Errorf("%s, %v", body, err)
	}

	if len(all.Labels) != 0 {
		t.Errorf("the labels are %+v", all.Labels)
	}
	for i, category := range []string{"Loans", "Debt Collection"} {
		label := schema.Label{ComplaintID: "secret", Category: &category, Taxonomy: schema.Bureau().ID(), LabelledBy: "jane", LabelledAt: schema.TimeOf(e.day.AddDate(0, 0, i)), Source: "review"}
		value, err := json.Marshal(label)
		if err != nil {
			t.Fatal(err)
		}
		e.Publish(&kgo.Record{Topic: e.topics.Labels, Key: []byte("secret"), Value: value})
	}
	e.sink()
	if labels := e.byKafka().Labels; len(labels) != 2 || *labels[0].Category != "Debt Collection" || !strings.HasPrefix(labels[0].Object, "labels/") {
		t.Errorf("the labels are %+v", labels)
	}

	for _, topic := range []string{e.topics.Complaints, e.topics.Classified} {
		for p := range int32(4) {
			if err := e.DeleteRecords(topic, p, -1); err != nil {
				t.Fatal(err)
			}
		}
	}
	aged := e.byKafka()
	e.wantStates(aged, trace.Present, trace.Present, trace.Present, trace.Removed, trace.Removed)
	e.wantAgain(aged, trace.FromBronze, true)

	e.remove(schema.Bronze)
	masked := e.byKafka()
	e.wantStates(masked, trace.Removed, trace.Present, trace.Present, trace.Removed, trace.Removed)
	e.wantAgain(masked, trace.FromSilver, false)
	if text := textOf(masked); !strings.Contains(text, "personal data is masked in that text") {
		t.Error(text)
	}

	e.remove(schema.Silver)
	bare := e.byKafka()
	e.wantStates(bare, trace.Removed, trace.Removed, trace.Present, trace.Removed, trace.Removed)
	if bare.Decisions[0].Again != nil || !strings.Contains(textOf(bare), "no text of it is left") {
		t.Error(textOf(bare))
	}
}

func TestTraceOfAnErasedComplaint(t *testing.T) {
	e := newEnvironment(t)
	e.classify(personal, "secret", "other")
	e.sink()
	if _, err := erase.Run(t.Context(), erase.Config{Store: e.store, IDs: rows.OneID("secret")}); err != nil {
		t.Fatal(err)
	}
	report := e.byKafka()
	e.wantStates(report, trace.Erased, trace.Erased, trace.Erased, trace.Present, trace.Present)
	e.wantAgain(report, trace.FromResult, true)
	if none := e.trace(trace.Config{}); len(none.Decisions) != 0 {
		t.Errorf("the lake still has it: %s", textOf(none))
	}
}

func TestTraceReadsNoMoreThanItMust(t *testing.T) {
	e := newEnvironment(t)
	ids := []string{"secret"}
	for i := range 20 {
		ids = append(ids, fmt.Sprint("other-", i))
	}
	for range 3 {
		e.classify("My mortgage was sold.", ids...)
		e.sink()
		e.day, ids = e.day.AddDate(0, 0, 1), ids[1:]
	}
	key := e.byKafka()
	if len(key.Decisions) != 1 || key.Cost.Records == 0 || key.Cost.Records >= 57 || strings.Contains(textOf(key), "gold of") {
		t.Error(textOf(key))
	}
	one := e.trace(trace.Config{Days: []schema.Day{"2026-07-01"}})
	all := e.trace(trace.Config{All: true})
	if len(one.Decisions) != 1 || len(all.Decisions) != 1 || one.Cost.Objects >= all.Cost.Objects {
		t.Errorf("a day: %s\nall: %s", textOf(one), textOf(all))
	}
	if one.Decisions[0].Again == nil || !one.Decisions[0].Again.Equal || one.Decisions[0].Message != all.Decisions[0].Message {
		t.Error(textOf(one))
	}
}

func TestTraceOfAMessageWithoutAResult(t *testing.T) {
	e := newEnvironment(t)
	e.Publish(&kgo.Record{Topic: e.topics.Complaints, Key: []byte("secret"), Value: []byte(`{"complaint_id":"secret","narrative":7}`), Timestamp: e.day})
	e.classify("My mortgage was sold.", "other")
	e.sink()
	report := e.byKafka()
	if len(report.Decisions) != 1 || report.Decisions[0].Result != nil || !strings.Contains(textOf(report), "it was dead-lettered") {
		t.Error(textOf(report))
	}
}
