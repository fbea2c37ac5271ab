package sink

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// drain flushes all that is buffered, within its own bound: what is not in the
// lake then, the next process reads again.
func (s *session) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.DrainTimeout)
	defer cancel()
	if err := s.flushAll(ctx); err != nil {
		return fmt.Errorf("last flush: %w", err)
	}
	return nil
}

// flushAll flushes all open partitions, and returns when all are done.
func (s *session) flushAll(ctx context.Context) error {
	s.mu.Lock()
	var open []*worker
	for _, w := range s.workers {
		if w.isOpen() {
			open = append(open, w)
		}
	}
	s.mu.Unlock()
	errs := make([]error, len(open))
	var wg sync.WaitGroup
	for i, w := range open {
		wg.Go(func() { errs[i] = w.requestFlush(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (w *worker) requestFlush(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case w.flushNow <- done:
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
