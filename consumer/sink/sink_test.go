package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/schema"
)

func readerAt(b []byte) io.ReaderAt { return bytes.NewReader(b) }

func TestEachCommittedRecordStandsOnce(t *testing.T) {
	r := newTestEnv(t, 3)
	for p := range int32(3) {
		r.produce(p, 500, kgo.TryCommit, day(23), day(24))
		r.produce(p, 100, kgo.TryAbort)
		r.produce(p, 300, kgo.TryCommit)
		r.produce(p, 50, kgo.TryAbort)
	}
	cfg := r.config()
	cfg.RollRows = 64
	s := start(t, cfg)
	r.wait(s)
	r.check()
	idle, err := s.Idle(t.Context())
	if err != nil || !idle {
		t.Errorf("idle is %v, %v, and all is in the lake", idle, err)
	}
	r.produce(1, 10, kgo.TryCommit)
	s.stop()
	if idle, _ := s.Idle(t.Context()); idle {
		t.Error("a sink that does not run says that it is idle")
	}
}

func TestShutdownFlushesAndTheNextGoesOn(t *testing.T) {
	r := newTestEnv(t, 2)
	cfg := r.config()
	cfg.RollAge = time.Hour
	for range 3 {
		r.produce(0, 100, kgo.TryCommit)
		r.produce(1, 100, kgo.TryCommit)
		s := start(t, cfg)
		eventually(t, "all is read", func() bool {
			read := int64(0)
			for _, p := range s.Status() {
				read += p.Position
			}
			ends, _ := r.admin.ListCommittedOffsets(t.Context(), topic)
			return read == endSum(ends)
		})
		s.stop()
		r.check()
	}
	offsets, err := r.admin.FetchOffsets(t.Context(), "sink")
	if err != nil {
		t.Fatal(err)
	}
	claims := r.claims(schema.Gold, r.id(), 0)
	last := claims[len(claims)-1]
	committed, _ := offsets.Lookup(topic, 0)
	if committed.At != last.Next {
		t.Errorf("committed %d, and the last claim is %d to %d", committed.At, last.Start, last.Next)
	}
}

func endSum(o kadm.ListedOffsets) (n int64) {
	o.Each(func(l kadm.ListedOffset) { n += l.Offset })
	return n
}

func TestTheLakeSaysWhereToResume(t *testing.T) {
	for name, reset := range map[string]func(*testEnv){
		"offsets deleted": func(r *testEnv) {
			if _, err := r.admin.DeleteGroups(r.t.Context(), "sink"); err != nil {
				r.t.Fatal(err)
			}
		},
		"reset to the start":             func(r *testEnv) { r.commit(0) },
		"reset to the middle of a claim": func(r *testEnv) { r.commit(150) },
		"reset past the end":             func(r *testEnv) { r.commit(1 << 40) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newTestEnv(t, 1)
			r.produce(0, 400, kgo.TryCommit)
			cfg := r.config()
			cfg.RollRows = 100
			s := start(t, cfg)
			r.wait(s)
			s.stop()
			reset(r)
			s = start(t, cfg)
			r.waitCommitted(401) // 400 records and a marker: it is noted although nothing new comes
			s.stop()
			reset(r)
			r.produce(0, 250, kgo.TryCommit)
			r.wait(start(t, cfg))
			r.check()
		})
	}
}

// waitCommitted waits until the group has the offset of partition 0.
func (r *testEnv) waitCommitted(offset int64) {
	r.t.Helper()
	eventually(r.t, fmt.Sprint("the group has offset ", offset), func() bool {
		offsets, err := r.admin.FetchOffsets(r.t.Context(), "sink") // fails until the group is there again
		o, _ := offsets.Lookup(topic, 0)
		return err == nil && o.At == offset
	})
}

func (r *testEnv) commit(offset int64) {
	r.t.Helper()
	var o kadm.Offsets
	o.Add(kadm.Offset{Topic: topic, At: offset, LeaderEpoch: -1})
	if err := r.admin.CommitAllOffsets(r.t.Context(), "sink", o); err != nil {
		r.t.Fatal(err)
	}
}

func TestARecreatedTopicHasItsOwnChain(t *testing.T) {
	r := newTestEnv(t, 2)
	r.produce(0, 200, kgo.TryCommit)
	s := start(t, r.config())
	r.wait(s)
	r.check()
	first := r.id()
	r.recreate(2)
	r.produce(0, 50, kgo.TryCommit)
	r.produce(1, 70, kgo.TryCommit)
	r.wait(s)
	r.check()
	if n := len(r.rows(first)[0]); n != 200 {
		t.Errorf("%d rows of the first topic are there, want 200", n)
	}
}

// TestALakeMayMove copies a lake while no sink runs, objects first and the chain
// last, as an operator does who changes buckets. The offsets of the group are those
// of the old lake, and stay.
func TestALakeMayMove(t *testing.T) {
	r := newTestEnv(t, 2)
	cfg := r.config()
	cfg.RollRows = 40
	for p := range int32(2) {
		r.produce(p, 300, kgo.TryCommit, day(23), day(24))
		r.produce(p, 50, kgo.TryAbort)
	}
	s := start(t, cfg)
	r.wait(s)
	s.stop()
	before := len(r.claims(schema.Gold, r.id(), 0))

	moved, err := lake.Open(t.Context(), lake.Config{URL: "file://" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"gold/", "chain/"} {
		r.copyTo(moved, folder)
	}
	r.store, cfg.Store = moved, moved
	r.check()
	for p := range int32(2) {
		r.produce(p, 200, kgo.TryCommit)
	}
	r.wait(start(t, cfg))
	r.check()
	if after := len(r.claims(schema.Gold, r.id(), 0)); after <= before {
		t.Errorf("%d claims, want more than the %d that were moved", after, before)
	}
}

// copyTo copies the objects of a folder to another lake.
func (r *testEnv) copyTo(to lake.Store, folder string) {
	r.t.Helper()
	infos, err := r.store.List(r.t.Context(), folder, "", 1_000_000)
	if err != nil || len(infos) == 0 {
		r.t.Fatalf("%d objects in %s: %v", len(infos), folder, err)
	}
	for _, info := range infos {
		body, _, err := r.store.Get(r.t.Context(), info.Key)
		if err != nil {
			r.t.Fatal(err)
		}
		if err := to.PutNew(r.t.Context(), info.Key, body, nil); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestPartitionsMayBeAdded(t *testing.T) {
	r := newTestEnv(t, 1)
	r.produce(0, 100, kgo.TryCommit)
	cfg := r.config()
	cfg.KafkaOpts = append(cfg.KafkaOpts, kgo.MetadataMinAge(50*time.Millisecond))
	s := start(t, cfg)
	r.wait(s)
	if _, err := r.admin.CreatePartitions(t.Context(), 2, topic); err != nil {
		t.Fatal(err)
	}
	r.opts = append(r.opts, kgo.MetadataMinAge(10*time.Millisecond))
	r.produce(2, 100, kgo.TryCommit)
	r.wait(s)
	r.check()
}

func TestAnEmptyChainOpensWhereTheLogStarts(t *testing.T) {
	r := newTestEnv(t, 1)
	r.produce(0, 300, kgo.TryCommit)
	r.deleteRecords(0, 120)
	r.wait(start(t, r.config()))
	r.check()
	claims := r.claims(schema.Gold, r.id(), 0)
	if l := claims[0]; !l.Lost || l.Start != 0 || l.Next != 120 || len(l.Rows) != 0 {
		t.Errorf("the first claim is %+v, want an empty one from 0 to 120", l)
	}
}

func TestALogThatLostRecordsStopsTheSink(t *testing.T) {
	r := newTestEnv(t, 1)
	r.produce(0, 100, kgo.TryCommit)
	s := start(t, r.config())
	r.wait(s)
	s.stop()
	r.produce(0, 100, kgo.TryCommit)
	r.deleteRecords(0, 150)
	s = start(t, r.config())
	<-s.done
	if !errors.Is(s.err, ErrDataLoss) || !strings.Contains(s.err.Error(), "data_loss") {
		t.Fatalf("the sink ended with %v, want data_loss", s.err)
	}
	cfg := r.config()
	cfg.AcceptLoss = true
	r.wait(start(t, cfg))
	lost := 0
	for _, l := range r.claims(schema.Gold, r.id(), 0) {
		if l.Lost {
			lost++
			if l.Start != 101 || l.Next != 150 {
				t.Errorf("lost are %d to %d, want 101 to 150", l.Start, l.Next)
			}
		}
	}
	if lost != 1 {
		t.Errorf("%d claims say that they are lost, want 1", lost)
	}
	if n := len(r.rows(r.id())[0]); n != 100+50+1 {
		t.Errorf("%d rows, want 151", n)
	}
}

func TestAClaimWithoutObjectsIsCompleted(t *testing.T) {
	r := newTestEnv(t, 1)
	r.produce(0, 100, kgo.TryCommit, day(1), day(2), day(3))
	r.produce(0, 30, kgo.TryAbort)
	cfg := r.config()
	cfg.DrainTimeout = time.Millisecond
	var objects atomic.Int64
	cfg.Store = laketest.Faulty{Store: r.store, Choose: func(_ context.Context, op, key string) laketest.Fault {
		if _, err := schema.ParseObjectKey(key); err == nil && op == "PutNew" {
			if objects.Add(1) > 1 {
				return laketest.Fails
			}
		}
		return laketest.None
	}}
	s := start(t, cfg)
	eventually(t, "it goes on trying", func() bool { return objects.Load() > 2 })
	s.end()
	<-s.done
	if !errors.Is(s.err, laketest.ErrInjected) {
		t.Fatal(s.err)
	}
	if n := len(r.rows(r.id())[0]); n != 34 {
		t.Fatalf("%d rows are there after the crash, want the 34 of one day", n)
	}
	r.produce(0, 10, kgo.TryCommit)
	r.wait(start(t, r.config()))
	r.check()
}

func TestAStoreThatFailsNowAndThen(t *testing.T) {
	r := newTestEnv(t, 2)
	for p := range int32(2) {
		r.produce(p, 600, kgo.TryCommit, day(1), day(2))
		r.produce(p, 100, kgo.TryAbort)
	}
	cfg := r.config()
	cfg.RollRows = 50
	var mu sync.Mutex
	random, seen := rand.New(rand.NewPCG(1, 2)), map[laketest.Fault]int{}
	cfg.Store = laketest.Faulty{Store: r.store, Choose: func(context.Context, string, string) laketest.Fault {
		mu.Lock()
		defer mu.Unlock()
		f := laketest.None
		if random.IntN(5) == 0 {
			f = laketest.Fault(1 + random.IntN(3))
		}
		seen[f]++
		return f
	}}
	s := start(t, cfg)
	r.wait(s)
	s.stop()
	r.check()
	if seen[laketest.ErroredButStored] == 0 || seen[laketest.Lost] == 0 {
		t.Errorf("injected %v", seen)
	}
}

func TestPartitionsMoveBetweenSinks(t *testing.T) {
	r := newTestEnv(t, 6)
	cfg := r.config()
	cfg.RollRows = 40
	a := start(t, cfg)
	for round := range 4 {
		for p := range int32(6) {
			r.produce(p, 100, kgo.TryCommit)
		}
		b := start(t, cfg)
		for p := range int32(6) {
			r.produce(p, 100, kgo.TryCommit)
		}
		r.wait(a, b)
		if round%2 == 0 {
			b.stop()
		} else {
			a.stop()
			a = b
		}
	}
	r.wait(a)
	r.check()
}

func TestBuffersStayWithinTheBudget(t *testing.T) {
	r := newTestEnv(t, 16)
	for p := range int32(16) {
		r.produce(p, 1000, kgo.TryCommit)
	}
	cfg := r.config()
	cfg.RollAge = time.Hour
	const buffers = 200_000 // about an eighth of all
	cfg.Budget = buffers * bufferShare
	cfg.IdleFlush = time.Second
	slow := &slowStore{Store: r.store, delay: 20 * time.Millisecond}
	cfg.Store = slow
	s := start(t, cfg)
	most := int64(0)
	eventually(t, "all is in the lake", func() bool {
		now := int64(0)
		for _, p := range s.Status() {
			now += p.BufferedBytes
		}
		most = max(most, now)
		return r.covered(s)
	})
	s.stop()
	r.check()
	t.Logf("at most %d bytes were buffered with a budget of %d, in %d objects", most, buffers, slow.puts)
	if most < buffers/2 || most > buffers*11/10 {
		t.Errorf("%d bytes were buffered with a budget of %d", most, buffers)
	}
}

func TestConfigFaults(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a sink without a store was made")
	}
	if _, err := New(Config{Store: lake.Store(nil), Group: "g", Layers: []Output{{Name: schema.Gold, Topic: topic}}, RollRows: -1}); err == nil {
		t.Error("a negative roll was accepted")
	}
	if _, err := New(Config{Store: &slowStore{}, Group: "g", Layers: []Output{{Name: schema.Silver, Topic: topic}, {Name: schema.Silver, Topic: topic}}}); err == nil {
		t.Error("a layer was accepted twice")
	}
}
