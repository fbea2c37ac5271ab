package classify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"complaints/consumer/classify"
	"complaints/internal/classifier"
	"complaints/internal/kafka"
	"complaints/internal/kafka/kafkatest"
	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	partitions = 4
	group      = "complaints-classify"
)

// fixture is a broker with the topics, and what was published there.
type fixture struct {
	*kafkatest.Cluster
	t      testing.TB
	topics kafka.Topics
	holder *classifier.Holder
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{Cluster: kafkatest.Start(t), t: t, holder: new(classifier.Holder)}
	var err error
	if f.topics, err = kafka.EnsureTopics(t.Context(), f.Client, kafka.TopicConfig{Partitions: partitions, Replication: -1}); err != nil {
		t.Fatal(err)
	}
	model, err := classifier.Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	f.holder.Swap(model)
	return f
}

func (f *fixture) config(instance string) classify.Config {
	return classify.Config{
		Kafka: f.Opts, Topics: f.topics, Group: group, Instance: instance, Sessions: 2,
		BatchRecords: 50, BatchWait: 5 * time.Millisecond, DrainTimeout: 10 * time.Second,
		Models: f.holder, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	}
}

// start runs a role until the returned function is called, which gives its error.
func (f *fixture) start(cfg classify.Config) (stop func() error) {
	return f.startRole(classify.New(cfg))
}

func (f *fixture) startRole(role *classify.Role) (stop func() error) {
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	go func() { done <- role.Run(ctx) }()
	return sync.OnceValue(func() error { cancel(); return <-done })
}

func (f *fixture) publish(values ...[]byte) {
	f.t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: f.topics.Complaints, Partition: int32(i % partitions), Key: []byte("key-" + strconv.Itoa(i)), Value: v}
	}
	f.Publish(records...)
}

func complaint(i int) []byte {
	return fmt.Appendf(nil, `{"complaint_id":"c%d","product":"Mortgage","narrative":"The bank lost my mortgage payment number %d and charged a late fee of {$50.00}."}`, i, i)
}

func (f *fixture) publishComplaints(n int) {
	values := make([][]byte, n)
	for i := range values {
		values[i] = complaint(i)
	}
	f.publish(values...)
}

// waitLag waits until the group has committed all.
func (f *fixture) waitLag(stop func() error) {
	f.t.Helper()
	for range 600 {
		if f.Lag(group, f.topics.Complaints) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	f.t.Fatalf("the group did not commit all; the role says %v", stop())
}

// output is what a read_committed reader sees of a message.
type output struct {
	count  int
	record *kgo.Record
}

// outputs reads both output topics and returns what there is by source position.
func (f *fixture) outputs() map[string]output {
	f.t.Helper()
	found := map[string]output{}
	for _, r := range f.ReadCommitted(f.topics.Classified, f.topics.DeadLetter) {
		at := f.source(r)
		found[at] = output{found[at].count + 1, r}
	}
	return found
}

func (f *fixture) source(r *kgo.Record) string {
	if r.Topic == f.topics.Classified {
		c, err := schema.DecodeClassified(r.Value)
		if err != nil {
			f.t.Errorf("result %s: %v", r.Value, err)
		}
		return fmt.Sprintf("%d/%d", c.Partition, c.Offset)
	}
	return headerOf(r, schema.HeaderSourcePartition) + "/" + headerOf(r, schema.HeaderSourceOffset)
}

func headerOf(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// wantEachOnce checks that n published messages have one output each.
func (f *fixture) wantEachOnce(n int) {
	f.t.Helper()
	found := f.outputs()
	for i := range n {
		at := fmt.Sprintf("%d/%d", i%partitions, i/partitions)
		if got := found[at].count; got != 1 {
			f.t.Errorf("message %s has %d outputs, want 1", at, got)
		}
	}
	if len(found) != n {
		f.t.Errorf("%d messages have outputs, want %d", len(found), n)
	}
}

func TestResultsNameTheirSource(t *testing.T) {
	f := newFixture(t)
	f.publish([]byte(`{"complaint_id":"c0","narrative":"My mortgage payment was lost.","company":"Experian Information Solutions Inc."}`))
	stop := f.start(f.config("a"))
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	id := f.TopicID(f.topics.Complaints)
	r := f.outputs()["0/0"].record
	c, err := schema.DecodeClassified(r.Value)
	if err != nil {
		t.Fatal(err)
	}
	if string(r.Key) != "c0" || c.Category != "Loans" || c.Probability < 0.5 || c.Topic != f.topics.Complaints || c.TopicID != id || c.ModelVersion != f.holder.Current().Version() {
		t.Errorf("key %s, result %+v", r.Key, c)
	}
	scratch := f.holder.Current().NewScratch()
	bare := f.holder.Current().Predict([]byte(c.Narrative), scratch).Probability
	want := f.holder.Current().PredictWith([]byte(c.Narrative), classifier.FieldsOf(&c.Complaint), scratch)
	if want.Probability == bare {
		t.Error("the model does not know the company")
	}
	if !slices.Equal(c.Probabilities, schema.Bureau().AppendProbabilities(nil, want.Probabilities)) || c.Taxonomy != schema.Bureau().ID() || c.NeedsReview != want.NeedsReview {
		t.Errorf("probabilities %v, the model says %v", c.Probabilities, want)
	}
}

// noise is JSON that does not compress.
func noise(size int) []byte {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"
	rng := rand.New(rand.NewPCG(1, 2))
	b := bytes.Repeat([]byte(" "), size)
	copy(b, `{"narrative":"`)
	for i := len(`{"narrative":"`); i < size-2; i++ {
		b[i] = alphabet[rng.IntN(len(alphabet))]
	}
	copy(b[size-2:], `"}`)
	return b
}

func TestBadMessagesAreDeadLetteredByteForByte(t *testing.T) {
	f := newFixture(t)
	bad := []struct {
		value  []byte
		reason schema.Reason
	}{
		{[]byte("not JSON"), schema.ReasonNotJSON},
		{[]byte(`[1]`), schema.ReasonNotObject},
		{nil, schema.ReasonTombstone},
		{[]byte(`{"complaint_id":"1"}`), schema.ReasonNoText},
		{[]byte(`{"narrative":"  "}`), schema.ReasonBlankText},
		{[]byte(`{"narrative":"XXXX XX/XX/XXXX"}`), schema.ReasonOnlyMasks},
		{[]byte(`{"narrative":{"text":"text"}}`), schema.ReasonWrongType},
		{[]byte("\x00\x00\x00\x00\x2a{\"narrative\":\"The debt collector calls me\"}"), schema.ReasonWireFormat},
		{[]byte(`{"schema":{"type":"struct"},"payload":{"narrative":"The debt collector calls me"}}`), schema.ReasonEnvelope},
		{[]byte(`{"before":null,"after":{"narrative":"The debt collector calls me"},"op":"c"}`), schema.ReasonEnvelope},
		{[]byte("{\"narrative\":\"\xff\"}"), schema.ReasonInvalidUTF8},
		{[]byte(`{"narrative":"` + strings.Repeat("long ", schema.DefaultMaxTextBytes/4) + `"}`), schema.ReasonTextTooLong},
		{[]byte(strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)), schema.ReasonTooDeep},
		// The largest that the source takes; with its headers it needs the headroom.
		{noise(int(f.topics.MaxMessageBytes) - 200), schema.ReasonTextTooLong},
		// Larger than any batch before compression.
		{append([]byte(`{"narrative":"`), bytes.Repeat([]byte("long "), 1<<20)...), schema.ReasonNotJSON},
	}
	values := make([][]byte, 0, len(bad)+partitions)
	for _, b := range bad {
		values = append(values, b.value)
	}
	for i := range partitions {
		values = append(values, complaint(i))
	}
	big, err := kgo.NewClient(append(f.Opts, kgo.ProducerBatchMaxBytes(64<<20), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.ZstdCompression()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	for i, v := range values {
		r := &kgo.Record{Topic: f.topics.Complaints, Partition: int32(i % partitions), Key: []byte{0, 1, 255}, Value: v, Headers: []kgo.RecordHeader{{Key: "mine", Value: []byte("kept")}}}
		if err := big.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	stop := f.start(f.config("a"))
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.wantEachOnce(len(values))
	found := f.outputs()
	for i, b := range bad {
		r := found[fmt.Sprintf("%d/%d", i%partitions, i/partitions)].record
		if r == nil {
			continue
		}
		if !bytes.Equal(r.Value, b.value) || (r.Value == nil) != (b.value == nil) || !bytes.Equal(r.Key, []byte{0, 1, 255}) || headerOf(r, "mine") != "kept" {
			t.Errorf("%s: the dead letter is not the message as it came: %.80q", b.reason, r.Value)
		}
		if got := headerOf(r, schema.HeaderReason); got != string(b.reason) {
			t.Errorf("message %d has reason %q, want %q", i, got, b.reason)
		}
		if len(headerOf(r, schema.HeaderSourceTopicID)) != 32 || headerOf(r, schema.HeaderSourceTopic) != f.topics.Complaints || headerOf(r, schema.HeaderError) == "" {
			t.Errorf("%s: headers %v", b.reason, r.Headers)
		}
	}
}

func TestManyBadMessagesFitTheirTopic(t *testing.T) {
	f := newFixture(t)
	values := make([][]byte, 40)
	for i := range values {
		values[i] = noise(100<<10 + i)[1:] // not JSON, and 4 MB in all
	}
	f.publish(values...)
	stop := f.start(f.config("a"))
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.wantEachOnce(len(values))
}

// A message that its sender compressed harder than we do takes more room as a dead
// letter than it took before.
func TestDeadLetterThatWasCompressedHarder(t *testing.T) {
	f := newFixture(t)
	hard := kgo.ZstdCompression().WithLevel(19)
	value := []byte("not JSON")
	rng := rand.New(rand.NewPCG(1, 2))
	for len(value) < 3_500_000 || compressed(t, hard, value) < int(f.topics.MaxMessageBytes)-(32<<10) {
		for range 10_000 {
			value = fmt.Appendf(value, " word%d", int(math.Exp(rng.Float64()*9)))
		}
	}
	if size := compressed(t, kgo.ZstdCompression().WithLevel(1), value); size < int(f.topics.OutputMaxBytes()) {
		t.Fatalf("the value is %d bytes in our compression, which shows nothing", size)
	}
	sender, err := kgo.NewClient(append(f.Opts, kgo.ProducerBatchCompression(hard), kgo.ProducerBatchMaxBytes(64<<20))...)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	if err := sender.ProduceSync(t.Context(), &kgo.Record{Topic: f.topics.Complaints, Partition: 0, Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	stop := f.start(f.config("a"))
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, o := range f.outputs() {
		if o.record.Topic != f.topics.DeadLetter || !bytes.Equal(o.record.Value, value) {
			t.Errorf("%s holds %d bytes, want the %d that were sent as a dead letter", o.record.Topic, len(o.record.Value), len(value))
		}
	}
}

func compressed(t *testing.T, codec kgo.CompressionCodec, value []byte) int {
	t.Helper()
	compressor, err := kgo.DefaultCompressor(codec)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := compressor.Compress(new(bytes.Buffer), value)
	return len(out)
}

func TestExactlyOnceWhenConsumersComeAndGo(t *testing.T) {
	f := newFixture(t)
	const n = 4000
	f.publishComplaints(n)
	stop := f.start(f.config("steady"))
	for i := range 3 {
		other := f.start(f.config("guest-" + strconv.Itoa(i)))
		time.Sleep(300 * time.Millisecond)
		if err := other(); err != nil {
			t.Fatal(err)
		}
	}
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.wantEachOnce(n)
}

func TestExactlyOnceUnderFaults(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.TxnOffsetCommit, kmsg.EndTxn} {
		t.Run(key.Name(), func(t *testing.T) {
			f := newFixture(t)
			const n = 400
			f.publishComplaints(n)
			fault := f.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: faultOf(key), Count: 2})
			stop := f.start(f.config("a"))
			f.waitLag(stop)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			f.wantEachOnce(n)
			if fault.Hits() != 2 {
				t.Errorf("%d faults were met, want 2", fault.Hits())
			}
		})
	}
}

func faultOf(key kmsg.Key) *kerr.Error {
	if key == kmsg.Produce {
		return kerr.NotEnoughReplicas
	}
	return kerr.CoordinatorLoadInProgress
}

// A producer whose clock is ahead makes no latency that is negative.
func TestLatencyOfAClockThatIsAhead(t *testing.T) {
	f := newFixture(t)
	r := &kgo.Record{Topic: f.topics.Complaints, Value: complaint(1), Timestamp: time.Now().Add(50 * time.Minute)}
	f.Publish(r)
	cfg := f.config("a")
	registry := prometheus.NewRegistry()
	cfg.Registerer = registry
	stop := f.start(cfg)
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "complaints_latency_seconds" {
			continue
		}
		if h := family.GetMetric()[0].GetHistogram(); h.GetSampleCount() != 1 || h.GetSampleSum() < 0 {
			t.Errorf("%d latencies, together %g s", h.GetSampleCount(), h.GetSampleSum())
		}
	}
}

func TestRefusesToGuessAPosition(t *testing.T) {
	f := newFixture(t)
	const n = 40
	f.publishComplaints(n)
	stop := f.start(f.config("a"))
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	deleted, err := f.Admin.DeleteGroup(t.Context(), group)
	if err = errors.Join(err, deleted.Err); err != nil {
		t.Fatal(err)
	}

	cfg := f.config("a")
	err = classify.New(cfg).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "--from outputs") {
		t.Fatalf("err = %v, want one that says --from", err)
	}

	cfg = f.config("a")
	cfg.From = classify.FromOutputs
	f.publish(complaint(n)) // goes to partition 0
	stop = f.start(cfg)
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.wantEachOnce(n + 1)
}

func TestRefusesAnOffsetOutsideOfTheLog(t *testing.T) {
	f := newFixture(t)
	f.publishComplaints(40)
	stop := f.start(f.config("a"))
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.publishComplaints(40)
	if err := f.Cluster.DeleteRecords(f.topics.Complaints, 0, 15); err != nil {
		t.Fatal(err)
	}
	err := classify.New(f.config("a")).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "complaints/0") || !strings.Contains(err.Error(), "offset 10") {
		t.Fatalf("err = %v, want the partition and its offset named", err)
	}
}

func TestTwoProcessesOfOneName(t *testing.T) {
	f := newFixture(t)
	cfg := f.config("twin")
	cfg.Sessions = 1
	f.publishComplaints(8)
	first := make(chan error, 1)
	go func() { first <- classify.New(cfg).Run(t.Context()) }()
	f.waitLag(func() error { return <-first })
	cfg.Registerer = prometheus.NewRegistry()
	stop := f.start(cfg)
	f.publishComplaints(400)
	for {
		select {
		case err := <-first:
			if err == nil || !strings.Contains(err.Error(), "--instance") || !strings.Contains(err.Error(), "twin") {
				t.Errorf("err = %v, want the name and --instance", err)
			}
			f.waitLag(stop)
			if err := stop(); err != nil {
				t.Error(err)
			}
			return
		case <-time.After(100 * time.Millisecond):
			f.publish(complaint(1), complaint(2), complaint(3), complaint(4))
		}
	}
}

func TestTopicCreatedAnew(t *testing.T) {
	f := newFixture(t)
	f.publishComplaints(8)
	stop := f.start(f.config("a"))
	f.waitLag(stop)
	if err := f.Cluster.DeleteTopic(f.topics.Complaints); err != nil {
		t.Fatal(err)
	}
	if err := f.Cluster.CreateTopic(f.topics.Complaints, partitions, nil); err != nil {
		t.Fatal(err)
	}
	f.Client = f.NewClient(kgo.RecordPartitioner(kgo.ManualPartitioner())) // the other knows the old topic
	f.publishComplaints(8)
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for at, o := range f.outputs() {
		if o.count != 2 { // one of each topic
			t.Errorf("offset %s has %d outputs, want one of each topic", at, o.count)
		}
	}
}
