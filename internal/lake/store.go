// Package lake is the object store below the lake and the models: an S3 bucket
// or a local directory with the same layout, and the Parquet files in it.
//
// In come keys and whole objects. An object is visible completely or not at
// all, also when this process or the machine dies in the middle of a put. What
// a put that did not return has done is not known: the object may be there, may
// come a moment later, or never. So the one who comes after a crash looks.
//
//	store.go    what a store promises
//	config.go   opening one
//	dir.go      a directory
//	s3.go       a bucket; retry.go says which answers are tried again
//	reader.go   reading parts of an S3 object with bounded memory
//	create.go   creating once, and looking after an answer that does not say
//	parquet.go  writing, opening and checking Parquet
//	days.go     the objects of a day, each row once
package lake

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"time"
)

// The answers of a store that a caller decides by.
var (
	// ErrNotFound says that there is no object of that key.
	ErrNotFound = errors.New("object not found")
	// ErrExists says that PutNew found an object of that key. It may be the
	// caller's own, from an attempt that a proxy repeated: compare.
	ErrExists = errors.New("object exists")
	// ErrChanged says that Replace found another version than the caller's.
	ErrChanged = errors.New("object changed")
	// ErrAmbiguous says that a put may have stored the object or not, or may
	// still store it: look before you decide.
	ErrAmbiguous = errors.New("outcome of the put is not known")
)

// Info describes an object.
type Info struct {
	Key     string
	Size    int64  // bytes
	ETag    string // of this version; empty where the store would have to read the object for it
	ModTime time.Time
}

// Reader reads parts of one version of an object. It ends with an error, never
// with other bytes, when the object is replaced meanwhile.
type Reader interface {
	io.ReaderAt
	io.Closer
	Size() int64 // bytes
}

// Store keeps objects by key: segments of letters, digits and "._=-", joined by
// slashes, no segment beginning with a dot. All methods may be called
// concurrently and from several processes. An error that is none of the above
// means that nothing was stored.
type Store interface {
	// Get returns a whole object and the ETag of its version, or ErrNotFound.
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	// Head describes an object, or says ErrNotFound.
	Head(ctx context.Context, key string) (Info, error)
	// Open opens an object for reading parts of it, or says ErrNotFound. The
	// reader reads within ctx.
	Open(ctx context.Context, key string) (Reader, error)
	// PutNew stores an object if there is none of that key: ErrExists. When it
	// returns nil the object is durable. Meta is kept where the store has a
	// place for it. The error is ErrAmbiguous if the outcome is not known.
	PutNew(ctx context.Context, key string, body []byte, meta map[string]string) error
	// Replace stores an object if its present version is that of etag ("": if
	// there is none), else ErrChanged. It looks itself after an answer that
	// does not say what happened; ErrAmbiguous only if it could not look. Meta
	// of the object stays.
	Replace(ctx context.Context, key string, body []byte, etag string) error
	// List returns at most limit objects whose keys begin with prefix and come
	// after startAfter, in the byte order of their keys.
	List(ctx context.Context, prefix, startAfter string, limit int) ([]Info, error)
}

// FirstKeys gives the first key of each folder below a prefix, which ends with a
// slash, and every key that is in none, in their order; an error ends it. It takes
// a request each.
func FirstKeys(ctx context.Context, store Store, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for after, last := "", ""; ; {
			page, err := store.List(ctx, prefix, after, 1)
			if err != nil {
				yield("", err)
				return
			}
			if len(page) == 0 {
				return
			}
			key := page[0].Key
			name, _, inFolder := strings.Cut(key[len(prefix):], "/")
			folder := prefix + name + "/"
			if (!inFolder || folder != last) && !yield(key, nil) {
				return
			}
			after = key
			if inFolder {
				// Behind all names in it that a key may have; there may be others.
				after, last = max(key, folder+"~"), folder
			}
		}
	}
}

// pageSize is how many objects a request lists at most.
const pageSize = 1000

// Pages lists all objects whose keys begin with prefix, a request at a time, in
// the byte order of their keys; an error ends it. Where there are none it gives
// one empty page.
func Pages(ctx context.Context, store Store, prefix string) iter.Seq2[[]Info, error] {
	return func(yield func([]Info, error) bool) {
		for after := ""; ; {
			page, err := store.List(ctx, prefix, after, pageSize)
			if !yield(page, err) || err != nil || len(page) < pageSize {
				return
			}
			after = page[len(page)-1].Key
		}
	}
}
