package registry

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/schema"
)

// Model is a model in the lake.
type Model struct {
	Version    string              `json:"version"`
	Published  time.Time           `json:"published"` // when its manifest was written
	Serves     bool                `json:"serves"`
	Challenges bool                `json:"challenges"`      // is scored in the shadow of the one that serves
	Since      *time.Time          `json:"since,omitempty"` // when it last began to serve
	Why        string              `json:"why,omitempty"`   // why it did
	Forced     string              `json:"forced,omitempty"`
	Training   classifier.Training `json:"training"`
	Metrics    classifier.Metrics  `json:"metrics"` // on the test rows of its own training
	Fault      string              `json:"fault,omitempty"`
}

// List lists the versions that were published, the newest first.
func List(ctx context.Context, store lake.Store) ([]Model, error) {
	champion, err := ReadPointer(ctx, store)
	if err != nil {
		return nil, err
	}
	challenger, err := ReadChallenger(ctx, store)
	if err != nil {
		return nil, err
	}
	versions, err := versions(ctx, store)
	if err != nil {
		return nil, err
	}
	list := make([]Model, 0, len(versions))
	for _, v := range versions {
		p, err := readPublished(ctx, store, v, &champion.Champion)
		if errors.Is(err, lake.ErrNotFound) {
			continue // without a manifest it is not published, or not yet
		}
		if err != nil {
			return nil, err
		}
		p.Challenges = v == challenger.Version
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Model) int { return b.Published.Compare(a.Published) })
	return list, nil
}

// versions lists the folders of models, a request a version.
func versions(ctx context.Context, store lake.Store) ([]string, error) {
	prefix := strings.TrimSuffix(schema.ModelPrefix(""), "/") // that of a version without a name
	var versions []string
	for key, err := range lake.FirstKeys(ctx, store, prefix) {
		if err != nil {
			return nil, err
		}
		if version, _, folder := strings.Cut(strings.TrimPrefix(key, prefix), "/"); folder {
			versions = append(versions, version)
		}
	}
	return versions, nil
}

func readPublished(ctx context.Context, store lake.Store, version string, champion *schema.Champion) (Model, error) {
	p := Model{Version: version, Serves: version == champion.Version}
	key := schema.ModelPrefix(version) + classifier.ManifestPart
	body, _, err := store.Get(ctx, key)
	if err != nil {
		return p, err
	}
	info, err := store.Head(ctx, key)
	if err != nil {
		return p, err
	}
	p.Published = info.ModTime.UTC()
	for _, change := range champion.History {
		if change.Version == version {
			p.Since, p.Why = &change.At, change.Why
			break
		}
	}
	var m classifier.Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		p.Fault = err.Error()
	}
	p.Training, p.Metrics, p.Forced = m.Training, m.Metrics, m.Forced
	return p, nil
}
