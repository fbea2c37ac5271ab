package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/schema"
)

// Follower keeps the bundle that a pointer names in a holder: it follows the
// pointer, loads the bundle, checks it, and swaps it in. Whatever goes wrong, the
// present one goes on. Look is called by one goroutine at a time.
type Follower struct {
	Store  lake.Store
	Key    string             // schema.ChampionKey or schema.ChallengerKey
	Holder *classifier.Holder // empty before the first swap, and where the pointer names none

	refused string       // the version and the parts that were refused last
	reached atomic.Int64 // when the store last answered, nanoseconds since 1970
}

// Seen is what a look at a pointer led to.
type Seen int

// The outcomes of a look.
const (
	Unchanged Seen = iota // nothing new, or the store did not answer
	Swapped               // another bundle is in service
	Ended                 // the pointer names none any more, and the holder is empty
	Refused               // the bundle failed its checks; said once, until its parts are others
)

// Look follows the pointer once, and returns the version that it names, "" for
// none. A pointer that is not there changes nothing of a champion. The error is of
// Unchanged, that the store cannot be read, and of Refused, why.
func (f *Follower) Look(ctx context.Context) (Seen, string, error) {
	p, err := f.read(ctx)
	if err != nil {
		return Unchanged, "", err
	}
	now := f.Holder.Current()
	switch {
	case p.Version == "" && f.Key == schema.ChampionKey:
		if p.Exists() {
			return Unchanged, "", fmt.Errorf("%s names no version", f.Key)
		}
		return Unchanged, "", nil
	case p.Version == "" && now == nil, now != nil && now.Version() == p.Version:
		f.refused = ""
		return Unchanged, p.Version, nil
	case p.Version == "":
		f.refused = ""
		f.Holder.Swap(nil)
		return Ended, "", nil
	}
	return f.swap(ctx, p.Version)
}

func (f *Follower) read(ctx context.Context) (*Pointer, error) {
	p, err := readPointer(ctx, f.Store, f.Key)
	if err == nil || errors.Is(err, errDamaged) {
		f.reached.Store(time.Now().UnixNano())
	}
	return p, err
}

// Ask reads the pointer and follows it nowhere, to see whether the store answers.
func (f *Follower) Ask(ctx context.Context) error {
	_, err := f.read(ctx)
	return err
}

// swap loads a version and puts it in service. What was refused is looked at again
// when its parts have changed: a copy of a lake may bring the pointer first.
func (f *Follower) swap(ctx context.Context, version string) (Seen, string, error) {
	state, err := f.state(ctx, version)
	if err != nil || state == f.refused {
		return Unchanged, version, err
	}
	parts, err := fetch(ctx, f.Store, version)
	if err != nil && !errors.Is(err, lake.ErrNotFound) && !errors.Is(err, classifier.ErrManifest) {
		return Unchanged, version, err
	}
	var bundle *classifier.Classifier
	if err == nil {
		bundle, err = classifier.LoadVersion(parts, version)
	}
	if err != nil {
		f.refused = state
		return Refused, version, err
	}
	f.refused = ""
	f.Holder.Swap(bundle)
	return Swapped, version, nil
}

// maxParts is far more than a bundle has.
const maxParts = 100

// state tells what is there of a version's parts from what was there before.
func (f *Follower) state(ctx context.Context, version string) (string, error) {
	infos, err := f.Store.List(ctx, schema.ModelPrefix(version), "", maxParts)
	if err != nil {
		return "", err
	}
	var state strings.Builder
	state.WriteString(version)
	for _, i := range infos {
		fmt.Fprintf(&state, " %s %d %d", i.Key, i.Size, i.ModTime.UnixNano())
	}
	return state.String(), nil
}

// Reached is when the store last answered.
func (f *Follower) Reached() time.Time { return time.Unix(0, f.reached.Load()) }

// PublishedAt is when a version was published: its content has no clock in it.
func PublishedAt(ctx context.Context, store lake.Store, version string) (time.Time, error) {
	info, err := store.Head(ctx, schema.ModelPrefix(version)+classifier.ManifestPart)
	return info.ModTime.UTC(), err
}
