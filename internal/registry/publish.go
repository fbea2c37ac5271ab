// Package registry keeps the models in the lake: what was published, which one
// serves (the champion), which one is scored beside it (the challenger), and what
// is known of each training.
//
// In come bundles, and changes with their reasons; out come bundles that were
// checked. Parts and records are created once and never changed; champion.json
// and challenger.json are replaced only by compare-and-swap. So a crash leaves at
// most parts that no pointer names, and the same step again completes them.
//
//	publish.go    a bundle's parts
//	pointer.go    which version is the champion and which the challenger, and their changes
//	follow.go     keeping what a pointer names in service
//	published.go  the list of what was published
//	record.go     the evidence of a training
//	runs.go       reading it again
package registry

import (
	"context"
	"fmt"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/schema"
)

// Publish writes a bundle to its version's folder, each part once. One that is
// there already is the same, for its version is the hash of its content.
func Publish(ctx context.Context, store lake.Store, version string, parts map[string][]byte) error {
	names, err := classifier.PartNames(parts[classifier.ManifestPart])
	if err != nil {
		return fmt.Errorf("publish %s: %w", version, err)
	}
	for _, name := range names {
		if err := lake.PutOnce(ctx, store, schema.ModelPrefix(version)+name, parts[name]); err != nil {
			return fmt.Errorf("publish %s: %w", version, err)
		}
	}
	return nil
}

// Load reads and checks a published bundle.
func Load(ctx context.Context, store lake.Store, version string) (*classifier.Classifier, error) {
	parts, err := fetch(ctx, store, version)
	if err != nil {
		return nil, err
	}
	return classifier.LoadVersion(parts, version)
}

// fetch reads the parts of a published bundle.
func fetch(ctx context.Context, store lake.Store, version string) (map[string][]byte, error) {
	return classifier.ReadParts(func(name string) ([]byte, error) {
		body, _, err := store.Get(ctx, schema.ModelPrefix(version)+name)
		return body, err
	})
}

// LoadChampion reads which version serves, and loads it: the one that is built
// into the programs where none was published.
func LoadChampion(ctx context.Context, store lake.Store) (*Pointer, *classifier.Classifier, error) {
	p, err := Champion(ctx, store)
	if err != nil {
		return nil, nil, err
	}
	var bundle *classifier.Classifier
	if p.Exists() {
		bundle, err = Load(ctx, store, p.Version)
	} else {
		bundle, err = classifier.Bootstrap()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the champion, %s: %w; to go back to one that loads: trainer rollback VERSION", p.Name(), err)
	}
	return p, bundle, nil
}

// LoadVersionOrChampion loads the published version of that name, or without one
// the champion.
func LoadVersionOrChampion(ctx context.Context, store lake.Store, version string) (*classifier.Classifier, error) {
	if version != "" {
		return Load(ctx, store, version)
	}
	_, bundle, err := LoadChampion(ctx, store)
	return bundle, err
}
