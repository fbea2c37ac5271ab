package sink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/lake"
	"complaints/schema"
)

// Config is what a sink needs. Zero values of the rolls and bounds mean the
// defaults.
type Config struct {
	Store     lake.Store
	KafkaOpts []kgo.Opt // how to reach the cluster
	Group     string
	Layers    []Output

	// A partition's buffer is flushed at whichever comes first, and at the end
	// of each UTC day.
	RollRows  int           // default 200,000
	RollBytes int64         // default 64 MiB, as received
	RollAge   time.Duration // of its oldest record; default 5 minutes
	RollDays  int           // distinct days, each of which is an object; default 64
	IdleFlush time.Duration // after the newest record; 0: not for that

	Budget        int64         // bytes of memory that the sink may take, see bufferShare; default 512 MiB
	DrainTimeout  time.Duration // bounds the last flush; default 30 s
	NotReadyAfter time.Duration // that a partition could not be opened or flushed; default 1 minute
	WatchEvery    time.Duration // how often topics are looked at; default 10 s
	AcceptLoss    bool          // go on where the log no longer has what the lake lacks

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

func (c Config) withDefaults() Config {
	c.RollRows = cmp.Or(c.RollRows, 200_000)
	c.RollBytes = cmp.Or(c.RollBytes, 64<<20)
	c.RollAge = cmp.Or(c.RollAge, 5*time.Minute)
	c.RollDays = cmp.Or(c.RollDays, 64)
	c.Budget = cmp.Or(c.Budget, 512<<20)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 30*time.Second)
	c.NotReadyAfter = cmp.Or(c.NotReadyAfter, time.Minute)
	c.WatchEvery = cmp.Or(c.WatchEvery, 10*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) check() error {
	var errs []error
	if c.Store == nil || c.Group == "" || len(c.Layers) == 0 {
		errs = append(errs, errors.New("a store, a group and a layer are needed"))
	}
	for i, l := range c.Layers {
		if slices.ContainsFunc(c.Layers[:i], func(other Output) bool { return other.Name == l.Name }) {
			errs = append(errs, fmt.Errorf("layer %s is named twice", l.Name))
		}
	}
	if c.RollRows < 1 || c.RollBytes < 1 || c.RollAge < 0 || c.RollDays < 1 {
		errs = append(errs, fmt.Errorf("rolls must be positive: rows %d, bytes %d, age %s, days %d", c.RollRows, c.RollBytes, c.RollAge, c.RollDays))
	}
	if c.Budget < 1 {
		errs = append(errs, fmt.Errorf("budget must be positive: %d", c.Budget))
	}
	return errors.Join(errs...)
}

func (c Config) topics() []string {
	var topics []string
	for _, l := range c.Layers {
		if !slices.Contains(topics, l.Topic) {
			topics = append(topics, l.Topic)
		}
	}
	return topics
}

// Sink writes topics to the lake. See the package comment.
type Sink struct {
	cfg     Config
	metrics *metrics
	opened  bool // a partition was opened by any session; Run's

	mu      sync.Mutex
	session *session // the present one
}

// New checks the configuration and registers the metrics. It connects to nothing.
func New(cfg Config) (*Sink, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	return &Sink{cfg: cfg, metrics: newMetrics(cfg.Registerer, cfg.Layers)}, nil
}

// Run writes until ctx ends; then it flushes what is buffered, within the drain
// timeout, and returns nil. It returns an error that matches [ErrDataLoss] if
// the log no longer has what the lake lacks.
func (s *Sink) Run(ctx context.Context) error {
	for {
		err := s.runSession(ctx)
		if !errors.Is(err, errRebuild) {
			if err != nil {
				return fmt.Errorf("sink: %w", err)
			}
			return nil
		}
		s.metrics.rebuilds.Inc()
		s.cfg.Logger.Warn("building the Kafka client anew", "err", err)
		sleep(ctx, time.Second)
	}
}

func (s *Sink) runSession(ctx context.Context) error {
	ids, err := s.topicIDs(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	session, err := newSession(ctx, s.cfg, s.metrics, ids)
	if err != nil {
		return err
	}
	session.opened = s.opened
	s.set(session)
	defer s.set(nil)
	err = session.run(ctx)
	s.opened = session.opened
	return err
}

// topicIDs waits until all topics are there.
func (s *Sink) topicIDs(ctx context.Context) (map[string]string, error) {
	client, err := kgo.NewClient(s.cfg.KafkaOpts...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	defer client.Close()
	wanted := s.cfg.topics()
	for {
		found, err := describe(ctx, client, wanted)
		if err != nil {
			return nil, err
		}
		if len(found) == len(wanted) {
			ids := map[string]string{}
			for topic, info := range found {
				ids[topic] = info.id
			}
			return ids, nil
		}
		s.cfg.Logger.Warn("waiting for topics", "wanted", wanted, "found", len(found))
		sleep(ctx, time.Second)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

func (s *Sink) set(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session = session
}

func (s *Sink) current() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session
}

// Idle asks the cluster and says whether this process has all partitions of all
// topics, and everything that is committed there stands in the lake.
func (s *Sink) Idle(ctx context.Context) (bool, error) {
	session := s.current()
	if session == nil {
		return false, nil
	}
	topics, err := describe(ctx, session.client, s.cfg.topics())
	idle := false
	if err == nil {
		idle, err = session.measure(ctx, topics)
	}
	if errors.Is(err, kgo.ErrClientClosed) {
		return false, nil // the session has ended, and Run says why
	}
	return idle, err
}

// Ready says why the sink does not get on: a partition that could not be opened or
// flushed for a while. It goes on trying meanwhile, with what it holds.
func (s *Sink) Ready(context.Context) error {
	session := s.current()
	if session == nil {
		return nil // it starts, or Run has ended and says why
	}
	return session.ready(time.Now())
}

// PartitionStatus is the state of a partition of this process.
type PartitionStatus struct {
	Topic         string
	TopicID       string // 32 hex digits
	Partition     int32
	Open          bool                   // it is known where to resume
	Position      int64                  // the first offset that was not read
	Next          map[schema.Layer]int64 // the first offset that a layer lacks
	End           int64                  // of the committed records, as last seen
	BufferedBytes int64
}

// Lowest is the first offset that some layer lacks.
func (p PartitionStatus) Lowest() int64 {
	low := p.Position
	for _, next := range p.Next {
		low = min(low, next)
	}
	return low
}

// Status returns the partitions of this process, by topic and number.
func (s *Sink) Status() []PartitionStatus {
	session := s.current()
	if session == nil {
		return nil
	}
	all := session.status()
	slices.SortFunc(all, func(a, b PartitionStatus) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}
