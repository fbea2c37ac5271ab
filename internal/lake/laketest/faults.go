package laketest

import (
	"context"
	"errors"
	"fmt"

	"complaints/internal/lake"
)

// Fault is how an operation fails.
type Fault int

// The faults. An operation that reads only fails or not.
const (
	None Fault = iota
	// Fails: nothing is done, and the answer says so.
	Fails
	// Lost: nothing is done, and the answer does not say what happened.
	Lost
	// ErroredButStored: it is done, and the answer does not say what happened.
	ErroredButStored
)

// ErrInjected is in every injected error.
var ErrInjected = errors.New("injected fault")

// Faulty is a store whose operations fail as Choose says. Choose is called with
// the name of the method and the key, and may block to slow the store down.
type Faulty struct {
	lake.Store
	Choose func(ctx context.Context, op, key string) Fault
}

// Get gets an object or fails.
func (f Faulty) Get(ctx context.Context, key string) ([]byte, string, error) {
	if f.Choose(ctx, "Get", key) != None {
		return nil, "", fmt.Errorf("get %s: %w", key, ErrInjected)
	}
	return f.Store.Get(ctx, key)
}

// Head describes an object or fails.
func (f Faulty) Head(ctx context.Context, key string) (lake.Info, error) {
	if f.Choose(ctx, "Head", key) != None {
		return lake.Info{}, fmt.Errorf("head %s: %w", key, ErrInjected)
	}
	return f.Store.Head(ctx, key)
}

// Open opens an object or fails.
func (f Faulty) Open(ctx context.Context, key string) (lake.Reader, error) {
	if f.Choose(ctx, "Open", key) != None {
		return nil, fmt.Errorf("open %s: %w", key, ErrInjected)
	}
	return f.Store.Open(ctx, key)
}

// List lists objects or fails.
func (f Faulty) List(ctx context.Context, prefix, after string, limit int) ([]lake.Info, error) {
	if f.Choose(ctx, "List", prefix) != None {
		return nil, fmt.Errorf("list %s: %w", prefix, ErrInjected)
	}
	return f.Store.List(ctx, prefix, after, limit)
}

// PutNew creates an object, fails, or does not say which.
func (f Faulty) PutNew(ctx context.Context, key string, body []byte, meta map[string]string) error {
	return f.put(ctx, "PutNew", key, func() error { return f.Store.PutNew(ctx, key, body, meta) })
}

// Replace replaces an object, fails, or does not say which.
func (f Faulty) Replace(ctx context.Context, key string, body []byte, etag string) error {
	return f.put(ctx, "Replace", key, func() error { return f.Store.Replace(ctx, key, body, etag) })
}

func (f Faulty) put(ctx context.Context, op, key string, do func() error) error {
	switch f.Choose(ctx, op, key) {
	case Fails:
		return fmt.Errorf("put %s: %w", key, ErrInjected)
	case Lost:
		return fmt.Errorf("put %s: %w: %w", key, lake.ErrAmbiguous, ErrInjected)
	case ErroredButStored:
		if err := do(); err != nil && !errors.Is(err, lake.ErrExists) {
			return err
		}
		return fmt.Errorf("put %s: %w: %w", key, lake.ErrAmbiguous, ErrInjected)
	default:
		return do()
	}
}
