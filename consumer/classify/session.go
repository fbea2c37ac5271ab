package classify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/failpoint"
	"complaints/internal/kafka"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// transactionTimeout bounds how long a process that died blocks every
// read_committed reader of the outputs.
const transactionTimeout = 15 * time.Second

// batchOverheadBytes is what a record batch adds to the key and value of its only
// record, with room for the headers of a dead letter.
const batchOverheadBytes = 2 << 10

// session owns one client and works on one micro-batch at a time. Only its own
// goroutine touches it.
type session struct {
	role    *Role
	number  int // among the role's sessions
	stream  *kgo.GroupTransactSession
	log     *slog.Logger
	topicID string
	batch   batch
	ready   chan struct{} // closed when all of the above is there
}

func (r *Role) newSession(ctx context.Context, cancel context.CancelCauseFunc, number int) (*session, error) {
	s := &session{role: r, number: number, log: r.cfg.Logger.With("session", number), ready: make(chan struct{})}
	id := fmt.Sprintf("%s-%s-%d", r.cfg.Group, r.cfg.Instance, number)
	resume := func(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
		offsets, err := s.resume(ctx, offsets)
		if err != nil && ctx.Err() == nil && !asksAgain(err) {
			cancel(err)
		}
		return offsets, err
	}
	var err error
	if s.stream, err = openStream(id, append(r.options(id), kgo.AdjustFetchOffsetsFn(resume))); err != nil {
		return nil, err
	}
	if s.topicID, _, err = kafka.TopicID(ctx, s.stream.Client(), r.cfg.Topics.Complaints); err != nil {
		s.close()
		return nil, err
	}
	s.batch.init(r, s.topicID)
	close(s.ready)
	return s, nil
}

// asksAgain says whether the client, which joins its group again after an error of
// resume, may find a better answer then, as after an election.
func asksAgain(err error) bool {
	if errors.Is(err, kerr.UnknownTopicID) || errors.Is(err, kerr.UnknownTopicOrPartition) {
		return false
	}
	return kerr.IsRetriable(err)
}

func (r *Role) options(clientID string) []kgo.Opt {
	return append(append([]kgo.Opt{}, r.cfg.Kafka...),
		kgo.ClientID(clientID),
		kafka.Metrics(r.cfg.Registerer, clientID),
		kgo.OnPartitionsAssigned(r.metrics.moved(partitionAssigned)),
		kgo.OnPartitionsRevoked(r.metrics.moved(partitionRevoked)),
		kgo.OnPartitionsLost(r.metrics.moved(partitionLost)),
		kgo.ConsumerGroup(r.cfg.Group),
		kgo.ConsumeTopics(r.cfg.Topics.Complaints),
		// Complaints may be published in transactions too; those that abort
		// never happened.
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// Aborted batches must not pass for gaps, and only the partitions that
		// move should stop.
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		// A partition without a commit starts at its beginning; an offset that
		// the log no longer has is an error, never a silent jump.
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		// The position passes the markers of transactions, and with them the aborted
		// records before them: a position that stayed before what no reader sees would
		// never reach the end, and retention would overtake it.
		kgo.KeepControlRecords(),
		// The default of five minutes is long to wait for new partitions.
		kgo.MetadataMaxAge(30*time.Second),
		// The client counts before compression, the broker after. A result may
		// weigh what the broker takes uncompressed; a dead letter came through
		// compression once and must pass again, so batch.deadLetter keeps watch.
		kgo.ProducerBatchMaxBytesFn(func(topic string) int32 {
			if topic == r.cfg.Topics.DeadLetter {
				return kafka.MaxBatchBytes
			}
			return r.cfg.Topics.OutputBatchBytes()
		}),
		// The transaction's end flushes: waiting for fuller batches would only
		// add to the latency.
		kgo.ProducerLinger(0),
		// The fastest level takes a quarter less time than the default one, and 7 % more room.
		kgo.ProducerBatchCompression(kgo.ZstdCompression().WithLevel(1), kgo.SnappyCompression()),
		// A micro-batch is all that a session holds; fetching far ahead of it
		// would only cost memory.
		kgo.FetchMaxBytes(16<<20),
		kgo.FetchMaxPartitionBytes(4<<20),
	)
}

// openStream opens a client whose micro-batches are transactions.
func openStream(id string, opts []kgo.Opt) (*kgo.GroupTransactSession, error) {
	return kgo.NewGroupTransactSession(append(opts,
		kgo.TransactionalID(id),
		kgo.TransactionTimeout(transactionTimeout),
	)...)
}

func (s *session) close() { s.stream.Close() }

// run works until ctx ends. Its cause, if it is one, is the error.
func (s *session) run(ctx context.Context) error {
	for {
		records, err := s.poll(ctx)
		if err != nil {
			return err
		}
		if len(records) > 0 && s.loadSchemas(ctx, records) == nil {
			if err := s.transact(ctx, records); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
				return cause
			}
			return nil
		}
	}
}

// poll gathers a micro-batch: it waits for the first message, then for more until
// the batch is full or its time is up. Markers are among the records.
func (s *session) poll(ctx context.Context) ([]*kgo.Record, error) {
	limit := s.role.cfg.BatchRecords
	fetches := s.stream.PollRecords(ctx, limit)
	if err := fetchError(fetches); err != nil {
		return nil, err
	}
	records := fetches.Records()
	if len(records) == 0 || len(records) >= limit {
		return records, nil
	}
	wait, cancel := context.WithTimeout(ctx, s.role.cfg.BatchWait)
	defer cancel()
	for len(records) < limit && wait.Err() == nil {
		fetches = s.stream.PollRecords(wait, limit-len(records))
		if err := fetchError(fetches); err != nil {
			return nil, err
		}
		records = append(records, fetches.Records()...)
	}
	return records, nil
}

// fetchError returns the first error of a poll from which the client does not
// recover by itself.
func fetchError(fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		switch {
		case kafka.Recovers(e.Err):
		case e.Topic == "":
			return fmt.Errorf("fetch: %w", e.Err)
		default:
			return fmt.Errorf("fetch %s/%d: %w", e.Topic, e.Partition, e.Err)
		}
	}
	return nil
}

// transact labels a micro-batch and commits it, or gives it back: after an abort
// the client fetches the same records again. The offsets are those behind the last
// records of the poll, markers included; a batch of markers alone has offsets and
// no results.
func (s *session) transact(ctx context.Context, records []*kgo.Record) error {
	// The batch in hand is finished even at shutdown, within a bound.
	ctx, cancel := drainContext(ctx, s.role.cfg.DrainTimeout)
	defer cancel()
	started := time.Now()
	records = slices.DeleteFunc(records, func(r *kgo.Record) bool { return r.Attrs.IsControl() })
	if err := s.stream.Begin(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	failpoint.Hit("classify/after-begin")
	model := s.role.cfg.Models.Current()
	if err := s.produce(ctx, model, records); err != nil {
		_, abortErr := s.stream.End(ctx, kgo.TryAbort)
		s.role.metrics.transaction(outcomeFailed)
		return timedOut(started, errors.Join(fmt.Errorf("produce %d results: %w", len(records), err), abortErr))
	}
	failpoint.Hit("classify/before-commit")
	committed, err := s.stream.End(ctx, kgo.TryCommit)
	if err != nil {
		s.role.metrics.transaction(outcomeFailed)
		return timedOut(started, fmt.Errorf("end transaction: %w", err))
	}
	failpoint.Hit("classify/after-commit")
	if !committed {
		s.role.metrics.transaction(outcomeAborted)
		s.log.Info("micro-batch given back after a rebalance", "records", len(records))
		return nil
	}
	s.role.metrics.transaction(outcomeCommitted)
	if len(records) > 0 {
		s.batch.report(started, records)
	}
	s.log.Debug("micro-batch committed", "records", len(records), "dead_letters", s.batch.dead, "model_version", model.Version(), "took", time.Since(started))
	return nil
}

// errTransactionTimedOut means that the broker aborted a transaction that took too long.
var errTransactionTimedOut = errors.New("the transaction timed out, for the process did not run meanwhile")

// timedOut tells a transaction that the broker aborted because this process was
// asleep from one that was taken over by another process of the same name.
func timedOut(started time.Time, err error) error {
	if time.Since(started) > transactionTimeout {
		return fmt.Errorf("%w: %w", errTransactionTimedOut, err)
	}
	return err
}

// produce labels the records, hands the results to the client and waits until
// the broker has them.
func (s *session) produce(ctx context.Context, model *classifier.Classifier, records []*kgo.Record) error {
	s.batch.start(model, len(records))
	for _, in := range records {
		began := time.Now()
		out, flush := s.batch.label(in)
		s.role.metrics.classify.Observe(time.Since(began).Seconds())
		if flush {
			if err := s.stream.Client().Flush(ctx); err != nil {
				return err
			}
		}
		s.stream.Produce(ctx, out, s.batch.promise)
	}
	failpoint.Hit("classify/after-produce")
	if err := s.stream.Client().Flush(ctx); err != nil {
		return err
	}
	return s.batch.failure()
}

// drainContext outlives parent by the given time.
func drainContext(parent context.Context, drain time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.AfterFunc(drain, cancel)
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() { stop(); cancel() }
}
