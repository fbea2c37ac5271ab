// Command ceiling is the classify loop with classification replaced by nothing:
// what a client of this broker on this machine can reach at most. It consumes,
// produces, and commits in transactions, as consumer/classify does and with the
// same options, but looks at no byte of a message: every result is the message
// with the same label. A sink can read them. One call is one measurement; it ends
// when the topic is read.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"complaints/schema"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ceiling:", err)
		os.Exit(1)
	}
}

// loop is one measurement.
type loop struct {
	brokers, source, target string

	sessions int
	batch    int   // records a transaction
	limit    int64 // end after that many messages
	fixed    int   // bytes of every result; 0: the message and its label

	fill []byte // a result of fixed bytes
	done atomic.Int64
}

func run(ctx context.Context, args []string) error {
	l := new(loop)
	f := flag.NewFlagSet("ceiling", flag.ContinueOnError)
	f.StringVar(&l.brokers, "brokers", "127.0.0.1:9092", "host:port")
	f.StringVar(&l.source, "source", "complaints", "topic to read")
	f.StringVar(&l.target, "target", "ceiling", "topic to write, and the group's name")
	f.IntVar(&l.sessions, "sessions", 2, "transactions in flight")
	f.IntVar(&l.batch, "batch", 5000, "messages a transaction")
	f.Int64Var(&l.limit, "limit", 1_000_000, "end after that many messages")
	f.IntVar(&l.fixed, "fixed", 0, "bytes of every result; 0: those of the message and its label")
	if err := f.Parse(args); err != nil {
		return err
	}
	l.fill = bytes.Repeat([]byte("x"), l.fixed)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	for n := range l.sessions {
		g.Go(func() error { return l.session(ctx, cancel, n) })
	}
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (l *loop) session(ctx context.Context, end func(), number int) error {
	// The options of consumer/classify; see there why.
	s, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(l.brokers),
		kgo.ConsumerGroup(l.target),
		kgo.ConsumeTopics(l.source),
		kgo.TransactionalID(fmt.Sprint(l.target, number)),
		kgo.TransactionTimeout(15*time.Second),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.ZstdCompression().WithLevel(1), kgo.SnappyCompression()),
		kgo.FetchMaxBytes(16<<20),
		kgo.FetchMaxPartitionBytes(4<<20),
		kgo.DefaultProduceTopic(l.target),
	)
	if err != nil {
		return err
	}
	defer s.Close()
	for l.done.Load() < l.limit {
		fetches := s.PollRecords(ctx, l.batch)
		if err := fetches.Err0(); err != nil {
			return err
		}
		if err := l.transact(ctx, s, fetches); err != nil {
			return err
		}
	}
	end()
	return nil
}

func (l *loop) transact(ctx context.Context, s *kgo.GroupTransactSession, fetches kgo.Fetches) error {
	if fetches.NumRecords() == 0 {
		return nil
	}
	if err := s.Begin(); err != nil {
		return err
	}
	promise := kgo.AbortingFirstErrPromise(s.Client())
	fetches.EachRecord(func(r *kgo.Record) {
		s.Produce(ctx, &kgo.Record{Key: r.Key, Value: l.result(r.Value)}, promise.Promise())
	})
	if err := promise.Err(); err != nil {
		return err
	}
	committed, err := s.End(ctx, kgo.TryCommit)
	if committed {
		l.done.Add(int64(fetches.NumRecords()))
	}
	return err
}

// label is what a result has behind its message. The same bytes each time cost next
// to nothing to compress, so that the ceiling is rather too high than too low.
var label = func() string {
	t := schema.Bureau()
	p := make([]float64, t.Len())
	for i := range p {
		p[i] = 0.02178801190646905
	}
	p[0] = 0.9128479123741238
	return fmt.Sprintf(`,"category":%q,"category_code":0,"probability":%v,"probabilities":%s,"needs_review":false,"taxonomy":%q,`+
		`"model_version":"ceiling-0000000000000000","classified_at":"2026-11-25T00:00:00.000Z","source_topic":"complaints",`+
		`"source_topic_id":"00000000000000000000000000000000","source_partition":0,"source_offset":0,"source_timestamp":"2026-11-25T00:00:00.000Z"}`,
		t.CategoryName(0), p[0], t.AppendProbabilities(nil, p).AppendJSON(nil), t.ID())
}()

func (l *loop) result(message []byte) []byte {
	if l.fixed > 0 {
		return l.fill
	}
	body := message[:max(len(message)-1, 0)] // without its brace
	out := make([]byte, 0, len(body)+len(label))
	return append(append(out, body...), label...)
}
