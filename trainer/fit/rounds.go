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
	Losses  []float64             // log loss on kept rows, by round from the first
	HeldOut []evaluate.Prediction // the rows that were kept from a fit, as its best round sees them
}

// findRounds returns the number of rounds with the least log loss on rows kept
// from fitting: the folds are trained side by side, and stop together. Of many
// rows, one fold says enough.
func (f *Fitter) findRounds(ctx context.Context, matrix *lightgbm.Rows, rows []int, parts []dataset.Split) (*rounds, error) {
	if len(rows) > fewRows {
		parts = parts[:1]
	}
	place := placesOf(rows, len(f.examples))
	// Every lane trains its folds, a round when asked; few rows train faster in
	// two lanes of one thread than in one of two.
	lanes := min(trainingThreads/threadsFor(len(rows)), len(parts))
	orders := make([]chan int, lanes)
	losses := make(chan float64, len(parts))
	found := &rounds{}
	kept := make([][]evaluate.Prediction, len(parts))
	g, ctx := errgroup.WithContext(ctx)
	for i := range orders {
		orders[i] = make(chan int, 1)
		g.Go(func() error {
			return f.trainLane(ctx, matrix, place, parts, kept, lane{i, lanes, orders[i], losses})
		})
	}
	g.Go(func() error { return f.countRounds(ctx, orders, losses, len(parts), found) })
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("find the number of rounds: %w", err)
	}
	found.HeldOut = slices.Concat(kept...)
	return found, nil
}

// oneRound orders a lane to train a round. Any other order is the number of the
// best round, by which the lane says what it thinks of its kept rows, and ends.
const oneRound = 0

// countRounds asks for rounds until the log loss has not become less for a while.
func (f *Fitter) countRounds(ctx context.Context, orders []chan int, losses <-chan float64, parts int, found *rounds) error {
	bestLoss := 0.0
	all := make([]float64, parts)
	for round := 1; round <= f.recipe.MaxRounds && round-found.best <= f.recipe.Patience; round++ {
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
		f.progress("round %d: log loss %.5f on kept rows, best %.5f in round %d", round, loss, bestLoss, found.best)
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

// trainLane trains the models of some folds, a round for each order, and
// reports each one's share of the log loss.
func (f *Fitter) trainLane(ctx context.Context, matrix *lightgbm.Rows, place []int32, parts []dataset.Split, kept [][]evaluate.Prediction, l lane) error {
	// LightGBM keeps its log level by thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	parameters := f.recipe.parameters(f.taxonomy.Len(), f.seed, matrix.Len())
	total := 0
	for _, p := range parts {
		total += len(p.Judge)
	}
	trials := map[int]*trial{}
	defer func() {
		for _, t := range trials {
			t.close()
		}
	}()
	for i := l.first; i < len(parts); i += l.step {
		t, err := f.newTrial(matrix, place, parts[i], parameters)
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
		for i := l.first; i < len(parts); i += l.step {
			var err error
			if order != oneRound {
				kept[i], err = f.predictKept(trials[i], matrix, place, parts[i].Judge, order)
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

// predictKept is what a trial's first rounds say of the rows that it did not see.
func (f *Fitter) predictKept(t *trial, matrix *lightgbm.Rows, place []int32, rows []int, rounds int) ([]evaluate.Prediction, error) {
	flat, err := t.booster.PredictRounds(matrix.Select(places(place, rows)), f.taxonomy.Len(), rounds, fmt.Sprintf("num_threads=%d", threadsFor(matrix.Len())))
	if err != nil {
		return nil, err
	}
	out := make([]evaluate.Prediction, len(rows))
	for i, r := range rows {
		out[i].Truth = f.examples[r].Category
		out[i].Probabilities = f.rowOf(flat, i)
	}
	return out, nil
}

func places(place []int32, rows []int) []int {
	out := make([]int, len(rows))
	for i, r := range rows {
		out[i] = int(place[r])
	}
	return out
}

// trial is one fold of the search for the number of rounds.
type trial struct {
	train, valid *lightgbm.Dataset
	booster      *lightgbm.Booster
	rows         int // in valid
}

func (f *Fitter) newTrial(matrix *lightgbm.Rows, place []int32, p dataset.Split, parameters string) (t *trial, err error) {
	t = &trial{rows: len(p.Judge)}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	at := func(rows []int) *lightgbm.Rows { return matrix.Select(places(place, rows)) }
	if t.train, err = f.newTraining(at(p.Fit), p.Fit, parameters); err != nil {
		return t, err
	}
	if t.valid, err = f.lib.NewDataset(at(p.Judge), f.labels(p.Judge), parameters, t.train); err != nil {
		return t, err
	}
	if t.booster, err = f.lib.NewBooster(t.train, parameters); err != nil {
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
