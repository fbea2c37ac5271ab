package sink

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// drain flushes all that is buffered, within its own bound: what is not in the lake
// then, the next process reads again. Nobody polls any more.
func (s *session) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.DrainTimeout)
	defer cancel()
	for {
		left := s.flushRest()
		if len(left) == 0 {
			return nil
		}
		select {
		case r := <-s.reports:
			if _, _, err := s.hear([]report{r}); err != nil {
				return fmt.Errorf("last flush: %w", err)
			}
		case <-ctx.Done():
			return s.undrained(left)
		}
	}
}

// flushRest has all buffers flushed, and returns those that are not in the lake yet.
// Where another writer was faster there is nothing left to do.
func (s *session) flushRest() (left []*assignment) {
	s.mu.Lock()
	for _, a := range s.assigned {
		a.flushAsked = true
	}
	s.mu.Unlock()
	s.advance(time.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.assigned {
		if a.state == flushing || a.state == reading && a.p.pending() {
			left = append(left, a)
		}
	}
	slices.SortFunc(left, older)
	return left
}

// undrained says once why buffers are not in the lake, however many they are.
func (s *session) undrained(left []*assignment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := fmt.Errorf("last flush: %d partitions are not in the lake after %s; the next process reads them again", len(left), s.cfg.DrainTimeout)
	for _, a := range left {
		if a.job.err != nil {
			return fmt.Errorf("%w: %w", err, a.failure(a.job.err))
		}
	}
	return err
}
