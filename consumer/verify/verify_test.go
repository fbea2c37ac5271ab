package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/rows"
	"complaints/consumer/sink"
	"complaints/consumer/verify"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"
	"complaints/schema/schematest"
)

// rig is a cluster with three topics, a lake in a directory, and a stand-in for
// the role classify.
type rig struct {
	t       *testing.T
	cluster *kfake.Cluster
	topics  schema.Topics
	opts    []kgo.Opt
	dir     string
	store   lake.Store
	admin   *kadm.Client
	client  *kgo.Client
	id      string
	txn     int
}

const group = "complaints-classify"

func newRig(t *testing.T) *rig {
	t.Helper()
	topics := schema.TopicNames("")
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topics.Complaints, topics.Classified), kfake.SeedTopics(1, topics.DeadLetter))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	r := &rig{t: t, cluster: cluster, topics: topics, dir: t.TempDir(), opts: []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}}
	if r.client, err = kgo.NewClient(r.opts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.Close)
	r.admin = kadm.NewClient(r.client)
	if r.store, err = lake.Open(t.Context(), lake.Config{URL: "file://" + r.dir}); err != nil {
		t.Fatal(err)
	}
	if r.id, _, err = kafka.TopicID(t.Context(), r.client, topics.Complaints); err != nil {
		t.Fatal(err)
	}
	return r
}

// publish writes records in one transaction and returns their offsets.
func (r *rig) publish(how kgo.TransactionEndTry, records ...*kgo.Record) []int64 {
	r.t.Helper()
	r.txn++
	client, err := kgo.NewClient(append(slices.Clone(r.opts), kgo.TransactionalID(fmt.Sprint("txn", r.txn)), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		r.t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		r.t.Fatal(err)
	}
	if err := client.ProduceSync(r.t.Context(), records...).FirstErr(); err != nil {
		r.t.Fatal(err)
	}
	if err := client.EndTransaction(r.t.Context(), how); err != nil {
		r.t.Fatal(err)
	}
	var offsets []int64
	for _, rec := range records {
		offsets = append(offsets, rec.Offset)
	}
	return offsets
}

// complaints publishes n messages to a partition.
func (r *rig) complaints(partition int32, n int, how kgo.TransactionEndTry) []int64 {
	r.t.Helper()
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: r.topics.Complaints, Partition: partition, Value: fmt.Appendf(nil, "message %d", i)})
	}
	return r.publish(how, records...)
}

func (r *rig) result(partition int32, offset int64) *kgo.Record {
	c := schematest.Classified(schema.Classified{
		Complaint:    schema.Complaint{ComplaintID: fmt.Sprint(offset), Narrative: "a text", Product: "Mortgage"},
		ModelVersion: "v",
		Source:       schema.Source{Topic: r.topics.Complaints, TopicID: r.id, Partition: partition, Offset: offset},
	}, 0, 1)
	day := time.Date(2026, 11, 20+int(offset%3), 0, 0, 0, 0, time.UTC)
	return &kgo.Record{Topic: r.topics.Classified, Partition: int32(offset % 2), Timestamp: day, Value: c.AppendJSON(nil)}
}

func (r *rig) deadLetter(partition int32, offset int64) *kgo.Record {
	return &kgo.Record{Topic: r.topics.DeadLetter, Value: []byte("not JSON"), Headers: []kgo.RecordHeader{
		{Key: schema.HeaderSourceTopic, Value: []byte(r.topics.Complaints)},
		{Key: schema.HeaderSourceTopicID, Value: []byte(r.id)},
		{Key: schema.HeaderSourcePartition, Value: []byte(strconv.Itoa(int(partition)))},
		{Key: schema.HeaderSourceOffset, Value: []byte(strconv.FormatInt(offset, 10))},
		{Key: schema.HeaderSourceTimestamp, Value: []byte("1")},
	}}
}

// answer publishes results of messages, every tenth as a dead letter.
func (r *rig) answer(partition int32, offsets []int64) {
	r.t.Helper()
	var records []*kgo.Record
	for _, o := range offsets {
		if o%10 == 3 {
			records = append(records, r.deadLetter(partition, o))
		} else {
			records = append(records, r.result(partition, o))
		}
	}
	r.publish(kgo.TryCommit, records...)
}

func (r *rig) commit(partition int32, next int64) {
	r.t.Helper()
	var o kadm.Offsets
	o.Add(kadm.Offset{Topic: r.topics.Complaints, Partition: partition, At: next, LeaderEpoch: -1})
	if err := r.admin.CommitAllOffsets(r.t.Context(), group, o); err != nil {
		r.t.Fatal(err)
	}
}

// fill publishes, classifies and sinks messages: all is well then.
func (r *rig) fill() {
	r.t.Helper()
	for p := range int32(2) {
		offsets := r.complaints(p, 60, kgo.TryCommit)
		r.complaints(p, 7, kgo.TryAbort)
		offsets = append(offsets, r.complaints(p, 40, kgo.TryCommit)...)
		r.answer(p, offsets[:50])
		r.answer(p, offsets[50:])
		r.commit(p, offsets[len(offsets)-1]+1)
	}
	r.sink()
}

// outputs are all layers of the topics.
func (r *rig) outputs() []sink.Output {
	var all []sink.Output
	for _, layer := range []schema.Layer{schema.Bronze, schema.Silver, schema.Gold} {
		format, err := rows.Of(layer, rows.Config{})
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, sink.Output{Name: layer, Topic: r.topics.Of(layer), Rows: format})
	}
	return all
}

// sink writes what there is to the lake.
func (r *rig) sink() {
	r.t.Helper()
	s, err := sink.New(sink.Config{
		Store: r.store, KafkaOpts: r.opts, Group: "complaints-sink", Layers: r.outputs(),
		RollAge: 10 * time.Millisecond, RollRows: 20,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	for idle := false; !idle; {
		if idle, err = s.Idle(ctx); err != nil {
			r.t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) verify() verify.Report { return r.verifyBronze(0) }

// verifyBronze verifies a lake whose bronze is kept for some days.
func (r *rig) verifyBronze(days int) verify.Report {
	r.t.Helper()
	report, err := verify.Run(r.t.Context(), verify.Config{
		KafkaOpts: r.opts, Topics: r.topics, Group: group, Store: r.store, Layers: []schema.Layer{schema.Bronze, schema.Silver, schema.Gold}, Stall: 5 * time.Second,
		SinkGroup: "complaints-sink",
		BronzeFor: time.Duration(days) * 24 * time.Hour,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

// files returns the files of the lake whose path has all parts in it, in order.
func (r *rig) files(parts ...string) []string {
	r.t.Helper()
	var found []string
	err := filepath.WalkDir(r.dir, func(path string, d os.DirEntry, err error) error {
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
		r.t.Fatalf("no file with %q: %v", parts, err)
	}
	return found
}

func TestAllIsWell(t *testing.T) {
	r := newRig(t)
	r.fill()
	report := r.verify()
	if !report.OK || report.Results.Messages != 200 || report.Results.Classified+report.Results.DeadLettered != 200 || report.Results.DeadLettered == 0 {
		t.Errorf("%+v", report)
	}
	if report.Layers[0].Layer != schema.Bronze || report.Layers[0].Rows != report.Results.Messages {
		t.Errorf("%+v", report.Layers[0])
	}
	l := report.Layers[2]
	if l.Layer != schema.Gold || report.Layers[1].Rows != l.Rows || l.Rows != report.Results.Classified || l.Partitions != 2 || l.Objects < 10 || l.Links < 8 || l.Pending != 0 {
		t.Errorf("%+v", l)
	}
	var text bytes.Buffer
	report.Print(&text)
	if !strings.Contains(text.String(), "OK: nothing lost, nothing repeated") {
		t.Error(text.String())
	}
	body, err := json.Marshal(report)
	if err != nil || !bytes.Contains(body, []byte(`"ok":true`)) || !bytes.Contains(body, []byte(`"dead_lettered":`)) {
		t.Errorf("%s, %v", body, err)
	}
}

func TestAnEmptySystemIsWell(t *testing.T) {
	r := newRig(t)
	if report := r.verify(); !report.OK || report.Results.Messages != 0 {
		t.Errorf("%+v", report)
	}
}

func TestFaultsAreToldApart(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(*rig)
		want map[verify.Kind]int64
	}{
		{"a message without a result", func(r *rig) {
			offsets := r.complaints(0, 5, kgo.TryCommit)
			r.answer(0, offsets[1:])
			r.commit(0, offsets[4]+1)
			r.sink()
		}, map[verify.Kind]int64{verify.Gap: 1}},
		{"a result twice", func(r *rig) {
			r.publish(kgo.TryCommit, r.result(1, 12))
			r.sink()
		}, map[verify.Kind]int64{verify.Repeat: 1}},
		{"a dead letter of a classified message", func(r *rig) {
			r.publish(kgo.TryCommit, r.deadLetter(1, 12))
		}, map[verify.Kind]int64{verify.Repeat: 1}},
		{"a result of an aborted message", func(r *rig) {
			r.publish(kgo.TryCommit, r.result(1, 63))
			r.sink()
		}, map[verify.Kind]int64{verify.Foreign: 1}},
		{"a result of a partition that is none", func(r *rig) {
			r.publish(kgo.TryCommit, r.result(17, 4))
			r.sink()
		}, map[verify.Kind]int64{verify.Foreign: 1}},
		{"a classified message that is none", func(r *rig) {
			r.publish(kgo.TryCommit, &kgo.Record{Topic: r.topics.Classified, Value: []byte("{}")})
			r.sink()
		}, map[verify.Kind]int64{verify.Corrupt: 1}},
		{"a dead letter without headers", func(r *rig) {
			r.publish(kgo.TryCommit, &kgo.Record{Topic: r.topics.DeadLetter, Value: []byte("x")})
		}, map[verify.Kind]int64{verify.Corrupt: 1}},
		{"a result that is aborted", func(r *rig) {
			r.publish(kgo.TryAbort, r.result(1, 12))
			r.sink()
		}, nil},
		{"results of messages that are not committed yet", func(r *rig) {
			r.answer(0, r.complaints(0, 5, kgo.TryCommit))
			r.sink()
		}, nil},
		{"an object that is gone", func(r *rig) {
			r.remove(r.files("gold/", "part-00000-00000000000000000000")[0])
		}, map[verify.Kind]int64{verify.Gap: -1}},
		{"an object of the last link that is gone", func(r *rig) {
			links := r.files("chain/gold/", "/0/")
			r.remove(links[len(links)-1]) // of markers alone
			last := strings.TrimSuffix(filepath.Base(links[len(links)-2]), ".json")
			for _, path := range r.files("gold/", "part-00000-"+last) {
				r.remove(path)
			}
			r.sunk(0, 0) // it was not committed yet
		}, nil},
		{"an object of the last link that is gone after the commit", func(r *rig) {
			links := r.files("chain/gold/", "/0/")
			r.remove(links[len(links)-1]) // of markers alone
			last := strings.TrimSuffix(filepath.Base(links[len(links)-2]), ".json")
			for _, path := range r.files("gold/", "part-00000-"+last) {
				r.remove(path)
			}
		}, map[verify.Kind]int64{verify.Gap: -1}},
		{"an object with damaged bytes", func(r *rig) {
			path := r.files("gold/", ".parquet")[0]
			body := r.read(path)
			for i := range 200 {
				body[len(body)/4+i] ^= 0xff
			}
			r.write(path, body)
		}, map[verify.Kind]int64{verify.Corrupt: 1}},
		{"half an object", func(r *rig) {
			path := r.files("gold/", ".parquet")[0]
			r.write(path, r.read(path)[:500])
		}, map[verify.Kind]int64{verify.Corrupt: 1}},
		{"an object that another overwrote", func(r *rig) {
			all := r.files("gold/", "part-00001")
			r.write(all[0], r.read(all[1]))
		}, map[verify.Kind]int64{verify.Corrupt: 1}},
		{"an object that no link claims", func(r *rig) {
			path := r.files("gold/", "part-00001")[0]
			r.write(strings.Replace(path, "part-00001", "part-00009", 1), r.read(path))
		}, map[verify.Kind]int64{verify.Stray: 1}},
		{"an object of a day that the link does not claim", func(r *rig) {
			path := r.files("gold/", "part-00001")[0]
			other := strings.Replace(path, filepath.Base(filepath.Dir(path)), "dt=2001-01-01", 1)
			r.write(other, r.read(path))
		}, map[verify.Kind]int64{verify.Stray: 1}},
		{"a link that is gone", func(r *rig) {
			r.remove(r.files("chain/gold/", "/1/")[1])
		}, map[verify.Kind]int64{verify.Gap: -1, verify.Stray: -1}},
		{"a link that is no JSON", func(r *rig) {
			r.write(r.files("chain/gold/", "/1/")[1], []byte("{"))
		}, map[verify.Kind]int64{verify.Gap: -1, verify.Stray: -1, verify.Corrupt: 1}},
		{"rows twice, in an object that fits its link", func(r *rig) {
			r.rewrite(func(rows []schema.GoldRow) []schema.GoldRow {
				rows[1].KafkaOffset = rows[0].KafkaOffset
				return rows
			})
		}, map[verify.Kind]int64{verify.Repeat: 1, verify.Gap: 1}},
		{"a row of another day", func(r *rig) {
			r.rewrite(func(rows []schema.GoldRow) []schema.GoldRow {
				rows[1].KafkaTimestamp = 0
				return rows
			})
		}, map[verify.Kind]int64{verify.Corrupt: 1}},
		{"a row too few", func(r *rig) {
			r.rewrite(func(rows []schema.GoldRow) []schema.GoldRow { return rows[1:] })
		}, map[verify.Kind]int64{verify.Corrupt: 1}},
		{"a topic that lost its start", func(r *rig) {
			r.deleteRecords(r.topics.Classified, 0, 40)
			r.deleteRecords(r.topics.Complaints, 0, 40)
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.fill()
			c.harm(r)
			report := r.verify()
			for kind := range report.Counts {
				if _, ok := c.want[kind]; !ok {
					t.Errorf("%d %s: %+v", report.Counts[kind], kind, report.Faults)
				}
			}
			for kind, n := range c.want {
				if got := report.Counts[kind]; got == 0 || n > 0 && got != n {
					t.Errorf("%d %s, want %d: %+v", got, kind, n, report.Faults)
				}
			}
			if report.OK != (len(c.want) == 0) {
				t.Errorf("OK is %v", report.OK)
			}
			var text bytes.Buffer
			report.Print(&text)
			t.Log("\n" + text.String())
		})
	}
}

func (r *rig) deleteRecords(topic string, partition int32, below int64) {
	r.t.Helper()
	if err := r.cluster.DeleteRecords(topic, partition, below); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) read(path string) []byte {
	r.t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	return body
}

func (r *rig) write(path string, body []byte) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// sunk sets what the sink's group has committed of a partition of the classified topic.
func (r *rig) sunk(partition int32, next int64) {
	r.t.Helper()
	var o kadm.Offsets
	o.Add(kadm.Offset{Topic: r.topics.Classified, Partition: partition, At: next, LeaderEpoch: -1})
	if err := r.admin.CommitAllOffsets(r.t.Context(), "complaints-sink", o); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) remove(path string) {
	r.t.Helper()
	if err := os.Remove(path); err != nil {
		r.t.Fatal(err)
	}
}

// rewrite changes the rows of an object and leaves its footer as it was.
func (r *rig) rewrite(change func([]schema.GoldRow) []schema.GoldRow) {
	r.t.Helper()
	path := r.files("gold/", "part-00000-00000000000000000000")[0]
	body := r.read(path)
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		r.t.Fatal(err)
	}
	var rows []schema.GoldRow
	if err := lake.EachRow(f, func(row *schema.GoldRow) error {
		rows = append(rows, *row)
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
	footer := map[string]string{}
	for _, key := range []string{
		lake.FooterLayer, lake.FooterTopic, lake.FooterTopicID, lake.FooterPartition, lake.FooterStart,
		lake.FooterNext, lake.FooterDay, lake.FooterRows, lake.FooterClaim,
	} {
		footer[key] = f.Footer(key)
	}
	body, err = lake.WriteParquet(change(rows), nil, footer)
	if err != nil {
		r.t.Fatal(err)
	}
	r.write(path, body)
}

func TestBronzeAndGoldStandInForWhatRetentionRemoved(t *testing.T) {
	r := newRig(t)
	r.fill()
	lost := r.complaints(0, 1, kgo.TryCommit)[0] // never answered
	r.commit(0, lost+1)
	r.sink()
	r.deleteRecords(r.topics.Classified, 0, 60)
	r.deleteRecords(r.topics.Classified, 1, 60)
	r.deleteRecords(r.topics.Complaints, 0, lost+1)
	report := r.verify()
	s := report.Results
	if s.Messages != 201 || s.FromBronze != 101 || s.FromGold < 100 || s.NotCheckable != 0 {
		t.Errorf("%+v", s)
	}
	if report.Counts[verify.Gap] != 1 || len(report.Faults) != 1 || report.Faults[0].From != lost {
		t.Errorf("%+v, want the gap at %d", report.Faults, lost)
	}
}

// What the sink has committed is in every layer, though nothing in the lake is left to say so.
func TestAPartitionThatIsGoneFromTheLake(t *testing.T) {
	r := newRig(t)
	r.fill()
	for _, file := range append(r.files("chain/gold", "/0/"), r.files("gold/complaints", "part-00000-")...) {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	report := r.verify()
	other := func(f verify.Fault) bool { return f.Kind != verify.Gap || !strings.HasPrefix(f.Where, "chain/gold/") }
	if report.OK || report.Counts[verify.Gap] < 80 || slices.ContainsFunc(report.Faults, other) {
		t.Errorf("%v, %v", report.Counts, report.Faults)
	}
}

// Names that no program makes end no check: it reports them and gets on.
func TestForeignNamesInAChain(t *testing.T) {
	r := newRig(t)
	r.fill()
	links := r.files("chain", "gold")
	folder := filepath.Dir(links[0])
	for _, name := range []string{"~$link.json", "übrig.json", "README"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	report, err := verify.Run(ctx, verify.Config{KafkaOpts: r.opts, Topics: r.topics, Group: group, Store: r.store, Layers: []schema.Layer{schema.Gold}, Stall: 5 * time.Second})
	if err != nil || report.Counts[verify.Corrupt] != 3 {
		t.Errorf("%v, %v", report.Counts, err)
	}
}

// replacing is a store whose objects are replaced once each while they are read.
type replacing struct {
	lake.Store
	seen sync.Map
}

type replaced struct{ lake.Reader }

func (replaced) ReadAt([]byte, int64) (int, error) { return 0, lake.ErrChanged }

func (s *replacing) Open(ctx context.Context, key string) (lake.Reader, error) {
	r, err := s.Store.Open(ctx, key)
	if _, again := s.seen.LoadOrStore(key, nil); again || err != nil {
		return r, err
	}
	return replaced{r}, nil
}

func TestErasingMeanwhileChangesNothing(t *testing.T) {
	r := newRig(t)
	r.fill()
	r.store = &replacing{Store: r.store}
	if report := r.verify(); !report.OK {
		t.Errorf("%v", report.Faults)
	}
}

func TestAWriterMeanwhileChangesNothing(t *testing.T) {
	r := newRig(t)
	r.fill()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			offsets := r.complaints(0, 20, kgo.TryCommit)
			r.answer(0, offsets)
			r.commit(0, offsets[19]+1)
			r.sink()
		}
	}()
	for range 15 {
		if report := r.verify(); !report.OK {
			t.Errorf("%+v", report)
		}
	}
	close(stop)
	<-done
}
