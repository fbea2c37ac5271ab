// Package registry keeps the models in the lake: what was published, which one
// serves (the champion), which one is scored beside it (the challenger), and what
// is known of each training.
//
// In come bundles, and changes with their reasons; out come bundles that were
// checked. Parts and records are created once and never changed; champion.json
// and challenger.json are replaced only by compare-and-swap. So a crash leaves at
// most parts that no pointer names, and the same step again completes them.
//
//	publish.go    a bundle's parts, and the two pointers
//	published.go  the list of what was published
//	record.go     the evidence of a training
//	runs.go       reading it again
package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/schema"
)

// Serving is what champion.json said when it was read.
type Serving struct {
	schema.Champion
	Etag   string                 // "" where none was published
	Bundle *classifier.Classifier // the built-in one where none was published
}

// BuiltIn says that no model was published, so that consumers serve theirs.
func (s *Serving) BuiltIn() bool { return s.Etag == "" }

// Name is the version for people.
func (s *Serving) Name() string {
	if s.BuiltIn() {
		return "the built-in model"
	}
	return s.Version
}

// ReadChampion reads which model serves, and loads it as consumers do.
func ReadChampion(ctx context.Context, store lake.Store) (*Serving, error) {
	s, err := ReadPointer(ctx, store)
	switch {
	case err != nil:
		return nil, err
	case s.BuiltIn():
		s.Bundle, err = classifier.Bootstrap()
	default:
		s.Bundle, err = LoadBundle(ctx, store, s.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("the champion, %s: %w; to go back to one that loads: trainer rollback VERSION", s.Name(), err)
	}
	return s, nil
}

// ReadPointer is readChampion without the bundle.
func ReadPointer(ctx context.Context, store lake.Store) (*Serving, error) {
	s, err := readPointerAt(ctx, store, schema.ChampionKey)
	if err == nil && !s.BuiltIn() && s.Version == "" {
		return nil, fmt.Errorf("%s names no version", schema.ChampionKey)
	}
	return s, err
}

// ReadChallenger reads which model challenges; without a version none does.
func ReadChallenger(ctx context.Context, store lake.Store) (*Serving, error) {
	return readPointerAt(ctx, store, schema.ChallengerKey)
}

// readPointerAt reads a champion or challenger file.
func readPointerAt(ctx context.Context, store lake.Store, key string) (*Serving, error) {
	s := &Serving{}
	body, etag, err := store.Get(ctx, key)
	if errors.Is(err, lake.ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &s.Champion); err != nil {
		return nil, fmt.Errorf("%s: %.80q: %w", key, body, err)
	}
	s.Etag = etag
	return s, nil
}

// LoadBundle reads and checks a published bundle.
func LoadBundle(ctx context.Context, store lake.Store, version string) (*classifier.Classifier, error) {
	parts := map[string][]byte{}
	for _, name := range classifier.PartNames {
		body, _, err := store.Get(ctx, schema.ModelPrefix(version)+name)
		if err != nil {
			return nil, err
		}
		parts[name] = body
	}
	return classifier.LoadVersion(parts, version)
}

// VersionOrChampion loads the published version of that name, or without one the
// champion.
func VersionOrChampion(ctx context.Context, store lake.Store, version string) (*classifier.Classifier, error) {
	if version != "" {
		return LoadBundle(ctx, store, version)
	}
	champion, err := ReadChampion(ctx, store)
	if err != nil {
		return nil, err
	}
	return champion.Bundle, nil
}

// Publish writes a bundle to its version's folder, each part once. One that is
// there already is the same, for its version is the hash of its content.
func Publish(ctx context.Context, store lake.Store, version string, parts map[string][]byte) error {
	for _, name := range classifier.PartNames {
		if err := lake.PutOnce(ctx, store, schema.ModelPrefix(version)+name, parts[name]); err != nil {
			return fmt.Errorf("publish %s: %w", version, err)
		}
	}
	return nil
}

// ChangeTo is a change to another version, now.
func ChangeTo(version, why string) schema.Change {
	return schema.Change{Version: version, At: time.Now().UTC().Truncate(time.Second), Why: why}
}

// ErrMoved says that a champion or challenger file is not what it was when it was read.
var ErrMoved = errors.New("it was changed by another process meanwhile")

// MoveChampion points champion.json to another version, unless it was changed
// since it was read.
func MoveChampion(ctx context.Context, store lake.Store, from *Serving, to schema.Change) error {
	return Move(ctx, store, schema.ChampionKey, from, to)
}

// Move points a champion or challenger file to another version, unless it was
// changed since it was read.
func Move(ctx context.Context, store lake.Store, key string, from *Serving, to schema.Change) error {
	body, err := json.MarshalIndent(from.Follow(to), "", "  ")
	if err != nil {
		return err
	}
	err = store.Replace(ctx, key, append(body, '\n'), from.Etag)
	if errors.Is(err, lake.ErrChanged) {
		return fmt.Errorf("%s: %w", key, ErrMoved)
	}
	return err
}

// MayChallenge says why a version is no challenger.
func MayChallenge(ctx context.Context, store lake.Store, version string) error {
	champion, err := ReadPointer(ctx, store)
	if err != nil {
		return err
	}
	if champion.Version == version {
		return fmt.Errorf("it serves already")
	}
	_, err = LoadBundle(ctx, store, version)
	return err
}
