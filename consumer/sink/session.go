package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
)

// errRebuild says that the client must be ended and built anew: it never adopts
// a topic that was recreated under its name.
var errRebuild = errors.New("a topic has another id than the client knows")

// Of its budget the sink gives a part to buffers. The rest is for what the
// client has fetched ahead and unpacked, for rows and objects being encoded, and
// for garbage that is not collected yet: measured, the process takes less than
// five times the buffers.
const (
	bufferShare = 5
	fetchShare  = 64 // compressed, of each of maxFetches
	maxFetches  = 2

	fetchMaxPartitionBytes = 1 << 20
	maxPollRecords         = 5_000
)

// session is the life of one Kafka client. The poll loop (loop.go) owns what it knows
// of its partitions; the client's callbacks and those who ask for the status come in
// between, so mu guards it.
type session struct {
	cfg     Config
	metrics *metrics
	client  *kgo.Client
	ids     map[string]string // topic → id, 32 hex digits
	budget  budget            // the loop's
	reports chan report       // from jobs to the loop
	ctx     context.Context   //nolint:containedctx // of all jobs, which go on while the last flush lasts
	stop    context.CancelFunc
	jobs    sync.WaitGroup

	opened bool // the loop's: this process has opened a partition

	mu       sync.Mutex // guards all below
	assigned map[tp]*assignment
}

func newSession(ctx context.Context, cfg Config, m *metrics, ids map[string]string) (*session, error) {
	s := &session{cfg: cfg, metrics: m, ids: ids, budget: newBudget(cfg.Budget, m), reports: make(chan report), assigned: map[tp]*assignment{}}
	// Shutdown must not end a flush; the last one has its own bound.
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	// The group may be faster than NewClient returns: its callbacks wait for the client.
	s.mu.Lock()
	defer s.mu.Unlock()
	client, err := kgo.NewClient(append(append(s.readerOpts(), kafka.Metrics(cfg.Registerer, cfg.Group)), s.groupOpts()...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	s.client = client
	return s, nil
}

func (s *session) readerOpts() []kgo.Opt {
	return append(slices.Clip(s.cfg.KafkaOpts),
		// What was not committed is not in the topic.
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// The end of a claim must pass the markers, or it would never reach the end of the log.
		kgo.KeepControlRecords(),
		// An offset that the log does not have is an answer, not an occasion to go on elsewhere.
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		// The defaults hold up to 50 MB a broker, compressed.
		kgo.FetchMaxBytes(int32(min(max(s.cfg.Budget/fetchShare, fetchMaxPartitionBytes), 16<<20))),
		kgo.FetchMaxPartitionBytes(fetchMaxPartitionBytes),
		kgo.MaxConcurrentFetches(maxFetches),
	)
}

func (s *session) groupOpts() []kgo.Opt {
	topics := make([]string, 0, len(s.ids))
	for topic := range s.ids {
		topics = append(topics, topic)
	}
	return []kgo.Opt{
		kgo.ConsumerGroup(s.cfg.Group),
		kgo.ConsumeTopics(topics...),
		// A rebalance stops only the partitions that move.
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		// Offsets are committed after the objects.
		kgo.DisableAutoCommit(),
		// No partition is revoked between a poll and the delivery of its records.
		kgo.BlockRebalanceOnPoll(),
		// The default of five minutes is long to wait for new partitions.
		kgo.MetadataMaxAge(30 * time.Second),
		kgo.OnPartitionsAssigned(pause),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { s.gone("revoked", m) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { s.gone("lost", m) }),
		kgo.AdjustFetchOffsetsFn(s.adjustOffsets),
	}
}

// pause keeps new partitions from being fetched until it is known where to begin.
func pause(_ context.Context, client *kgo.Client, partitions map[string][]int32) {
	client.PauseFetchPartitions(partitions)
}

// adjustOffsets opens new partitions. The offset that it gives is never fetched: the
// partition is paused until the loop sets the right one.
func (s *session) adjustOffsets(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for topic, partitions := range offsets {
		for partition := range partitions {
			at := tp{topic, partition}
			committed := partitions[partition].EpochOffset().Offset
			partitions[partition] = kgo.NewOffset().At(0)
			if s.assigned[at] != nil || s.ctx.Err() != nil {
				continue
			}
			s.metrics.rebalances.WithLabelValues("assigned").Inc()
			a := s.newAssignment(at, committed)
			s.assigned[at] = a
			s.open(a)
		}
	}
	return offsets, nil
}

func (s *session) newAssignment(at tp, committed int64) *assignment {
	a := &assignment{
		// Until it is opened, the commit is all that is known of it.
		status: PartitionStatus{Topic: at.topic, TopicID: s.ids[at.topic], Partition: at.partition, Position: max(committed, 0)},
		timing: timing{early: stagger(at.partition, s.cfg.RollAge)},
	}
	a.p = &partition{
		log:   &kafkaLog{client: s.client, reader: s.readerOpts(), topic: at.topic, topicID: a.status.TopicID, partition: at.partition},
		rolls: rolls{rows: s.cfg.RollRows, bytes: s.cfg.RollBytes, days: s.cfg.RollDays}, acceptLoss: s.cfg.AcceptLoss,
		logger: s.log(a), metrics: s.metrics, days: map[int64]struct{}{}, committed: committed,
	}
	for _, l := range s.cfg.Layers {
		if l.Topic == at.topic {
			a.p.chains = append(a.p.chains, &chain{store: s.cfg.Store, layer: l, topicID: a.status.TopicID, partition: at.partition})
		}
	}
	return a
}

func (s *session) log(a *assignment) *slog.Logger {
	return s.cfg.Logger.With("topic", a.status.Topic, "partition", a.status.Partition)
}

// stopTimeout bounds how long a rebalance waits for a job. One that still runs does
// no harm: it contends for the same names.
const stopTimeout = 10 * time.Second

// gone ends the jobs of partitions that others own now, and drops what is buffered:
// their next owner reads it again. It must not wait for the loop, which may be held
// until this rebalance is over.
func (s *session) gone(event string, partitions map[string][]int32) {
	ended := map[*assignment]job{}
	s.mu.Lock()
	for topic, list := range partitions {
		for _, partition := range list {
			if a := s.assigned[tp{topic, partition}]; a != nil {
				delete(s.assigned, tp{topic, partition})
				a.job.stop()
				ended[a] = a.job
			}
		}
	}
	s.mu.Unlock()
	timeout := time.After(stopTimeout)
	for a, job := range ended {
		s.metrics.rebalances.WithLabelValues(event).Inc()
		select {
		case <-job.done:
		case <-timeout:
			s.log(a).Warn("a partition is gone and its last flush still runs")
			timeout = time.After(0)
		}
	}
}

// run polls until ctx ends or something fails, and ends the client. What is
// buffered at the end of ctx is flushed within the drain timeout.
func (s *session) run(ctx context.Context) error {
	watching, stopWatch := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { s.watch(watching) })
	err := s.loop(ctx)
	stopWatch()
	watch.Wait()
	if err == nil {
		err = s.drain(ctx)
	}
	s.mu.Lock() // no job begins after this
	s.stop()
	s.mu.Unlock()
	s.jobs.Wait()
	s.client.CloseAllowingRebalance()
	return err
}

// ready says what the partition that has waited longest for the lake waits for.
func (s *session) ready(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first *assignment
	stuck := 0
	for _, a := range s.assigned {
		if a.stuck(s.cfg.NotReadyAfter, now) == nil {
			continue
		}
		if stuck++; first == nil || a.job.began.Before(first.job.began) {
			first = a
		}
	}
	if first == nil {
		return nil
	}
	return fmt.Errorf("%d partitions wait for the lake: %w", stuck, first.stuck(s.cfg.NotReadyAfter, now))
}

// status returns the state of all partitions of this session.
func (s *session) status() []PartitionStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]PartitionStatus, 0, len(s.assigned))
	for _, a := range s.assigned {
		all = append(all, a.status)
	}
	return all
}
