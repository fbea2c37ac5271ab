// Package api is the role that answers over HTTP: predictions for texts and
// files, the interactive documentation, the live page, and what a supervisor
// asks (health, readiness, metrics).
//
// In come requests; out go predictions of the classifier that serves at that
// moment, and labels to their topic. It keeps no state but what the live page shows, so a crash loses the
// requests in flight and nothing else.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"complaints/internal/classifier"
	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
)

// Models holds the classifier that serves; nil while none does.
type Models interface {
	Current() *classifier.Classifier
}

// Config is what the role needs. Zero limits mean the defaults.
type Config struct {
	Addr string // host:port; port 0 takes a free one
	// Only what a supervisor asks is served: health, readiness and metrics. A process without the role is asked for no
	// more, and need not have a model.
	Supervision bool
	Version     string   // of the program
	Roles       []string // of this process
	Models      Models
	Labels      Labels          // publishes labels; nil: none are taken
	Mapping     *schema.Mapping // where files have the fields; nil: by their usual names
	Stream      Stream          // what the stream roles of this process do; nil: there are none
	Checks      []Check         // besides the model's, for /readyz
	CORSOrigins []string        // whose pages may read answers, such as https://example.org; *: of all; none: only those served here
	Token       string          // that /v1 and the live page's data ask for; empty: nobody is asked

	Limits       Limits
	DrainTimeout time.Duration // how long requests in flight may take at shutdown; default 30 s

	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer // what /metrics shows
}

// Limits bound what requests cost.
type Limits struct {
	Texts        int           // a request; default 1,000
	Explained    int           // texts a request that asks for explanations, which cost many times a prediction; default 100
	TextBytes    int           // a text, UTF-8; default schema.DefaultMaxTextBytes
	RequestBytes int           // a request with texts; default 4 MiB. Files have no limit
	InFlight     int           // requests with texts; more get 503; default 32 a core
	Uploads      int           // files at the same time; more get 503; default 4
	ScratchBytes int64         // of results of a file that wait for a client which sends all before it reads; default 2 GiB
	Workers      int           // predictions at the same time: what is left of the cores is the stream roles'; default: all
	Time         time.Duration // for reading and answering a request; of a file, how long its client may be silent; default 30 s
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		limit *int
		value int
	}{
		{&l.Texts, 1000},
		{&l.Explained, 100},
		{&l.TextBytes, schema.DefaultMaxTextBytes},
		{&l.RequestBytes, 4 << 20},
		{&l.InFlight, 32 * runtime.GOMAXPROCS(0)},
		{&l.Uploads, 4},
		{&l.Workers, runtime.GOMAXPROCS(0)},
	} {
		if *d.limit == 0 {
			*d.limit = d.value
		}
	}
	if l.ScratchBytes == 0 {
		l.ScratchBytes = 2 << 30
	}
	if l.Time == 0 {
		l.Time = 30 * time.Second
	}
	return l
}

func (l Limits) check() error {
	var errs []error
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"texts", int64(l.Texts)},
		{"explained texts", int64(l.Explained)},
		{"bytes a text", int64(l.TextBytes)},
		{"bytes a request", int64(l.RequestBytes)},
		{"requests in flight", int64(l.InFlight)},
		{"uploads", int64(l.Uploads)},
		{"workers", int64(l.Workers)},
		{"scratch bytes", l.ScratchBytes},
		{"time", int64(l.Time)},
	} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("the limit of %s is %d, want more than 0", n.name, n.value))
		}
	}
	return errors.Join(errs...)
}

// API answers requests.
type API struct {
	cfg         Config
	limits      Limits
	metrics     *metrics
	concurrency *concurrencyLimit
	uploads     chan struct{}
	openapi     []byte
	live        *live
	viewers     atomic.Int64 // of the live page
	handler     http.Handler
	closing     chan struct{} // closed when the server shuts down
}

// New prepares the role. It listens to nothing yet.
func New(cfg Config) (*API, error) {
	if err := cfg.Limits.check(); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if cfg.Models == nil {
		return nil, errors.New("api: a holder of models is needed")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Registerer == nil {
		registry := prometheus.NewRegistry()
		cfg.Registerer, cfg.Gatherer = registry, registry
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = 30 * time.Second
	}
	a := &API{cfg: cfg, limits: cfg.Limits.withDefaults(), metrics: newMetrics(cfg.Registerer), closing: make(chan struct{})}
	a.concurrency = newConcurrencyLimit(a.limits.InFlight, a.limits.Workers)
	if model := cfg.Models.Current(); model != nil {
		a.metrics.predicts(model.Taxonomy()) // those of models that come later follow with the live page's numbers
	}
	a.live = newLive(cfg, a.metrics)
	a.uploads = make(chan struct{}, a.limits.Uploads)
	var err error
	if a.openapi, err = a.describe(); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	a.handler = a.routes()
	return a, nil
}

// ServeHTTP answers one request, without a server's timeouts.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Run listens and answers until ctx ends, then finishes the requests in flight,
// within the drain timeout.
func (a *API) Run(ctx context.Context) error {
	l, err := net.Listen("tcp", a.cfg.Addr)
	if err != nil {
		return fmt.Errorf("api: %w", err)
	}
	return a.Serve(ctx, l)
}

// Serve is Run on a listener, which it closes.
func (a *API) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: a.handler,
		// A client that sends a header byte by byte holds a connection no longer than this.
		ReadHeaderTimeout: 10 * time.Second,
		// Files and the live page move these two on as long as something moves.
		ReadTimeout:  a.limits.Time,
		WriteTimeout: a.limits.Time,
		IdleTimeout:  2 * time.Minute,
		// Nothing that is sent here needs more than a bearer token and a user agent.
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(a.cfg.Logger.Handler(), slog.LevelDebug), // clients that break off
	}
	liveCtx, stopLive := context.WithCancel(context.WithoutCancel(ctx))
	live := make(chan struct{})
	go func() { defer close(live); a.live.run(liveCtx) }()
	defer func() { stopLive(); <-live }()

	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	a.cfg.Logger.Info("answering over HTTP", "addr", l.Addr().String())
	select {
	case err := <-served:
		return fmt.Errorf("api: %w", err)
	case <-ctx.Done():
	}
	close(a.closing) // the live page's connections would never end by themselves
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.DrainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("api: requests were in flight after %s: %w", a.cfg.DrainTimeout, err), server.Close())
	}
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}
