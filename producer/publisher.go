package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"complaints/internal/kafka"
	"complaints/internal/logdedup"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"
)

// publisher puts messages on the topic and counts what becomes of them.
type publisher struct {
	client *kgo.Client
	counts *counts
	pace   *rate.Limiter
	limit  int64 // messages; 0 is none
	sent   int64 // owned by the goroutine that publishes

	deliver    context.Context    //nolint:containedctx // of the messages, which outlive the call and the run by the drain timeout
	giveUp     context.CancelFunc // ends deliver
	cancel     context.CancelFunc // ends the run
	deliveries deliveries
	watched    sync.WaitGroup
	failure    atomic.Pointer[error] // the first message that cannot be delivered
}

// errLimit says that --limit was reached. It ends the run as the end of the input does.
var errLimit = errors.New("the limit of messages is reached")

// errUnacknowledged says that messages were sent and may not be on the topic. It
// is a failure also where a signal ends the run.
var errUnacknowledged = errors.New("not all messages are acknowledged")

// newPublisher prepares the topics and returns a publisher and a context that
// ends with ctx or when a message cannot be delivered. close waits for nothing.
func newPublisher(ctx context.Context, cfg *config, counts *counts, log *slog.Logger) (context.Context, *publisher, error) {
	security, err := cfg.Kafka.Options()
	if err != nil {
		return nil, nil, err
	}
	security = append(security, kafka.WithLogger(slog.New(logdedup.Warnings(log.Handler()))))
	topics, err := ensureTopics(ctx, security, cfg)
	if err != nil {
		return nil, nil, err
	}
	client, err := kgo.NewClient(append(security, producerOptions(cfg, topics)...)...)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	deliver, giveUp := outlive(ctx, cfg.DrainTimeout)
	p := &publisher{client: client, counts: counts, pace: newPace(cfg.Rate), limit: cfg.Limit, deliver: deliver, giveUp: giveUp, cancel: cancel}
	p.watched.Go(func() { p.watch(deliver, cfg.DeliveryTimeout) })
	return ctx, p, nil
}

// newPace spreads n messages a second evenly; 0 is no limit. What is missed in a
// stall is not caught up with. A timer is no finer than some milliseconds, so a
// few messages go together where there are many.
func newPace(n float64) *rate.Limiter {
	if n == 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(n), 1+int(n/200))
}

func ensureTopics(ctx context.Context, security []kgo.Opt, cfg *config) (kafka.Topics, error) {
	admin, err := kgo.NewClient(append(security, kgo.ClientID("complaints-producer-admin"))...)
	if err != nil {
		return kafka.Topics{}, err
	}
	defer admin.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	topics, err := kafka.EnsureTopics(ctx, admin, cfg.Topics)
	if err != nil {
		return topics, fmt.Errorf("prepare the topics on %v: %w", cfg.Kafka.Brokers, err)
	}
	return topics, nil
}

func producerOptions(cfg *config, topics kafka.Topics) []kgo.Opt {
	return []kgo.Opt{
		kgo.ClientID("complaints-producer"),
		kgo.DefaultProduceTopic(cfg.topicOf(topics)),
		// Idempotence and acks=all are kgo's defaults and stay: a retry inside the
		// client neither repeats nor reorders.

		// Narratives are prose: zstd halves what snappy leaves. Its fastest level,
		// because one goroutine a broker compresses.
		kgo.ProducerBatchCompression(kgo.ZstdCompression().WithLevel(1), kgo.NoCompression()),
		// Waiting a little fills batches, which compresses better and costs the
		// broker fewer requests.
		kgo.ProducerLinger(cfg.Linger),
		// The largest that the topic takes, so that the topic's setting decides what
		// is too large, and not a second one here.
		kgo.ProducerBatchMaxBytes(cfg.batchBytes(topics)),
		// The default of 10,000 records empties faster than a reader can fill it;
		// the bytes bound the memory.
		kgo.MaxBufferedRecords(100_000),
		kgo.MaxBufferedBytes(128 << 20),
		// A leader that moved is looked for after a second instead of five.
		kgo.MetadataMinAge(time.Second),
		// Without an end, a broker that is gone would look like one that is slow.
		kgo.RecordDeliveryTimeout(cfg.DeliveryTimeout),
	}
}

// topicOf is the topic that a run publishes to.
func (c *config) topicOf(topics kafka.Topics) string {
	if c.Labels {
		return topics.Labels
	}
	return topics.Complaints
}

// labelBatchBytes is what every topic takes, unless somebody set it lower.
const labelBatchBytes = 1_000_000

func (c *config) batchBytes(topics kafka.Topics) int32 {
	if c.Labels {
		return labelBatchBytes
	}
	return topics.SourceBatchBytes()
}

// outlive returns a context that ends d after ctx.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return longer, cancel
}

// full returns errLimit once the limit is reached.
func (p *publisher) full() error {
	if p.limit > 0 && p.sent >= p.limit {
		return errLimit
	}
	return nil
}

// publish hands over one message; acked, if not nil, is called when its fate is
// known and it need not be published again. It blocks while the buffer is full.
func (p *publisher) publish(ctx context.Context, key, value []byte, acked func()) error {
	if err := p.pace.Wait(ctx); err != nil {
		return err
	}
	p.sent++
	slot := p.deliveries.sent()
	p.client.Produce(p.deliver, &kgo.Record{Key: key, Value: value}, func(r *kgo.Record, err error) { //nolint:contextcheck // see deliver
		p.deliveries.acknowledged(slot)
		switch {
		case err == nil:
			p.counts.published.Add(1)
		case errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge):
			p.counts.tooLarge.Add(1)
		default:
			p.fail(fmt.Errorf("publish complaint %s: %w", shownID(string(key)), kafka.ExplainProduce(r, err)))
			return
		}
		if acked != nil {
			acked()
		}
	})
	return nil
}

// fail ends the run.
func (p *publisher) fail(err error) {
	p.failure.CompareAndSwap(nil, &err)
	p.cancel()
}

// flush waits until the fate of all messages is known. Its error, an
// errUnacknowledged, is the first message that cannot be delivered.
func (p *publisher) flush() error {
	err := p.client.Flush(p.deliver)
	if failure := p.failure.Load(); failure != nil {
		return fmt.Errorf("%w: %w", errUnacknowledged, *failure)
	}
	if err != nil {
		return fmt.Errorf("%w: %d wait: %w", errUnacknowledged, p.client.BufferedProduceRecords(), err)
	}
	return nil
}

// close ends the client and what waits in it.
func (p *publisher) close() {
	p.cancel()
	p.giveUp()
	p.watched.Wait()
	p.client.Close()
}
