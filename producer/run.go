package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"complaints/internal/complaintfile"
	"complaints/internal/logdedup"
	"complaints/schema"
)

// run is the whole program: tests call it with the arguments of a user.
func run(parent context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	cfg, done, err := parse(args, stdout, stderr)
	if done || err != nil {
		return err
	}
	screen := newScreen(stderr)
	log := slog.New(slog.NewTextHandler(screen, nil))
	var counts counts
	signalled := func() bool { return parent.Err() != nil }
	ctx, pub, err := newPublisher(parent, cfg, &counts, log)
	switch {
	case err != nil && signalled():
		log.Info("ended by a signal before anything was published")
		return nil
	case err != nil:
		return err
	}
	defer pub.close()

	start := time.Now()
	a := &app{cfg: cfg, log: log, counts: &counts, pub: pub, signalled: signalled, start: start, progress: &progress{counts: &counts, screen: screen, log: log}}
	err = a.publishAll(ctx, stdin)
	if err == nil && !a.interrupted {
		err = a.checkEmpty()
	}
	if a.interrupted && err == nil {
		log.Info("ended by a signal; all messages sent are acknowledged")
	}
	return errors.Join(err, counts.summary(start, err == nil && !a.interrupted).write(stdout, cfg.JSON))
}

// app is a run whose parts are made. One goroutine uses it.
type app struct {
	cfg    *config
	log    *slog.Logger
	counts *counts
	pub    *publisher
	start  time.Time

	progress *progress

	signalled   func() bool // the user wants the run to end
	interrupted bool
}

// publishAll publishes the input and waits for the acknowledgements, also when
// ctx ended.
func (a *app) publishAll(ctx context.Context, stdin io.Reader) error {
	shown := a.background(ctx, a.progress.run)
	defer shown()
	if a.cfg.API {
		return a.publishAPI(ctx)
	}
	open := openComplaints(a.cfg.mapping)
	if a.cfg.Labels {
		open = openLabels
	}
	resume, err := openResume(a.cfg.Resume, open)
	if err != nil {
		return err
	}
	saved := a.background(ctx, func(ctx context.Context) { a.saveOften(ctx, resume) })
	a.progress.size.Store(sizeOf(a.cfg))
	publish, err := a.publishFiles(resume)
	if err == nil {
		err = a.ended(ctx, publish(ctx, inputsOf(a.cfg, stdin)))
	}
	err = errors.Join(err, a.pub.flush())
	saved()
	return errors.Join(err, resume.save())
}

// publishFiles returns what publishes the inputs.
func (a *app) publishFiles(resume *resumeFile) (func(ctx context.Context, inputs []input) error, error) {
	if a.cfg.Labels {
		taxonomy, err := readTaxonomy(a.cfg.Taxonomy)
		p := &labelsPublisher{admission: a.admission(), pub: a.pub, progress: a.progress, resume: resume, taxonomy: taxonomy}
		return p.run, err
	}
	f := &filePublisher{
		admission: a.admission(), pub: a.pub, progress: a.progress, resume: resume,
		options: complaintfile.Options{Dates: a.cfg.dateOrder(), Mapping: a.cfg.mapping, Extra: true, Warn: func(what string) { a.log.Warn("the file is odd, and read all the same", "what", what) }},
	}
	return func(ctx context.Context, inputs []input) error { return f.run(ctx, inputs, a.cfg.Repeat) }, nil
}

// readTaxonomy returns the taxonomy of a file, the Bureau's without one.
func readTaxonomy(path string) (*schema.Taxonomy, error) {
	if path == "" {
		return schema.Bureau(), nil
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--taxonomy: %w", err)
	}
	t, err := schema.ParseTaxonomy(body)
	if err != nil {
		return nil, fmt.Errorf("--taxonomy %s: %w", path, err)
	}
	return t, nil
}

func (a *app) admission() *admission {
	return &admission{counts: a.counts, log: a.log, strict: a.cfg.Strict, maxTextBytes: a.cfg.MaxTextBytes}
}

// ended says what the end of publishing means: the limit and a signal are no
// failures, and what cancelled ctx otherwise is the failure that flush returns.
func (a *app) ended(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errLimit):
		return nil
	case ctx.Err() == nil || !errors.Is(err, ctx.Err()) || errors.Is(err, errUnacknowledged):
		return err
	}
	a.interrupted = a.signalled()
	return nil
}

// background starts f and returns what ends it and waits for it.
func (a *app) background(ctx context.Context, f func(ctx context.Context)) (wait func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); f(ctx) }()
	return func() { cancel(); <-ended }
}

// saveOften bounds what a crash publishes again.
func (a *app) saveOften(ctx context.Context, resume *resumeFile) {
	log := slog.New(logdedup.Warnings(a.log.Handler()))
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := resume.save(); err != nil {
				log.Warn("the resume point cannot be written", "err", err)
			}
		}
	}
}

// sizeOf is how many bytes the inputs have, 0 if that is unknown.
func sizeOf(cfg *config) int64 {
	if cfg.Repeat != 1 {
		return 0
	}
	if cfg.Sample {
		return int64(len(sample))
	}
	var size int64
	for _, path := range cfg.Files {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return 0
		}
		size += info.Size()
	}
	return size
}
