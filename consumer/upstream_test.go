package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/verify"
	"complaints/internal/kafka"
	"complaints/internal/kafka/kafkatest"
	"complaints/schema"
)

// upstream writes complaints in transactions, as other people's programs do, and has a consumer.
type upstream struct {
	t      *testing.T
	client *kgo.Client
	args   []string // of each command
	lake   string
}

func newUpstream(t *testing.T, brokers string) *upstream {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.TransactionalID("upstream"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if _, err := kafka.EnsureTopics(t.Context(), client, kafka.TopicConfig{Partitions: 2, Replication: -1}); err != nil {
		t.Fatal(err)
	}
	u := &upstream{t: t, client: client, lake: t.TempDir()}
	u.args = []string{"--brokers", brokers, "--lake", "file://" + u.lake}
	return u
}

// write writes n complaints to each partition in one transaction.
func (u *upstream) write(n int, end kgo.TransactionEndTry) {
	u.t.Helper()
	if err := u.client.BeginTransaction(); err != nil {
		u.t.Fatal(err)
	}
	for i := range 2 * n {
		u.client.Produce(u.t.Context(), &kgo.Record{
			Topic: schema.TopicNames("").Complaints, Partition: int32(i % 2),
			Value: []byte(`{"narrative":"My mortgage servicer lost two payments."}`),
		}, nil)
	}
	if err := u.client.Flush(u.t.Context()); err != nil {
		u.t.Fatal(err)
	}
	if err := u.client.EndTransaction(u.t.Context(), end); err != nil {
		u.t.Fatal(err)
	}
}

// consume runs a consumer until it has done all.
func (u *upstream) consume(args ...string) error {
	u.t.Helper()
	var log bytes.Buffer
	// It ends by itself; a lag that never ends would keep it.
	ctx, cancel := context.WithTimeout(u.t.Context(), 2*time.Minute)
	defer cancel()
	all := append([]string{"--roles", "classify,sink", "--instance", "a", "--allow-bootstrap", "--exit-when-idle", "--idle-for", "1s"}, u.args...)
	err := run(ctx, append(all, args...), &log, &log)
	if ctx.Err() != nil {
		u.t.Fatalf("the consumer did not end by itself: %v\n%s", err, log.String())
	}
	return err
}

// verify proves, and returns the report.
func (u *upstream) verify(args ...string) (verify.Report, error) {
	u.t.Helper()
	var out, log bytes.Buffer
	err := run(u.t.Context(), append(append([]string{"verify", "--json"}, u.args...), args...), &out, &log)
	var report verify.Report
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			u.t.Fatalf("%s: %v", out.String(), err)
		}
	}
	return report, err
}

// retain removes the log of a partition of the complaints as retention does: all but the last few offsets.
func (u *upstream) retain(partition int32, last int64) {
	u.t.Helper()
	topic := schema.TopicNames("").Complaints
	bounds, err := kafka.TopicBounds(u.t.Context(), u.client, topic)
	if err != nil {
		u.t.Fatal(err)
	}
	var before kadm.Offsets
	before.AddOffset(topic, partition, bounds[partition].End-last, -1)
	deleted, err := kadm.NewClient(u.client).DeleteRecords(u.t.Context(), before)
	if err != nil || deleted.Error() != nil {
		u.t.Fatal(err, deleted.Error())
	}
}

func (u *upstream) wantProof(messages int64) {
	u.t.Helper()
	report, err := u.verify("--wait", "20s")
	if err != nil || report.Results.Messages != messages {
		u.t.Errorf("%d messages, want %d; %+v, %v", report.Results.Messages, messages, report.Faults, err)
	}
	lag, err := kafka.Lag(u.t.Context(), u.client, "complaints-classify", schema.TopicNames("").Complaints)
	if err != nil || lag.Total() != 0 {
		u.t.Errorf("lag %v, %v, want none", lag, err)
	}
}

// transactionalUpstream has a consumer end, prove and start again where transactions leave markers and aborted records.
func transactionalUpstream(t *testing.T, brokers string) {
	u := newUpstream(t, brokers)
	u.write(20, kgo.TryCommit)
	u.write(5, kgo.TryAbort)
	if err := u.consume(); err != nil {
		t.Fatal(err)
	}
	u.wantProof(40)

	// Retention takes all that was read, and what was aborted while no classifier ran.
	u.write(5, kgo.TryAbort)
	if err := u.consume("--roles", "sink"); err != nil {
		t.Fatal(err)
	}
	for p := range int32(2) {
		u.retain(p, 0)
	}
	u.write(3, kgo.TryCommit)
	if err := u.consume(); err != nil {
		t.Fatal(err)
	}
	u.wantProof(46)
}

func TestTransactionalUpstream(t *testing.T) {
	transactionalUpstream(t, kafkatest.Start(t).ListenAddrs()[0])
}

// Where retention took messages unread, the error names all flags of the recovery, and the proof what was given up.
func TestRecoveryFromRetentionThatWasTooShort(t *testing.T) {
	u := newUpstream(t, kafkatest.Start(t).ListenAddrs()[0])
	u.write(20, kgo.TryCommit)
	if err := u.consume(); err != nil {
		t.Fatal(err)
	}
	u.write(20, kgo.TryCommit)
	u.retain(0, 6)
	report, err := u.verify()
	if err == nil || report.OK || report.Counts[verify.Gap] == 0 {
		t.Errorf("before: %+v, %v, want gaps", report, err)
	}
	err = u.consume()
	for _, flag := range []string{"--from start", "--accept-loss"} {
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("err = %v, want %s in it", err, flag)
		}
	}
	if err := u.consume("--from", "start", "--accept-loss"); err != nil {
		t.Fatal(err)
	}
	if report, err = u.verify(); err != nil || !report.OK || report.AcceptedLosses != 1 {
		t.Errorf("behind: %+v, %v, want one accepted loss", report, err)
	}
	var text bytes.Buffer
	if err := run(t.Context(), append([]string{"verify"}, u.args...), &text, &text); err != nil || !strings.Contains(text.String(), "OK except 1 accepted loss") {
		t.Errorf("%v\n%s", err, text.String())
	}
}

func TestVerifyOfNamesThatAreNotThere(t *testing.T) {
	u := newUpstream(t, kafkatest.Start(t).ListenAddrs()[0])
	u.write(5, kgo.TryCommit)
	if err := u.consume(); err != nil {
		t.Fatal(err)
	}
	if _, err := u.verify(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string // in the error or the report
	}{
		{[]string{"--group", "typo"}, "group typo-classify"},
		{[]string{"--topic-prefix", "typo."}, "no topic typo.complaints,"},
		{[]string{"--lake", "file://" + u.lake + "/typo"}, u.lake + "/typo"},
		{[]string{"--lake", "file://" + t.TempDir()}, "layer bronze"},
	} {
		report, err := u.verify(c.args...)
		if text := fmt.Sprint(err, report.Faults); err == nil || report.OK || !strings.Contains(text, c.want) {
			t.Errorf("%v: %s, want %q", c.args, text, c.want)
		}
	}
}
