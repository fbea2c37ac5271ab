// Package classifiertest makes bundles for tests that need more than one.
package classifiertest

import (
	"encoding/json"
	"testing"

	"complaints/internal/classifier"
)

// Bundle is the built-in bundle under another name, and so of another version,
// with its manifest changed; change may be nil.
func Bundle(tb testing.TB, name string, change func(*classifier.Manifest)) (version string, parts map[string][]byte) {
	tb.Helper()
	m := manifestOf(tb, classifier.BootstrapParts())
	if change != nil {
		change(&m)
	}
	parts, err := classifier.Seal(m, name, classifier.BootstrapParts())
	if err != nil {
		tb.Fatal(err)
	}
	return manifestOf(tb, parts).Version, parts
}

// Model loads what Bundle makes.
func Model(tb testing.TB, name string, change func(*classifier.Manifest)) *classifier.Classifier {
	tb.Helper()
	_, parts := Bundle(tb, name, change)
	c, err := classifier.Load(parts)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func manifestOf(tb testing.TB, parts map[string][]byte) (m classifier.Manifest) {
	tb.Helper()
	if err := json.Unmarshal(parts[classifier.ManifestPart], &m); err != nil {
		tb.Fatal(err)
	}
	return m
}
