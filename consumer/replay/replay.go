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
		r := &run{cfg: cfg, admin: kadm.NewClient(client), group: cfg.Group + "-replay-" + string(reason), counts: Counts{Reason: reason}}
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
	admin  *kadm.Client
	group  string
	counts Counts
}

func (r *run) run(ctx context.Context) error {
	// What becomes a dead letter from now on is not for this run, or it might never end.
	ends, err := kafka.Offsets(r.admin.ListEndOffsets(ctx, r.cfg.Topics.DeadLetter))
	if err != nil {
		return err
	}
	if r.cfg.DryRun {
		return r.count(ctx, ends)
	}
	return r.replay(ctx, ends)
}

// opts are those of every reader of dead letters.
func (r *run) opts() []kgo.Opt {
	return append(slices.Clone(r.cfg.KafkaOpts),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		// The position must pass the markers, or it never reaches the end.
		kgo.KeepControlRecords(),
	)
}

func (r *run) replay(ctx context.Context, ends kadm.ListedOffsets) error {
	session, err := kgo.NewGroupTransactSession(append(r.opts(),
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
		done, err := r.done(ctx, ends)
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
	if letter.Attrs.IsControl() || headerOf(letter, schema.HeaderReason) != string(r.counts.Reason) {
		return nil, false
	}
	r.counts.Found++
	attempt, _ := strconv.Atoi(headerOf(letter, schema.HeaderAttempt))
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

// headerOf returns the last header of a name: the consumer's own come last.
func headerOf(r *kgo.Record, key string) string {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// done says whether the group has passed the ends.
func (r *run) done(ctx context.Context, ends kadm.ListedOffsets) (bool, error) {
	from, err := r.positions(ctx)
	if err != nil {
		return false, err
	}
	done := true
	ends.Each(func(end kadm.ListedOffset) { done = done && from[end.Partition] >= end.Offset })
	return done, nil
}

// positions are where the group goes on in each partition.
func (r *run) positions(ctx context.Context) (map[int32]int64, error) {
	starts, err := kafka.Offsets(r.admin.ListStartOffsets(ctx, r.cfg.Topics.DeadLetter))
	if err != nil {
		return nil, err
	}
	committed, err := r.admin.FetchOffsets(ctx, r.group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("committed offsets of %s: %w", r.group, err)
	}
	from := map[int32]int64{}
	starts.Each(func(start kadm.ListedOffset) {
		from[start.Partition] = start.Offset
		if c, ok := committed.Lookup(r.cfg.Topics.DeadLetter, start.Partition); ok {
			from[start.Partition] = max(start.Offset, c.At)
		}
	})
	return from, nil
}

// count reads without a group and without publishing.
func (r *run) count(ctx context.Context, ends kadm.ListedOffsets) error {
	from, err := r.positions(ctx)
	if err != nil {
		return err
	}
	left, begin := map[int32]int64{}, map[int32]kgo.Offset{}
	ends.Each(func(end kadm.ListedOffset) {
		if from[end.Partition] < end.Offset {
			left[end.Partition] = end.Offset
			begin[end.Partition] = kgo.NewOffset().At(from[end.Partition])
		}
	})
	if len(left) == 0 {
		return nil
	}
	client, err := kgo.NewClient(append(r.opts(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.cfg.Topics.DeadLetter: begin}))...)
	if err != nil {
		return err
	}
	defer client.Close()
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, letter := range fetches.Records() {
			if letter.Offset < left[letter.Partition] {
				r.take(letter)
			}
			if letter.Offset+1 >= left[letter.Partition] {
				delete(left, letter.Partition)
			}
		}
	}
	return nil
}
