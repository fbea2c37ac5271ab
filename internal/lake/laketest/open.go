package laketest

import (
	"testing"

	"complaints/internal/lake"
)

// Open returns an empty lake in a directory that ends with the test.
func Open(t *testing.T) lake.Store {
	t.Helper()
	store, err := lake.Open(t.Context(), lake.Config{URL: "file://" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// Keys returns the first 1,000 keys of a store that begin with prefix, in their order.
func Keys(t *testing.T, store lake.Store, prefix string) []string {
	t.Helper()
	infos, err := store.List(t.Context(), prefix, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]string, len(infos))
	for i, info := range infos {
		keys[i] = info.Key
	}
	return keys
}
