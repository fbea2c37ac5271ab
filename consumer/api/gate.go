package api

import (
	"context"

	"complaints/internal/classifier"
)

// gate lets a bounded number of requests in, and of those a smaller number
// predict at the same time, so that HTTP never takes the cores of the stream
// roles nor memory without bound.
type gate struct {
	inFlight chan struct{}
	workers  chan *worker
}

// worker is the memory of one prediction at a time. Whoever took it owns it.
type worker struct {
	model   *classifier.Classifier
	scratch *classifier.Scratch
}

func newGate(inFlight, workers int) *gate {
	g := &gate{make(chan struct{}, inFlight), make(chan *worker, workers)}
	for range workers {
		g.workers <- new(worker)
	}
	return g
}

// enter says whether there is room for one more request; then leave must follow.
func (g *gate) enter() bool {
	select {
	case g.inFlight <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g *gate) leave() { <-g.inFlight }

// work waits for a worker that predicts with a model; done gives it back.
func (g *gate) work(ctx context.Context, model *classifier.Classifier) (*worker, error) {
	select {
	case w := <-g.workers:
		w.use(model)
		return w, nil
	default:
	}
	select {
	case w := <-g.workers:
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

func (g *gate) done(w *worker) { g.workers <- w }
