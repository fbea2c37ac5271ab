// Package classify is the role that labels complaints: messages of the
// complaints topic come in, classified complaints and dead letters go out.
//
// Each micro-batch is one Kafka transaction that holds its results, its dead
// letters and the offsets it consumed. After a crash at any step the transaction
// aborts by itself and the next owner of the partitions does the batch again, so
// that a reader of committed records sees each message's result exactly once.
package classify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/kafka"
	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// From says where to start a partition whose committed offset cannot be used
// although the outputs already hold results of it.
type From string

// The answers to a missing or unusable committed offset.
const (
	FromNowhere From = ""        // refuse to start
	FromOutputs From = "outputs" // after the last result that the outputs hold
	FromStart   From = "start"   // at the start of the log: results are repeated
)

// Config is what the role needs.
type Config struct {
	Kafka    []kgo.Opt    // the connection
	Topics   kafka.Topics // which must be there
	Group    string       // consumer group
	Instance string       // stable name of this process, unique in the group
	Sessions int          // transactions in flight, each with a client of its own

	BatchRecords int           // most messages a transaction
	BatchWait    time.Duration // how long a transaction waits for more messages
	MaxTextBytes int
	Mapping      *schema.Mapping // where messages have the fields; nil: by the fields' own names
	Schemas      Schemas         // nil: all messages are JSON
	From         From
	DrainTimeout time.Duration // how long the batch in hand may take at shutdown
	// Removed counts the messages that stood in a hole between a committed offset and
	// the start of the log; known is false where nobody can tell. nil: nobody can.
	Removed     func(ctx context.Context, h Hole) (messages int64, known bool, err error)
	DriftWindow time.Duration // what was classified in it is compared with the model's reference

	Models     *classifier.Holder
	Observer   Observer // nil: nobody looks
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Observer sees what was committed. It must not keep the maps and samples.
type Observer interface {
	// Committed gets what a micro-batch held: results by the taxonomy's category codes,
	// dead letters by reason, and the first result of each category; one without an id is none.
	Committed(taxonomy *schema.Taxonomy, labelled []int, deadLetters map[schema.Reason]int, first []schema.Classified)
}

// Role labels complaints until its context ends.
type Role struct {
	cfg     Config
	metrics *metrics
	drift   *drift

	mu   sync.Mutex
	down map[int]error // why sessions start over, or wait, until they go on; guarded by mu
}

// New prepares the role. It does not talk to Kafka yet.
func New(cfg Config) *Role {
	if cfg.Mapping == nil {
		cfg.Mapping = schema.BureauMapping()
	}
	return &Role{cfg: cfg, down: map[int]error{}, metrics: newMetrics(cfg.Registerer), drift: newDrift(cfg.Models, cfg.DriftWindow, cfg.Registerer)}
}

// Run labels complaints until ctx ends, then finishes the micro-batches in hand.
// An error means that this process must not go on; the next one redoes what was
// not committed.
func (r *Role) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	report, err := r.lookForReset(ctx)
	if err != nil && ctx.Err() == nil {
		r.cfg.Logger.Warn("cannot look whether the group was reset", "group", r.cfg.Group, "err", err)
	}
	if report != nil {
		g.Go(func() error { report(ctx); return nil })
	}
	for n := range r.cfg.Sessions {
		g.Go(func() error { return r.runSession(ctx, n) })
	}
	return g.Wait()
}

// rebuildWait is how long a session waits before it starts over.
const rebuildWait = time.Second

// runSession runs one session, and again with a new client where the present one
// cannot go on but a new one can: the topic was deleted and created anew under
// its name, or the process slept through its transaction's timeout.
func (r *Role) runSession(ctx context.Context, number int) error {
	for {
		err := r.runClient(ctx, number)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // asked to end while it began
		}
		again := errors.Is(err, kerr.UnknownTopicID) || errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, errTransactionTimedOut)
		if !again || ctx.Err() != nil {
			return err
		}
		r.setDown(number, err)
		r.cfg.Logger.Warn("session starts over with a new client", "session", number, "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rebuildWait):
		}
		if err := r.ensureOutputs(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// Ready is nil unless a session cannot go on for the time being.
func (r *Role) Ready(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, err := range r.down {
		return err
	}
	return nil
}

func (r *Role) setDown(number int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		delete(r.down, number)
	} else {
		r.down[number] = err
	}
}

// ensureOutputs creates the output topics again if it was they who were deleted.
func (r *Role) ensureOutputs(ctx context.Context) error {
	cl, err := kgo.NewClient(r.cfg.Kafka...)
	if err != nil {
		return err
	}
	defer cl.Close()
	return r.cfg.Topics.EnsureOutputs(ctx, cl)
}

func (r *Role) runClient(ctx context.Context, number int) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s, err := r.newSession(ctx, cancel, number)
	if err != nil {
		return fmt.Errorf("classify session %d: %w", number, err)
	}
	defer s.close()
	r.setDown(number, nil)
	if err := s.run(ctx); err != nil {
		return fmt.Errorf("classify session %d: %w", number, r.explain(err))
	}
	return nil
}

// explain says in words what to do about errors that an operator causes.
func (r *Role) explain(err error) error {
	switch {
	case errors.Is(err, errTransactionTimedOut):
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch),
		errors.Is(err, kerr.InvalidTxnState): // what a commit gets if the other has just aborted the transaction
		return fmt.Errorf("another process runs with the instance name %q in group %s; give each process its own --instance: %w",
			r.cfg.Instance, r.cfg.Group, err)
	case errors.Is(err, kerr.OffsetOutOfRange):
		return fmt.Errorf("messages of %s were removed before they were classified; raise the topic's retention and start again: %w",
			r.cfg.Topics.Complaints, err)
	}
	return err
}
