package verify_test

import (
	"context"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/lake"
)

// replacing is a store whose objects are replaced once each while they are read.
type replacing struct {
	lake.Store
	seen sync.Map
}

type replaced struct{ lake.Reader }

func (replaced) ReadAt([]byte, int64) (int, error) { return 0, lake.ErrChanged }

func (s *replacing) Open(ctx context.Context, key string) (lake.Reader, error) {
	r, err := s.Store.Open(ctx, key)
	if _, again := s.seen.LoadOrStore(key, nil); again || err != nil {
		return r, err
	}
	return replaced{r}, nil
}

func TestVerifyWhileObjectsAreReplaced(t *testing.T) {
	e := newEnvironment(t)
	e.fill()
	e.store = &replacing{Store: e.store}
	if report := e.verify(); !report.OK {
		t.Errorf("%v", report.Faults)
	}
}

func TestVerifyWhileTheSystemRuns(t *testing.T) {
	e := newEnvironment(t)
	e.fill()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			offsets := e.complaints(0, 20, kgo.TryCommit)
			e.answer(0, offsets)
			e.commit(0, offsets[19]+1)
			e.sink()
		}
	}()
	for range 15 {
		if report := e.verify(); !report.OK {
			t.Errorf("%+v", report)
		}
	}
	close(stop)
	<-done
}
