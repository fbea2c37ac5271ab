package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/rows"
	"complaints/consumer/sink"
	"complaints/consumer/verify"
	"complaints/internal/kafka/kafkatest"
	"complaints/internal/lake"
	"complaints/schema"
	"complaints/schema/schematest"
)

// environment is a cluster with the topics, a lake in a directory, and a stand-in
// for the role classify.
type environment struct {
	*kafkatest.Cluster
	t      *testing.T
	topics schema.Topics
	dir    string
	store  lake.Store
	id     string // of the complaints
}

const (
	group     = "complaints-classify"
	sinkGroup = "complaints-sink"
)

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	topics := schema.TopicNames("")
	e := &environment{
		Cluster: kafkatest.Start(t, kfake.SeedTopics(2, topics.Complaints, topics.Classified, topics.Labels), kfake.SeedTopics(1, topics.DeadLetter)),
		t:       t, topics: topics, dir: t.TempDir(),
	}
	e.store, e.id = e.openLake(e.dir), e.TopicID(topics.Complaints)
	return e
}

func (e *environment) openLake(dir string) lake.Store {
	e.t.Helper()
	store, err := lake.Open(e.t.Context(), lake.Config{URL: "file://" + dir})
	if err != nil {
		e.t.Fatal(err)
	}
	return store
}

// complaints publishes n messages to a partition.
func (e *environment) complaints(partition int32, n int, how kgo.TransactionEndTry) []int64 {
	e.t.Helper()
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: e.topics.Complaints, Partition: partition, Value: fmt.Appendf(nil, "message %d", i)})
	}
	return e.PublishTransaction(how, records...)
}

func (e *environment) result(partition int32, offset int64) *kgo.Record {
	c := schematest.Classified(schema.Classified{
		Complaint:    schema.Complaint{ComplaintID: fmt.Sprint(offset), Narrative: "a text", Product: "Mortgage"},
		ModelVersion: "v",
		Source:       schema.Source{Topic: e.topics.Complaints, TopicID: e.id, Partition: partition, Offset: offset},
	}, 0, 1)
	day := time.Date(2026, 11, 20+int(offset%3), 0, 0, 0, 0, time.UTC)
	return &kgo.Record{Topic: e.topics.Classified, Partition: int32(offset % 2), Timestamp: day, Value: c.AppendJSON(nil)}
}

// label publishes labels to a partition, every tenth of them one that cannot be read.
func (e *environment) label(partition int32, n int) {
	e.t.Helper()
	var records []*kgo.Record
	for i := range n {
		l := schema.Label{
			ComplaintID: strconv.Itoa(i / 2), Category: new("Loans"), Taxonomy: schema.Bureau().ID(), LabelledBy: "ana",
			LabelledAt: schema.Time(i), Source: "test",
		}
		value := l.AppendJSON(nil)
		if i%10 == 3 {
			value = []byte("no label")
		}
		day := time.Date(2026, 11, 20+i%3, 0, 0, 0, 0, time.UTC)
		records = append(records, &kgo.Record{Topic: e.topics.Labels, Partition: partition, Timestamp: day, Key: []byte(l.ComplaintID), Value: value})
	}
	e.PublishTransaction(kgo.TryCommit, records...)
}

func (e *environment) deadLetter(partition int32, offset int64) *kgo.Record {
	return &kgo.Record{Topic: e.topics.DeadLetter, Value: []byte("not JSON"), Headers: []kgo.RecordHeader{
		{Key: schema.HeaderSourceTopic, Value: []byte(e.topics.Complaints)},
		{Key: schema.HeaderSourceTopicID, Value: []byte(e.id)},
		{Key: schema.HeaderSourcePartition, Value: []byte(strconv.Itoa(int(partition)))},
		{Key: schema.HeaderSourceOffset, Value: []byte(strconv.FormatInt(offset, 10))},
		{Key: schema.HeaderSourceTimestamp, Value: []byte("1")},
	}}
}

// answer publishes results of messages, every tenth as a dead letter.
func (e *environment) answer(partition int32, offsets []int64) {
	e.t.Helper()
	var records []*kgo.Record
	for _, o := range offsets {
		if o%10 == 3 {
			records = append(records, e.deadLetter(partition, o))
		} else {
			records = append(records, e.result(partition, o))
		}
	}
	e.PublishTransaction(kgo.TryCommit, records...)
}

// commit sets the committed offset of the classify group.
func (e *environment) commit(partition int32, next int64) {
	e.t.Helper()
	e.Commit(group, e.topics.Complaints, partition, next)
}

// fill publishes, classifies and sinks messages: all is well then.
func (e *environment) fill() {
	e.t.Helper()
	for p := range int32(2) {
		offsets := e.complaints(p, 60, kgo.TryCommit)
		e.complaints(p, 7, kgo.TryAbort)
		offsets = append(offsets, e.complaints(p, 40, kgo.TryCommit)...)
		e.answer(p, offsets[:50])
		e.answer(p, offsets[50:])
		e.commit(p, offsets[len(offsets)-1]+1)
		e.label(p, 30)
	}
	e.sink()
}

// outputs are all layers of the topics.
func (e *environment) outputs() []sink.Output {
	var all []sink.Output
	for _, layer := range []schema.Layer{schema.Bronze, schema.Silver, schema.Gold, schema.Labels} {
		format, err := rows.Of(layer, rows.Config{})
		if err != nil {
			e.t.Fatal(err)
		}
		all = append(all, sink.Output{Name: layer, Topic: e.topics.Of(layer), Rows: format})
	}
	return all
}

// sink writes what there is to the lake.
func (e *environment) sink() { e.sinkWith(sink.Config{}) }

func (e *environment) sinkWith(cfg sink.Config) {
	e.t.Helper()
	cfg.Store, cfg.KafkaOpts, cfg.Group = e.store, e.Opts, sinkGroup
	cfg.Layers = e.outputs()
	cfg.RollAge, cfg.RollRows = 10*time.Millisecond, 20
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

func (e *environment) config() verify.Config {
	return verify.Config{
		KafkaOpts: e.Opts, Topics: e.topics, Group: group, SinkGroup: sinkGroup,
		Store: e.store, Layers: []schema.Layer{schema.Bronze, schema.Silver, schema.Gold, schema.Labels},
		Stall: 5 * time.Second, CommitWait: 300 * time.Millisecond,
	}
}

func (e *environment) verify() verify.Report { return e.verifyWith(e.config()) }

func (e *environment) verifyWith(cfg verify.Config) verify.Report {
	e.t.Helper()
	report, err := verify.Run(e.t.Context(), cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	return report
}

// wantKinds checks which kinds of faults a report has, and how many of each; -1 is any number.
func wantKinds(t *testing.T, report verify.Report, want map[verify.Kind]int64) {
	t.Helper()
	for kind := range report.Counts {
		if _, ok := want[kind]; !ok {
			t.Errorf("%d %s: %+v", report.Counts[kind], kind, report.Faults)
		}
	}
	for kind, n := range want {
		if got := report.Counts[kind]; got == 0 || n > 0 && got != n {
			t.Errorf("%d %s, want %d: %+v", got, kind, n, report.Faults)
		}
	}
	if report.OK != (len(want) == 0) {
		t.Errorf("OK is %v", report.OK)
	}
	t.Log("\n" + textOf(report))
}

func textOf(report verify.Report) string {
	var text bytes.Buffer
	report.Print(&text)
	return text.String()
}

// harm is what is done to a system in which all is well, and the faults that it makes.
type harm struct {
	name string
	do   func(*environment)
	want map[verify.Kind]int64
}

func wantFaults(t *testing.T, cases []harm) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := newEnvironment(t)
			e.fill()
			c.do(e)
			wantKinds(t, e.verify(), c.want)
		})
	}
}

// files returns the files of the lake whose path has all parts in it, in order.
func (e *environment) files(parts ...string) []string {
	e.t.Helper()
	var found []string
	err := filepath.WalkDir(e.dir, func(path string, d os.DirEntry, err error) error {
		for _, p := range parts {
			if !strings.Contains(path, p) {
				return err
			}
		}
		if !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) == 0 {
		e.t.Fatalf("no file with %q: %v", parts, err)
	}
	return found
}

func (e *environment) deleteRecords(topic string, partition int32, below int64) {
	e.t.Helper()
	if err := e.DeleteRecords(topic, partition, below); err != nil {
		e.t.Fatal(err)
	}
}

func (e *environment) read(path string) []byte {
	e.t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		e.t.Fatal(err)
	}
	return body
}

func (e *environment) write(path string, body []byte) {
	e.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// commitSink sets what the sink's group has committed of a partition of the classified topic.
func (e *environment) commitSink(partition int32, next int64) {
	e.t.Helper()
	e.Commit(sinkGroup, e.topics.Classified, partition, next)
}

func (e *environment) remove(path string) {
	e.t.Helper()
	if err := os.Remove(path); err != nil {
		e.t.Fatal(err)
	}
}
