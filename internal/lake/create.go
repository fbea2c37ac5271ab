package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// createAttempts is how often an object is put that was found not to be there
// after an answer that did not say so.
const createAttempts = 5

// CreateOnce creates an object by put, a [Store.PutNew], and decides by look where
// the answer is [ErrExists] or [ErrAmbiguous]: the object may be the caller's own,
// from an attempt whose answer was lost. Look reads what stands there now. It returns
// nil if that is the caller's or as good, [ErrNotFound] if nothing is there, which
// puts again, and any other error to end with.
func CreateOnce(put, look func() error) error {
	var err error
	for range createAttempts {
		err = put()
		if !errors.Is(err, ErrExists) && !errors.Is(err, ErrAmbiguous) {
			return err
		}
		switch there := look(); {
		case there == nil:
			return nil
		case errors.Is(there, ErrNotFound):
			continue
		default:
			return fmt.Errorf("%w; after %w", there, err)
		}
	}
	return err
}

// PutOnce stores an object that is not there yet, or is there with the same content.
// Other content is an error that matches [ErrExists].
func PutOnce(ctx context.Context, store Store, key string, body []byte) error {
	return CreateOnce(
		func() error { return store.PutNew(ctx, key, body, nil) },
		func() error {
			there, _, err := store.Get(ctx, key)
			if err == nil && !bytes.Equal(there, body) {
				return fmt.Errorf("%s: %w with %d bytes that differ from the %d to be written", key, ErrExists, len(there), len(body))
			}
			return err
		},
	)
}
