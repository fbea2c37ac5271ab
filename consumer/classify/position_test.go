package classify_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"complaints/consumer/classify"
)

// upstream publishes n messages to each partition in one transaction.
func (f *fixture) upstream(n int, end kgo.TransactionEndTry) {
	f.t.Helper()
	var records []*kgo.Record
	for i := range n * partitions {
		records = append(records, &kgo.Record{Topic: f.topics.Complaints, Partition: int32(i % partitions), Value: complaint(i)})
	}
	f.PublishTransaction(end, records...)
}

// runOnce runs a role until the group has committed all.
func (f *fixture) runOnce(cfg classify.Config) {
	f.t.Helper()
	stop := f.start(cfg)
	f.waitLag(stop)
	if err := stop(); err != nil {
		f.t.Fatal(err)
	}
}

// wantOutputs checks that each of n messages has one output, wherever it stands.
func (f *fixture) wantOutputs(n int) {
	f.t.Helper()
	found := f.outputs()
	for at, o := range found {
		if o.count != 1 {
			f.t.Errorf("message %s has %d outputs, want 1", at, o.count)
		}
	}
	if len(found) != n {
		f.t.Errorf("%d messages have outputs, want %d", len(found), n)
	}
}

func TestPositionPassesWhatNoReaderSees(t *testing.T) {
	for _, tc := range []struct {
		name               string
		committed, aborted int // messages a partition
		end                int64
	}{
		{"markers", 5, 0, 6},
		{"aborted records behind committed ones", 5, 3, 10},
		{"aborted records alone", 0, 3, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t)
			if tc.committed > 0 {
				f.upstream(tc.committed, kgo.TryCommit)
			}
			if tc.aborted > 0 {
				f.upstream(tc.aborted, kgo.TryAbort)
			}
			f.runOnce(f.config("a"))
			for p := range int32(partitions) {
				if at := f.Committed(group, f.topics.Complaints, p); at != tc.end {
					t.Errorf("partition %d is committed up to %d, want %d", p, at, tc.end)
				}
			}
			// What was passed is not read again, and may go.
			for p := range int32(partitions) {
				if err := f.DeleteRecords(f.topics.Complaints, p, tc.end); err != nil {
					t.Fatal(err)
				}
			}
			f.upstream(2, kgo.TryCommit)
			f.runOnce(f.config("a"))
			f.wantOutputs((tc.committed + 2) * partitions)
		})
	}
}

// A group of an earlier version stands behind the last message, before its marker.
func TestPositionOfAnEarlierVersionGoesOn(t *testing.T) {
	f := newFixture(t)
	f.upstream(5, kgo.TryCommit)
	f.runOnce(f.config("a"))
	for p := range int32(partitions) {
		f.Commit(group, f.topics.Complaints, p, 5)
	}
	f.runOnce(f.config("a"))
	f.wantOutputs(5 * partitions)
}

func TestExactlyOnceWithATransactionalUpstream(t *testing.T) {
	f := newFixture(t)
	fault := f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Group: group, Err: faultOf(kmsg.TxnOffsetCommit), Count: 5})
	cfg := f.config("steady")
	cfg.BatchRecords = 7 // so that batches end at markers, and within transactions
	stop := f.start(cfg)
	const rounds = 12
	var published sync.WaitGroup
	published.Go(func() {
		for range rounds {
			f.upstream(10, kgo.TryCommit)
			f.upstream(4, kgo.TryAbort)
			f.upstream(1, kgo.TryCommit)
		}
	})
	for i := range 3 {
		guest := f.start(f.config("guest-" + strconv.Itoa(i)))
		f.waitOutputs((i + 1) * 60)
		if err := guest(); err != nil {
			t.Fatal(err)
		}
	}
	published.Wait()
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.wantOutputs(rounds * 11 * partitions)
	if fault.Hits() != 5 {
		t.Errorf("%d faults were met, want 5", fault.Hits())
	}
}

// waitOutputs waits until there are n outputs.
func (f *fixture) waitOutputs(n int) {
	f.t.Helper()
	for range 600 {
		if len(f.ReadCommitted(f.topics.Classified)) >= n {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	f.t.Fatalf("there are no %d outputs", n)
}

// An aborted micro-batch gives back the markers that it read too.
func TestPositionStaysWhereATransactionAborts(t *testing.T) {
	f := newFixture(t)
	f.upstream(5, kgo.TryCommit)
	fault := f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: faultOf(kmsg.TxnOffsetCommit), Count: -1})
	stop := f.start(f.config("a"))
	for fault.Hits() < 3 {
		time.Sleep(10 * time.Millisecond)
	}
	for p := range int32(partitions) {
		if at := f.Committed(group, f.topics.Complaints, p); at > 0 {
			t.Errorf("partition %d is committed up to %d, and no transaction was committed", p, at)
		}
	}
	if n := len(f.outputs()); n > 0 {
		t.Errorf("%d outputs, and no transaction was committed", n)
	}
	fault.Remove()
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.wantOutputs(5 * partitions)
}

func TestCommittedOffsetBeforeTheLog(t *testing.T) {
	none := func(context.Context, classify.Hole) (int64, bool, error) { return 0, true, nil }
	some := func(context.Context, classify.Hole) (int64, bool, error) { return 3, true, nil }
	unknown := func(context.Context, classify.Hole) (int64, bool, error) { return 0, false, nil }
	failed := func(context.Context, classify.Hole) (int64, bool, error) { return 0, false, errors.New("no lake") }
	for _, tc := range []struct {
		name    string
		removed func(context.Context, classify.Hole) (int64, bool, error)
		from    classify.From
		want    []string // in the error; nil: the role goes on
	}{
		{"no record stood between", none, "", nil},
		{"records stood between", some, "", []string{"complaints/0", "offset 5", "3 messages", "--from start", "--accept-loss"}},
		{"nobody can tell", unknown, "", []string{"complaints/0", "offset 5", "up to 5 messages", "--from start", "--accept-loss"}},
		{"nobody is asked", nil, "", []string{"up to 5 messages"}},
		{"who is asked fails", failed, "", []string{"no lake"}},
		{"records stood between, and that is accepted", some, classify.FromStart, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t)
			f.publishAt(0, 5)
			f.runOnce(f.config("a"))
			f.publishAt(0, 6)
			if err := f.DeleteRecords(f.topics.Complaints, 0, 10); err != nil {
				t.Fatal(err)
			}
			cfg := f.config("a")
			cfg.From = tc.from
			if tc.removed != nil {
				cfg.Removed = func(ctx context.Context, h classify.Hole) (int64, bool, error) {
					if want := (classify.Hole{TopicID: f.TopicID(f.topics.Complaints), Partition: 0, From: 5, Next: 10}); h != want {
						t.Errorf("asked for %+v, want %+v", h, want)
					}
					return tc.removed(ctx, h)
				}
			}
			if tc.want == nil {
				f.runOnce(cfg)
				f.wantOutputs(6)
				return
			}
			err := classify.New(cfg).Run(t.Context())
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("err = %v, want %q in it", err, want)
				}
			}
		})
	}
}

// publishAt publishes n messages to a partition.
func (f *fixture) publishAt(partition int32, n int) {
	f.t.Helper()
	for i := range n {
		f.Publish(&kgo.Record{Topic: f.topics.Complaints, Partition: partition, Value: complaint(i)})
	}
}
