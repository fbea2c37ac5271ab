package fit

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"complaints/internal/lightgbm"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
)

// rounds is what the search for their number found.
type rounds struct {
	best    int
	Losses  []float64             // log loss on held-out rows, by round from the first
	HeldOut []evaluate.Prediction // of the rows that were held out, by the best round
}

// search is a search for the number of rounds, with what its lanes share.
type search struct {
	*Fitter
	matrix  *matrix
	parts   []dataset.Split
	heldOut [][]evaluate.Prediction // by part, at the end
}

// findRounds returns the number of rounds with the least log loss on held-out
// rows: the folds are trained side by side, and stop together. Of many rows, one
// fold says enough.
func (f *Fitter) findRounds(ctx context.Context, matrix *matrix, rows []int, parts []dataset.Split) (*rounds, error) {
	if len(rows) > fewRows {
		parts = parts[:1]
	}
	s := &search{f, matrix, parts, make([][]evaluate.Prediction, len(parts))}
	// Every lane trains its folds, a round when asked; few rows train faster in
	// two lanes of one thread than in one of two.
	lanes := min(trainingThreads/threadsFor(len(rows)), len(parts))
	orders := make([]chan int, lanes)
	losses := make(chan float64, len(parts))
	found := &rounds{}
	g, ctx := errgroup.WithContext(ctx)
	for i := range orders {
		orders[i] = make(chan int, 1)
		g.Go(func() error { return s.train(ctx, lane{i, lanes, orders[i], losses}) })
	}
	g.Go(func() error { return s.count(ctx, orders, losses, found) })
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("find the number of rounds: %w", err)
	}
	found.HeldOut = slices.Concat(s.heldOut...)
	return found, nil
}

// oneRound orders a lane to train a round. Any other order is the number of the
// best round, by which the lane predicts its held-out rows, and ends.
const oneRound = 0

// count asks for rounds until the log loss has not become less for a while.
func (s *search) count(ctx context.Context, orders []chan int, losses <-chan float64, found *rounds) error {
	bestLoss := 0.0
	all := make([]float64, len(s.parts))
	for round := 1; round <= s.recipe.MaxRounds && round-found.best <= s.recipe.Patience; round++ {
		for _, o := range orders {
			o <- oneRound
		}
		for i := range all {
			select {
			case all[i] = <-losses:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		// In the order of size, so that the sum does not depend on who was first.
		slices.Sort(all)
		loss := 0.0
		for _, l := range all {
			loss += l
		}
		if found.best == 0 || loss < bestLoss {
			found.best, bestLoss = round, loss
		}
		found.Losses = append(found.Losses, loss)
		s.progress("round %d: log loss %.5f on held-out rows, best %.5f in round %d", round, loss, bestLoss, found.best)
	}
	for _, o := range orders {
		o <- found.best
	}
	return nil
}

// lane is which of the folds are trained by one goroutine, and how it is led.
type lane struct {
	first, step int
	orders      <-chan int
	losses      chan<- float64
}

// train trains the models of a lane's folds, a round for each order, and reports
// each one's share of the log loss.
func (s *search) train(ctx context.Context, l lane) error {
	// LightGBM keeps its log level by thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	total := 0
	for _, p := range s.parts {
		total += len(p.Test)
	}
	trials := map[int]*trial{}
	defer func() {
		for _, t := range trials {
			t.close()
		}
	}()
	for i := l.first; i < len(s.parts); i += l.step {
		t, err := s.newTrial(s.parts[i])
		if err != nil {
			return err
		}
		trials[i] = t
	}
	for {
		var order int
		select {
		case <-ctx.Done():
			return ctx.Err()
		case order = <-l.orders:
		}
		for i := l.first; i < len(s.parts); i += l.step {
			var err error
			if order != oneRound {
				s.heldOut[i], err = s.predictHeldOut(trials[i], s.parts[i].Test, order)
			} else {
				var loss float64
				loss, err = trials[i].round()
				l.losses <- loss * float64(trials[i].rows) / float64(total)
			}
			if err != nil {
				return err
			}
		}
		if order != oneRound {
			return nil
		}
	}
}

// predictHeldOut is what the first rounds of a trial predict of the rows that it
// did not see.
func (s *search) predictHeldOut(t *trial, rows []int, rounds int) ([]evaluate.Prediction, error) {
	flat, err := t.booster.PredictRounds(s.matrix.Select(s.matrix.places(rows)), s.taxonomy.Len(), rounds, fmt.Sprintf("num_threads=%d", threadsFor(s.matrix.Len())))
	if err != nil {
		return nil, err
	}
	out := make([]evaluate.Prediction, len(rows))
	for i, r := range rows {
		out[i].Truth = s.examples[r].Category
		out[i].Probabilities = s.rowOf(flat, i)
	}
	return out, nil
}

// trial is one fold of the search for the number of rounds.
type trial struct {
	train, valid *lightgbm.Dataset
	booster      *lightgbm.Booster
	rows         int // in valid
}

func (s *search) newTrial(p dataset.Split) (t *trial, err error) {
	t = &trial{rows: len(p.Test)}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	parameters := s.recipe.parameters(s.taxonomy.Len(), s.seed, s.matrix.Len())
	if t.train, err = s.newTraining(s.matrix.of(p.Train), parameters); err != nil {
		return t, err
	}
	held := s.matrix.of(p.Test)
	if t.valid, err = s.lib.NewDataset(held.Rows, held.labels(s.examples), parameters, t.train); err != nil {
		return t, err
	}
	if t.booster, err = s.lib.NewBooster(t.train, parameters); err != nil {
		return t, err
	}
	return t, t.booster.Validate(t.valid)
}

func (t *trial) round() (loss float64, err error) {
	if _, err := t.booster.Round(); err != nil {
		return 0, err
	}
	return t.booster.Metric(0)
}

func (t *trial) close() {
	if t.booster != nil {
		t.booster.Close()
	}
	for _, d := range []*lightgbm.Dataset{t.valid, t.train} {
		if d != nil {
			d.Close()
		}
	}
}
