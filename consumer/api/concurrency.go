package api

import (
	"context"

	"complaints/internal/classifier"
)

// concurrencyLimit bounds the requests in flight, and by a smaller number those
// that predict at the same time, so that HTTP never takes the cores of the stream
// roles nor memory without bound.
type concurrencyLimit struct {
	inFlight chan struct{}
	workers  chan *worker
}

// worker is the memory of one prediction at a time. Whoever took it owns it.
type worker struct {
	model   *classifier.Classifier
	scratch *classifier.Scratch
}

func newConcurrencyLimit(inFlight, workers int) *concurrencyLimit {
	l := &concurrencyLimit{make(chan struct{}, inFlight), make(chan *worker, workers)}
	for range workers {
		l.workers <- new(worker)
	}
	return l
}

// enter says whether there is room for one more request; then leave must follow.
func (l *concurrencyLimit) enter() bool {
	select {
	case l.inFlight <- struct{}{}:
		return true
	default:
		return false
	}
}

func (l *concurrencyLimit) leave() { <-l.inFlight }

// work waits for a worker that predicts with a model; done gives it back.
func (l *concurrencyLimit) work(ctx context.Context, model *classifier.Classifier) (*worker, error) {
	select {
	case w := <-l.workers:
		w.use(model)
		return w, nil
	default:
	}
	select {
	case w := <-l.workers:
		w.use(model)
		return w, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *worker) use(model *classifier.Classifier) {
	if w.model != model {
		w.model, w.scratch = model, model.NewScratch()
	}
}

func (l *concurrencyLimit) done(w *worker) { l.workers <- w }
