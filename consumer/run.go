package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"complaints/consumer/api"
	"complaints/consumer/classify"
	"complaints/consumer/rows"
	"complaints/consumer/sink"
	"complaints/internal/classifier"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/internal/logdedup"
	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// run is the whole program: tests call it with the arguments of a user.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	command, c, done, err := parse(args, stdout, stderr)
	if done || err != nil {
		return err
	}
	switch command {
	case "verify":
		return runVerify(ctx, &c.Verify, stdout, stderr)
	case "compact":
		return runCompact(ctx, &c.Compact, stdout)
	case "erase":
		return runErase(ctx, &c.Erase, stdout, stderr)
	case "trace":
		return runTrace(ctx, &c.Trace, stdout, stderr)
	case "replay-dead-letters":
		return runReplay(ctx, &c.Replay, stdout, stderr)
	case "summary":
		return runSummary(ctx, &c.Summary, stdout)
	case "healthcheck":
		return runHealthcheck(ctx, &c.Healthcheck)
	default:
		err := runRoles(ctx, &c.Run, stderr)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // asked to end while it started
		}
		return err
	}
}

func newLogger(level string, w io.Writer) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(logdedup.Warnings(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l})))
}

// app is a running consumer.
type app struct {
	cfg        *runConfig
	log        *slog.Logger
	registry   *prometheus.Registry
	store      lake.Store // nil without a lake
	kafka      []kgo.Opt
	admin      *kgo.Client // nil where no role needs Kafka
	topics     kafka.Topics
	models     *models
	challenger *classifier.Holder // nil where gold is not written
	labels     *labelPublisher    // nil where none are taken
	status     *groupStatus       // nil where nothing is served over HTTP
	classify   *classify.Role
	sink       *sink.Sink
}

func runRoles(ctx context.Context, cfg *runConfig, stderr io.Writer) (err error) {
	a := &app{cfg: cfg, log: newLogger(cfg.LogLevel, stderr), registry: prometheus.NewRegistry()}
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if cfg.Embedded {
		broker, err := kafka.StartEmbedded(cfg.EmbeddedAddr, cfg.Data+"/kafka", a.log)
		if err != nil {
			return err
		}
		defer broker.Close()
		cfg.Kafka.Brokers = broker.Brokers
	}
	if cfg.Lake.URL != "" {
		if a.store, err = lake.Open(ctx, cfg.Lake); err != nil {
			return err
		}
	}
	if cfg.has("classify") || cfg.has("sink") {
		if err := a.connect(ctx); err != nil {
			return err
		}
		defer a.admin.Close()
	}
	a.models = newModels(a.store, a.log, a.registry)
	if cfg.has("classify") || cfg.has("api") {
		if err := a.models.load(ctx, cfg.mayBootstrap()); err != nil {
			return err
		}
	}
	if cfg.shadows() {
		a.challenger = a.models.shadow(a.registry)
		a.models.refreshChallenger(ctx) // the first object shall have it
	}
	return a.serve(ctx)
}

// mayBootstrap says whether the built-in model may serve where none was
// published. A production stream must not start on it by accident.
func (c *runConfig) mayBootstrap() bool {
	return c.AllowBootstrap || c.Embedded || !c.has("classify")
}

// shadows says whether a challenger is asked: it is by who writes gold.
func (c *runConfig) shadows() bool { return c.has("sink") && slices.Contains(c.Layers, schema.Gold) }

func (a *app) connect(ctx context.Context) (err error) {
	if a.kafka, err = a.cfg.Kafka.Options(); err != nil {
		return err
	}
	a.kafka = append(a.kafka, kafka.WithLogger(a.log))
	if a.admin, err = kgo.NewClient(append(a.kafka, kgo.ClientID(a.cfg.Group+"-"+a.cfg.Instance+"-admin"))...); err != nil {
		return err
	}
	if a.topics, err = kafka.EnsureTopics(ctx, a.admin, a.cfg.Topics); err != nil {
		a.admin.Close()
		return fmt.Errorf("prepare the topics on %v: %w", a.cfg.Kafka.Brokers, err)
	}
	a.kafka = append(a.kafka,
		// How long a process may be silent before its partitions move.
		kgo.SessionTimeout(a.cfg.SessionTimeout),
		// Three signs of life may get lost before that.
		kgo.HeartbeatInterval(min(3*time.Second, a.cfg.SessionTimeout/4)),
		// A load balancer closes connections to a broker that restarts at once, which else
		// counts as wrong security settings; the admin client has just shown that they are right.
		kgo.AlwaysRetryEOF(),
	)
	return nil
}

// serve runs the roles until ctx ends or one of them fails, and waits for all.
func (a *app) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	if a.cfg.HTTPAddr != "" {
		a.status = new(groupStatus)
	}
	if a.cfg.has("classify") {
		schemas, err := a.schemas()
		if err != nil {
			return err
		}
		a.classify = classify.New(classify.Config{
			Kafka: a.kafka, Topics: a.topics, Group: a.cfg.classifyGroup(), Instance: a.cfg.Instance, Sessions: a.cfg.Sessions,
			BatchRecords: a.cfg.BatchRecords, BatchWait: a.cfg.BatchWait, MaxTextBytes: a.cfg.MaxTextBytes, Mapping: a.cfg.mapping, From: a.cfg.From,
			DrainTimeout: a.cfg.DrainTimeout, DriftWindow: a.cfg.DriftWindow, Models: a.models.holder, Logger: a.log, Registerer: a.registry,
			Observer: a.observer(), Removed: a.removed, Schemas: schemas,
		})
		g.Go(func() error { return a.classify.Run(ctx) })
	}
	if a.cfg.has("sink") {
		var err error
		if a.sink, err = a.newSink(); err != nil {
			return err
		}
		g.Go(func() error { return a.sink.Run(ctx) })
	}
	if a.cfg.takesLabels() {
		var err error
		if a.labels, err = a.newLabelPublisher(); err != nil {
			return err
		}
		defer a.labels.client.Close()
	}
	if a.cfg.HTTPAddr != "" {
		server, err := api.New(a.apiConfig())
		if err != nil {
			return err
		}
		if a.admin != nil { // who does not serve HTTP has no reader of it
			lags := a.newLags()
			g.Go(func() error { lags.watch(ctx); return nil })
		}
		g.Go(func() error { return server.Run(ctx) })
	}
	if a.store != nil {
		g.Go(func() error { a.models.watch(ctx, a.cfg.ModelPoll); return nil })
	}
	if a.cfg.ExitWhenIdle {
		g.Go(func() error { return a.waitIdle(ctx, cancel) })
	}
	a.log.Info("consumer started", "roles", a.cfg.Roles, "instance", a.cfg.Instance, "version", version)
	err := g.Wait()
	if err == nil || errors.Is(err, context.Canceled) {
		a.log.Info("consumer ended")
		return nil
	}
	return err
}

// schemas is what reads messages of a schema registry; nil where there is none.
func (a *app) schemas() (classify.Schemas, error) {
	decoder, err := a.cfg.Registry.Open()
	if decoder == nil {
		return nil, err
	}
	return decoder, nil
}

func (a *app) newSink() (*sink.Sink, error) {
	layers := make([]sink.Output, len(a.cfg.Layers))
	for i, name := range a.cfg.Layers {
		format, err := rows.Of(name, rows.Config{Challenger: a.challenger, Registerer: a.registry, Extra: a.cfg.GoldExtra, Mapping: a.cfg.mapping})
		if err != nil {
			return nil, err
		}
		layers[i] = sink.Output{Name: name, Topic: a.topics.Of(name), Rows: format}
	}
	return sink.New(sink.Config{
		Store: a.store, KafkaOpts: a.kafka, Group: a.cfg.sinkGroup(), Layers: layers,
		RollRows: a.cfg.RollRows, RollBytes: a.cfg.RollBytes, RollAge: a.cfg.RollAge, IdleFlush: a.cfg.IdleFlush,
		Budget: a.cfg.MemoryBudget, DrainTimeout: a.cfg.DrainTimeout, AcceptLoss: a.cfg.AcceptLoss,
		Logger: a.log, Registerer: a.registry,
	})
}

func (a *app) apiConfig() api.Config {
	c := api.Config{
		// A process of the stream is asked for its health and metrics, not for predictions.
		Supervision: !a.cfg.has("api"),
		Addr:        a.cfg.HTTPAddr, Version: version, Roles: a.cfg.Roles, Models: a.models.holder, Mapping: a.cfg.mapping, Token: a.cfg.HTTPToken,
		CORSOrigins: a.cfg.HTTPCORSOrigins,
		Limits: api.Limits{
			Texts: a.cfg.HTTPMaxTexts, Explained: a.cfg.HTTPMaxExplained, TextBytes: a.cfg.MaxTextBytes,
			RequestBytes: a.cfg.HTTPMaxRequestBytes, InFlight: a.cfg.HTTPMaxInFlight, ScratchBytes: a.cfg.HTTPMaxScratchBytes, Time: a.cfg.HTTPTimeout,
		},
		DrainTimeout: a.cfg.DrainTimeout, Logger: a.log, Registerer: a.registry, Gatherer: a.registry,
	}
	if a.classify != nil {
		c.Stream = a.status
		c.Checks = append(c.Checks, api.Check{Name: "partitions", Ready: a.status.ready}, api.Check{Name: "classify", Ready: a.classify.Ready})
		// A burst of requests leaves half of the cores to the stream.
		c.Limits.Workers = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if a.labels != nil {
		c.Labels = a.labels
	}
	if a.sink != nil {
		c.Checks = append(c.Checks, api.Check{Name: "sink", Ready: a.sink.Ready})
	}
	if a.store != nil {
		c.Checks = append(c.Checks, api.Check{Name: "store", Ready: func(context.Context) error { return a.models.storeReady(a.cfg.ModelPoll) }})
	}
	return c
}

// observer is who sees what classify commits.
func (a *app) observer() classify.Observer {
	if a.status == nil {
		return nil
	}
	return a.status
}
