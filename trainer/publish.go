package main

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

// serving is what champion.json said when it was read.
type serving struct {
	schema.Champion
	etag   string                 // "" where none was published
	bundle *classifier.Classifier // the built-in one where none was published
}

// builtIn says that no model was published, so that consumers serve theirs.
func (s *serving) builtIn() bool { return s.etag == "" }

// name is the version for people.
func (s *serving) name() string {
	if s.builtIn() {
		return "the built-in model"
	}
	return s.Version
}

// readChampion reads which model serves, and loads it as consumers do.
func readChampion(ctx context.Context, store lake.Store) (*serving, error) {
	s, err := readPointer(ctx, store)
	switch {
	case err != nil:
		return nil, err
	case s.builtIn():
		s.bundle, err = classifier.Bootstrap()
	default:
		s.bundle, err = loadBundle(ctx, store, s.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("the champion, %s: %w; to go back to one that loads: trainer rollback VERSION", s.name(), err)
	}
	return s, nil
}

// readPointer is readChampion without the bundle.
func readPointer(ctx context.Context, store lake.Store) (*serving, error) {
	s, err := readPointerAt(ctx, store, schema.ChampionKey)
	if err == nil && !s.builtIn() && s.Version == "" {
		return nil, fmt.Errorf("%s names no version", schema.ChampionKey)
	}
	return s, err
}

// readChallenger reads which model challenges; without a version none does.
func readChallenger(ctx context.Context, store lake.Store) (*serving, error) {
	return readPointerAt(ctx, store, schema.ChallengerKey)
}

// readPointerAt reads a champion or challenger file.
func readPointerAt(ctx context.Context, store lake.Store, key string) (*serving, error) {
	s := &serving{}
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
	s.etag = etag
	return s, nil
}

// loadBundle reads and checks a published bundle.
func loadBundle(ctx context.Context, store lake.Store, version string) (*classifier.Classifier, error) {
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

// versionOrChampion loads the published version of that name, or without one the
// champion.
func versionOrChampion(ctx context.Context, store lake.Store, version string) (*classifier.Classifier, error) {
	if version != "" {
		return loadBundle(ctx, store, version)
	}
	champion, err := readChampion(ctx, store)
	if err != nil {
		return nil, err
	}
	return champion.bundle, nil
}

// publish writes a bundle to its version's folder, each part once. One that is
// there already is the same, for its version is the hash of its content.
func publish(ctx context.Context, store lake.Store, version string, parts map[string][]byte) error {
	for _, name := range classifier.PartNames {
		if err := putNew(ctx, store, schema.ModelPrefix(version)+name, parts[name]); err != nil {
			return fmt.Errorf("publish %s: %w", version, err)
		}
	}
	return nil
}

// changeTo is a change to another version, now.
func changeTo(version, why string) schema.Change {
	return schema.Change{Version: version, At: time.Now().UTC().Truncate(time.Second), Why: why}
}

// errMoved says that a champion or challenger file is not what it was when it was read.
var errMoved = errors.New("it was changed by another process meanwhile")

// moveChampion points champion.json to another version, unless it was changed
// since it was read.
func moveChampion(ctx context.Context, store lake.Store, from *serving, to schema.Change) error {
	return move(ctx, store, schema.ChampionKey, from, to)
}

// move points a champion or challenger file to another version, unless it was
// changed since it was read.
func move(ctx context.Context, store lake.Store, key string, from *serving, to schema.Change) error {
	body, err := json.MarshalIndent(from.Follow(to), "", "  ")
	if err != nil {
		return err
	}
	err = store.Replace(ctx, key, append(body, '\n'), from.etag)
	if errors.Is(err, lake.ErrChanged) {
		return fmt.Errorf("%s: %w", key, errMoved)
	}
	return err
}
