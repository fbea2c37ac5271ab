// Package replay publishes dead letters again to the complaints topic, after
// what was wrong with them, or with the consumer, was put right.
//
// In come the dead letters of chosen reasons; out go the messages as they first
// came, with a header that counts how often. Each reason has a consumer group of
// its own, and messages and offsets are one transaction: after a crash at any
// step the next run goes on where the last commit was, and publishes nothing
// twice. A message that fails again is a new dead letter, until it has come too
// often.
package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
	"complaints/schema"
)

// Config is what is replayed.
type Config struct {
	KafkaOpts   []kgo.Opt // how to reach the cluster
	Topics      kafka.Topics
	Group       string          // prefix of the groups and transactional ids
	Reasons     []schema.Reason // whose dead letters are replayed
	MaxAttempts int             // a message that was replayed that often stays a dead letter
	DryRun      bool            // only count
	Logger      *slog.Logger
}

// Counts is what was done with the dead letters of a reason since its last replay.
type Counts struct {
	Reason    schema.Reason `json:"reason"`
	Found     int64         `json:"found"`
	Replayed  int64         `json:"replayed"`  // or would be, in a dry run
	Exhausted int64         `json:"exhausted"` // were replayed too often
	TooLarge  int64         `json:"too_large"` // do not fit the complaints topic
}

// transactionTimeout is when the broker gives up a run that died.
const transactionTimeout = 15 * time.Second

// batch is how many dead letters a transaction takes at most.
const batch = 1000

// Run replays what there is now, one reason after the other.
func Run(ctx context.Context, cfg Config) ([]Counts, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	client, err := kgo.NewClient(cfg.KafkaOpts...)
	if err != nil {
		return nil, fmt.Errorf("replay: kafka client: %w", err)
	}
	defer client.Close()
	var all []Counts
	for _, reason := range cfg.Reasons {
		r := &run{cfg: cfg, client: client, group: cfg.Group + "-replay-" + string(reason), counts: Counts{Reason: reason}}
		err := r.run(ctx)
		all = append(all, r.counts)
		if err != nil {
			return all, fmt.Errorf("replay %s: %w", reason, err)
		}
	}
	return all, nil
}

// run is the replay of one reason.
type run struct {
	cfg    Config
	client *kgo.Client
	group  string
	counts Counts
}

func (r *run) run(ctx context.Context) error {
	// What becomes a dead letter from now on is not for this run, or it might never end.
	bounds, err := kafka.TopicBounds(ctx, r.client, r.cfg.Topics.DeadLetter)
	if err != nil {
		return err
	}
	if r.cfg.DryRun {
		return r.count(ctx, bounds)
	}
	return r.replay(ctx, bounds)
}

func (r *run) replay(ctx context.Context, bounds map[int32]kafka.Bounds) error {
	session, err := kgo.NewGroupTransactSession(append(slices.Clone(r.cfg.KafkaOpts),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// The position must pass the markers, or it never reaches the end.
		kgo.KeepControlRecords(),
		// A dead letter that is gone cannot be replayed, which resume says; the client
		// itself must not jump.
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.AdjustFetchOffsetsFn(func(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			return offsets, r.resume(offsets[r.cfg.Topics.DeadLetter], bounds)
		}),
		kgo.ConsumerGroup(r.group),
		kgo.ConsumeTopics(r.cfg.Topics.DeadLetter),
		kgo.TransactionalID(r.group),
		kgo.TransactionTimeout(transactionTimeout),
		// What fitted the topic once must fit a batch.
		kgo.ProducerBatchMaxBytes(r.cfg.Topics.SourceBatchBytes()),
	)...)
	if err != nil {
		return err
	}
	defer session.Close()
	for {
		done, err := r.done(ctx, bounds)
		if err != nil || done {
			return err
		}
		if err := r.transaction(ctx, session); err != nil {
			return err
		}
	}
}

// transaction replays what one poll brings, and commits how far it came.
func (r *run) transaction(ctx context.Context, session *kgo.GroupTransactSession) error {
	once, cancel := context.WithTimeout(ctx, time.Second)
	fetches := session.PollRecords(once, batch)
	cancel()
	if err := fetches.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if fetches.NumRecords() == 0 {
		return ctx.Err()
	}
	if err := session.Begin(); err != nil {
		return err
	}
	before := r.counts
	failed := r.publish(ctx, session, fetches.Records())
	try := kgo.TryCommit
	if failed != nil {
		try = kgo.TryAbort
	}
	// A shutdown must not leave the transaction to its timeout.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionTimeout)
	defer cancel()
	committed, err := session.End(end, try)
	if !committed {
		r.counts = before // it is polled again
	}
	return errors.Join(failed, err)
}

// publish produces the messages and waits for them.
func (r *run) publish(ctx context.Context, session *kgo.GroupTransactSession, letters []*kgo.Record) error {
	var mu sync.Mutex
	var failed error
	var tooLarge int64
	for _, letter := range letters {
		message, ok := r.take(letter)
		if !ok {
			continue
		}
		session.Produce(ctx, message, func(_ *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, kerr.MessageTooLarge) {
				tooLarge++
			} else if err != nil {
				failed = err
			}
		})
	}
	err := session.Client().Flush(ctx)
	mu.Lock()
	defer mu.Unlock()
	r.counts.Replayed -= tooLarge
	r.counts.TooLarge += tooLarge
	return errors.Join(err, failed)
}

// take counts a dead letter and returns the message to publish again, if any.
func (r *run) take(letter *kgo.Record) (*kgo.Record, bool) {
	if letter.Attrs.IsControl() || kafka.HeaderOf(letter, schema.HeaderReason) != string(r.counts.Reason) {
		return nil, false
	}
	r.counts.Found++
	attempt, _ := strconv.Atoi(kafka.HeaderOf(letter, schema.HeaderAttempt))
	if attempt >= r.cfg.MaxAttempts {
		r.counts.Exhausted++
		return nil, false
	}
	r.counts.Replayed++
	message := &kgo.Record{Topic: r.cfg.Topics.Complaints, Key: letter.Key, Value: letter.Value}
	for _, h := range letter.Headers {
		if !strings.HasPrefix(h.Key, "complaints-") {
			message.Headers = append(message.Headers, h)
		}
	}
	message.Headers = append(message.Headers, kgo.RecordHeader{Key: schema.HeaderAttempt, Value: []byte(strconv.Itoa(attempt + 1))})
	return message, true
}

// resume has a partition begin at the start of its log where the group's committed
// offset lies before that.
func (r *run) resume(offsets map[int32]kgo.Offset, bounds map[int32]kafka.Bounds) error {
	for partition, o := range offsets {
		start, at := bounds[partition].Start, o.EpochOffset().Offset
		if at >= 0 && at < start {
			r.cfg.Logger.Warn("dead letters were removed before they were replayed", "group", r.group, "partition", partition, "from", at, "to", start)
			offsets[partition] = kgo.NewOffset().At(start)
		}
	}
	return nil
}

// done says whether the group has passed all that was there at the beginning.
func (r *run) done(ctx context.Context, bounds map[int32]kafka.Bounds) (bool, error) {
	spans, err := r.spans(ctx, bounds)
	for _, span := range spans {
		if span.From < span.To {
			return false, err
		}
	}
	return err == nil, err
}

// spans are what the group has not replayed of each partition.
func (r *run) spans(ctx context.Context, bounds map[int32]kafka.Bounds) (map[int32]kafka.Span, error) {
	committed, err := kadm.NewClient(r.client).FetchOffsets(ctx, r.group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("committed offsets of %s: %w", r.group, err)
	}
	spans := map[int32]kafka.Span{}
	for partition, b := range bounds {
		spans[partition] = kafka.Span{From: b.Start, To: b.Stable}
		if c, ok := committed.Lookup(r.cfg.Topics.DeadLetter, partition); ok {
			spans[partition] = kafka.Span{From: max(b.Start, c.At), To: b.Stable}
		}
	}
	return spans, nil
}

// count reads without a group and without publishing.
func (r *run) count(ctx context.Context, bounds map[int32]kafka.Bounds) error {
	spans, err := r.spans(ctx, bounds)
	if err != nil {
		return err
	}
	return kafka.ReadCommitted(ctx, r.cfg.KafkaOpts, kafka.Range{Topic: r.cfg.Topics.DeadLetter, Spans: spans}, func(letter *kgo.Record) error {
		r.take(letter)
		return nil
	})
}
