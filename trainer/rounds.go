package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"complaints/trainer/lightgbm"
)

// findRounds returns the number of rounds with the least log loss on rows kept
// from fitting: the folds are trained side by side, and stop together.
func (f *fitter) findRounds(ctx context.Context, matrix *lightgbm.Rows, rows []int, parts []split) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	place := make(map[int]int, len(rows))
	for i, r := range rows {
		place[r] = i
	}
	// Every lane trains its folds, a round when asked; few rows train faster in
	// two lanes of one thread than in one of two.
	lanes := trainingThreads / threadsFor(len(rows))
	start := make([]chan struct{}, lanes)
	losses := make(chan float64, len(parts))
	g, ctx := errgroup.WithContext(ctx)
	for i := range start {
		start[i] = make(chan struct{}, 1)
		var own []split
		for j := i; j < len(parts); j += lanes {
			own = append(own, parts[j])
		}
		g.Go(func() error { return f.trainLane(ctx, matrix, place, own, start[i], losses) })
	}
	best := 0
	g.Go(func() error {
		defer cancel()
		var err error
		best, err = f.countRounds(ctx, start, losses, len(parts))
		return err
	})
	if err := g.Wait(); best == 0 {
		return 0, fmt.Errorf("find the number of rounds: %w", err)
	}
	return best, nil
}

// countRounds asks for rounds until the log loss has not become less for a while.
func (f *fitter) countRounds(ctx context.Context, start []chan struct{}, losses <-chan float64, parts int) (int, error) {
	best, bestLoss := 0, 0.0
	all := make([]float64, parts)
	for round := 1; round <= f.recipe.MaxRounds && round-best <= f.recipe.Patience; round++ {
		for _, s := range start {
			s <- struct{}{}
		}
		for i := range all {
			select {
			case all[i] = <-losses:
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		// In the order of size, so that the sum does not depend on who was first.
		slices.Sort(all)
		loss := 0.0
		for _, l := range all {
			loss += l
		}
		if best == 0 || loss < bestLoss {
			best, bestLoss = round, loss
		}
		f.progress("round %d: log loss %.5f on kept rows, best %.5f in round %d", round, loss, bestLoss, best)
	}
	return best, nil
}

// trainLane trains the models of some folds, a round for each start, and
// reports each one's share of the log loss.
func (f *fitter) trainLane(ctx context.Context, matrix *lightgbm.Rows, place map[int]int, parts []split, start <-chan struct{}, losses chan<- float64) error {
	// LightGBM keeps its log level by thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	parameters := f.recipe.parameters(f.seed, len(place))
	var trials []*trial
	defer func() {
		for _, t := range trials {
			t.close()
		}
	}()
	for _, p := range parts {
		t, err := f.newTrial(matrix, place, p, parameters)
		if err != nil {
			return err
		}
		trials = append(trials, t)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-start:
		}
		for _, t := range trials {
			loss, err := t.round()
			if err != nil {
				return err
			}
			losses <- loss * float64(t.rows) / float64(len(place))
		}
	}
}

// trial is one fold of the search for the number of rounds.
type trial struct {
	train, valid *lightgbm.Dataset
	booster      *lightgbm.Booster
	rows         int // in valid
}

func (f *fitter) newTrial(matrix *lightgbm.Rows, place map[int]int, p split, parameters string) (t *trial, err error) {
	t = &trial{rows: len(p.judge)}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	at := func(rows []int) *lightgbm.Rows {
		places := make([]int, len(rows))
		for i, r := range rows {
			places[i] = place[r]
		}
		return matrix.Select(places)
	}
	if t.train, err = f.lib.NewDataset(at(p.fit), f.labels(p.fit), parameters, nil); err != nil {
		return t, err
	}
	if t.valid, err = f.lib.NewDataset(at(p.judge), f.labels(p.judge), parameters, t.train); err != nil {
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
