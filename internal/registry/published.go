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
	BuiltIn    bool                `json:"built_in"`        // no version was published, so that consumers serve the one in their program
	Challenges bool                `json:"challenges"`      // is scored in the shadow of the one that serves
	Since      *time.Time          `json:"since,omitempty"` // when it last began to serve
	Why        string              `json:"why,omitempty"`   // why it did
	Forced     string              `json:"forced,omitempty"`
	Training   classifier.Training `json:"training"`
	Metrics    classifier.Metrics  `json:"metrics"` // on the test rows of its own training
	Fault      string              `json:"fault,omitempty"`
}

// List lists the versions that were published, the newest first, and the one that
// serves in any case.
func List(ctx context.Context, store lake.Store) ([]Model, error) {
	champion, err := Champion(ctx, store)
	if err != nil {
		return nil, err
	}
	challenger, err := Challenger(ctx, store)
	if err != nil {
		return nil, err
	}
	found, err := versions(ctx, store)
	if err != nil {
		return nil, err
	}
	var list []Model
	for _, v := range found {
		m, err := readModel(ctx, store, v, champion)
		if errors.Is(err, lake.ErrNotFound) {
			continue // without a manifest it is not published, or not yet
		}
		if err != nil {
			return nil, err
		}
		m.Challenges = v == challenger.Version
		list = append(list, m)
	}
	if !slices.ContainsFunc(list, func(m Model) bool { return m.Serves }) {
		m, err := unpublished(champion)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	slices.SortStableFunc(list, func(a, b Model) int { return b.Published.Compare(a.Published) })
	return list, nil
}

// unpublished is a champion that is not in the list: the one that is built into
// the programs, or one whose parts are gone.
func unpublished(champion *Pointer) (Model, error) {
	if champion.Exists() {
		return Model{Version: champion.Version, Serves: true, Fault: "it was never published, or its manifest is gone"}, nil
	}
	builtIn, err := classifier.Bootstrap()
	if err != nil {
		return Model{}, err
	}
	m := builtIn.Manifest()
	return Model{Version: builtIn.Version(), Serves: true, BuiltIn: true, Training: m.Training, Metrics: m.Metrics}, nil
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

func readModel(ctx context.Context, store lake.Store, version string, champion *Pointer) (Model, error) {
	p := Model{Version: version, Serves: version == champion.Version}
	key := schema.ModelPrefix(version) + classifier.ManifestPart
	body, _, err := store.Get(ctx, key)
	if err != nil {
		return p, err
	}
	if p.Published, err = PublishedAt(ctx, store, version); err != nil {
		return p, err
	}
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
