package sink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

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

// session is the life of one Kafka client.
type session struct {
	cfg     Config
	metrics *metrics
	client  *kgo.Client
	ready   chan struct{}     // closed when client is set; the group may be faster
	polled  chan struct{}     // closed when the last poll is over
	ids     map[string]string // topic → id, 32 hex digits
	budget  *budget
	flushes flushLimit

	throttled bool           // the poll loop's
	seen      map[string]int // partitions of each topic; the watch's

	newWorker   func() (context.Context, context.CancelFunc)
	stopWorkers context.CancelFunc
	running     sync.WaitGroup // workers

	mu      sync.Mutex // guards all below
	workers map[tp]*worker
	hints   map[tp]string
	seeks   []seekRequest
	woken   bool
	endPoll context.CancelFunc
	failure error
}

func newSession(ctx context.Context, cfg Config, m *metrics, ids map[string]string) (*session, error) {
	buffers := max(cfg.Budget/bufferShare, 1) // at a limit of 0 nothing would ever be below it
	s := &session{
		cfg: cfg, metrics: m, ids: ids, ready: make(chan struct{}), polled: make(chan struct{}),
		budget: newBudget(buffers, m), flushes: newFlushLimit(buffers),
		seen: map[string]int{}, workers: map[tp]*worker{}, hints: map[tp]string{},
	}
	// Shutdown must not end a flush; the drain has its own bound.
	workers, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopWorkers = stop
	s.newWorker = func() (context.Context, context.CancelFunc) { return context.WithCancel(workers) }
	client, err := kgo.NewClient(append(append(s.readerOpts(), kafka.Metrics(cfg.Registerer, cfg.Group)), s.groupOpts()...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	s.client = client
	close(s.ready)
	return s, nil
}

func (s *session) readerOpts() []kgo.Opt {
	return append(slices.Clip(s.cfg.KafkaOpts),
		// What was not committed is not in the topic.
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// The end of a link must pass the markers, or it would never reach the end of the log.
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
		kgo.OnPartitionsAssigned(s.assigned),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { s.gone("revoked", m) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { s.gone("lost", m) }),
		kgo.OnOffsetsFetched(s.offsetsFetched),
		kgo.AdjustFetchOffsetsFn(s.adjustOffsets),
	}
}

// assigned pauses new partitions until their workers have found in the lake
// where to begin.
func (s *session) assigned(_ context.Context, client *kgo.Client, partitions map[string][]int32) {
	client.PauseFetchPartitions(partitions)
}

// offsetsFetched keeps the hints that the commits carried.
func (s *session) offsetsFetched(_ context.Context, _ *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				if p.Metadata != nil {
					s.hints[tp{t.Topic, p.Partition}] = *p.Metadata
				}
			}
		}
	}
	return nil
}

// adjustOffsets starts the workers of new partitions. The offset that it gives
// is never fetched: the partition is paused until its worker sets the right one.
func (s *session) adjustOffsets(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	<-s.ready
	for topic, partitions := range offsets {
		for partition := range partitions {
			committed := partitions[partition].EpochOffset().Offset
			partitions[partition] = kgo.NewOffset().At(0)
			s.start(tp{topic, partition}, committed)
		}
	}
	return offsets, nil
}

func (s *session) start(at tp, committed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, stop := s.newWorker()
	if s.workers[at] != nil || ctx.Err() != nil {
		stop()
		return
	}
	s.metrics.rebalances.WithLabelValues("assigned").Inc()
	w := s.makeWorker(at, committed, stop)
	hint := s.hints[at]
	delete(s.hints, at)
	s.workers[at] = w
	s.running.Go(func() {
		defer close(w.done)
		defer stop()
		if err := w.run(ctx, hint); err != nil {
			s.fail(err)
		}
	})
}

func (s *session) makeWorker(at tp, committed int64, stop context.CancelFunc) *worker {
	w := &worker{
		session: s, topic: at.topic, partition: at.partition, stop: stop, done: make(chan struct{}),
		wake: make(chan struct{}, 1), flushNow: make(chan chan<- error), early: stagger(at.partition, s.cfg.RollAge),
		committed: max(committed, 0),
	}
	w.p = s.newPartition(w)
	w.p.noted = committed
	w.status.TopicID = s.ids[at.topic]
	return w
}

func (s *session) newPartition(w *worker) *partition {
	id := s.ids[w.topic]
	p := &partition{
		log:   &kafkaLog{client: s.client, reader: s.readerOpts(), topic: w.topic, topicID: id, partition: w.partition},
		rolls: rolls{rows: s.cfg.RollRows, bytes: s.cfg.RollBytes, days: s.cfg.RollDays}, acceptLoss: s.cfg.AcceptLoss,
		logger: w.log(), metrics: s.metrics, days: map[int64]struct{}{},
	}
	for _, l := range s.cfg.Layers {
		if l.Topic == w.topic {
			p.chains = append(p.chains, &chain{store: s.cfg.Store, layer: l, topicID: id, partition: w.partition, last: -1})
		}
	}
	return p
}

// stopTimeout bounds how long a rebalance waits for a worker. One that still
// runs does no harm: it contends for the same names.
const stopTimeout = 10 * time.Second

// gone ends the workers of partitions that others own now.
func (s *session) gone(event string, partitions map[string][]int32) {
	var ended []*worker
	s.mu.Lock()
	for topic, list := range partitions {
		for _, partition := range list {
			if w := s.workers[tp{topic, partition}]; w != nil {
				delete(s.workers, tp{topic, partition})
				w.stop()
				ended = append(ended, w)
			}
		}
	}
	s.mu.Unlock()
	timeout := time.After(stopTimeout)
	for _, w := range ended {
		s.metrics.rebalances.WithLabelValues(event).Inc()
		select {
		case <-w.done:
		case <-timeout:
			w.log().Warn("a partition is gone and its last flush still runs")
			timeout = time.After(0)
		}
		w.forget()
	}
	s.wakePoll()
}

func (s *session) owns(w *worker) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workers[tp{w.topic, w.partition}] == w
}

func (s *session) fail(err error) {
	s.mu.Lock()
	if s.failure == nil {
		s.failure = err
	}
	s.mu.Unlock()
	s.wakePoll()
}

func (s *session) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// run polls until ctx ends or something fails, and ends the client. What is
// buffered at the end of ctx is flushed within the drain timeout.
func (s *session) run(ctx context.Context) error {
	watching, stopWatch := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { s.watch(watching) })
	err := s.poll(ctx)
	close(s.polled)
	stopWatch()
	watch.Wait()
	if err == nil {
		err = s.drain(ctx)
	}
	s.stopWorkers()
	s.running.Wait()
	s.client.CloseAllowingRebalance()
	if err == nil {
		err = s.failed()
	}
	return err
}

func (s *session) poll(ctx context.Context) error {
	for ctx.Err() == nil {
		once, cancel := s.pollContext(ctx)
		fetches := s.client.PollRecords(once, s.budget.records())
		cancel()
		err := s.dispatch(fetches)
		s.serve()
		s.client.AllowRebalance()
		if err := errors.Join(s.failed(), err); err != nil {
			return err
		}
	}
	return s.failed()
}

// dispatch gives the records of a poll to their workers.
func (s *session) dispatch(fetches kgo.Fetches) error {
	now := time.Now()
	for _, f := range fetches {
		for _, t := range f.Topics {
			if id := topicIDOf(t); id != "" && id != s.ids[t.Topic] {
				return fmt.Errorf("%w: %s", errRebuild, t.Topic)
			}
			for i := range t.Partitions {
				if err := s.dispatchPartition(t.Topic, &t.Partitions[i], now); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *session) dispatchPartition(topic string, f *kgo.FetchPartition, now time.Time) error {
	s.mu.Lock()
	w := s.workers[tp{topic, f.Partition}]
	s.mu.Unlock()
	var lost *kgo.ErrDataLoss
	switch {
	case f.Err == nil:
	case errors.Is(f.Err, context.Canceled), errors.Is(f.Err, context.DeadlineExceeded):
		return nil // the poll was woken
	case errors.Is(f.Err, kerr.UnknownTopicID), errors.Is(f.Err, kerr.UnknownTopicOrPartition), errors.Is(f.Err, kerr.InconsistentTopicID):
		return fmt.Errorf("%w: %s: %w", errRebuild, topic, f.Err)
	case errors.Is(f.Err, kerr.OffsetOutOfRange), errors.As(f.Err, &lost):
		if w != nil {
			w.flag(&w.outOfRange)
		}
		return nil
	case kafka.Recovers(f.Err):
		s.cfg.Logger.Warn("a fetch failed; the client tries again", "topic", topic, "partition", f.Partition, "err", f.Err)
		return nil
	case topic == "": // the group's own, and of no partition
		return fmt.Errorf("fetch: %w", f.Err)
	default:
		return fmt.Errorf("fetch %s/%d: %w", topic, f.Partition, f.Err)
	}
	if w == nil || len(f.Records) == 0 || !w.isOpen() {
		return nil
	}
	records := make([]Record, 0, len(f.Records))
	for _, r := range f.Records {
		if !r.Attrs.IsControl() {
			records = append(records, copied(r))
		}
	}
	w.deliver(records, f.Records[len(f.Records)-1].Offset+1, f.LastStableOffset, now)
	return nil
}

// status returns the state of all partitions of this session.
func (s *session) status() []PartitionStatus {
	s.mu.Lock()
	workers := make([]*worker, 0, len(s.workers))
	for _, w := range s.workers {
		workers = append(workers, w)
	}
	s.mu.Unlock()
	all := make([]PartitionStatus, len(workers))
	for i, w := range workers {
		all[i] = w.snapshot()
	}
	return all
}
