// Package laketest has what tests of and above stores share: one acceptance
// test that every store passes, and a store that fails on demand.
package laketest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"complaints/internal/lake"
)

// Accept tests what [lake.Store] promises. Open opens the same, at first empty,
// store each time it is called, as another process would.
func Accept(t *testing.T, open func(testing.TB) lake.Store) {
	a, b := open(t), open(t)
	t.Run("an object is created once", func(t *testing.T) { createOnce(t, a, b) })
	t.Run("one of many creators wins", func(t *testing.T) { oneCreator(t, a, b) })
	t.Run("an object is replaced only in the version that was read", func(t *testing.T) { replace(t, a, b) })
	t.Run("of many replacements of one version one wins", func(t *testing.T) { oneReplacement(t, a, b) })
	t.Run("what is not there is not found", func(t *testing.T) { missing(t, a) })
	t.Run("objects are listed in order and in pieces", func(t *testing.T) { listing(t, a, b) })
	t.Run("parts of an object can be read", func(t *testing.T) { parts(t, a, b) })
	t.Run("odd keys are refused", func(t *testing.T) { oddKeys(t, a) })
}

func createOnce(t *testing.T, a, b lake.Store) {
	ctx, key := t.Context(), "create/x=1/one.json"
	if err := a.PutNew(ctx, key, []byte("first"), map[string]string{"rows": "1"}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []lake.Store{a, b} {
		if err := s.PutNew(ctx, key, []byte("second"), nil); !errors.Is(err, lake.ErrExists) {
			t.Fatalf("second creation: %v, want ErrExists", err)
		}
		body, _, err := s.Get(ctx, key)
		if err != nil || string(body) != "first" {
			t.Fatalf("read %q, %v", body, err)
		}
		info, err := s.Head(ctx, key)
		if err != nil || info.Size != 5 || info.Key != key || info.ModTime.IsZero() {
			t.Fatalf("head: %+v, %v", info, err)
		}
	}
}

func oneCreator(t *testing.T, stores ...lake.Store) {
	const creators = 16
	var wg sync.WaitGroup
	errs := make([]error, creators)
	for i := range creators {
		wg.Go(func() {
			body := bytes.Repeat([]byte{byte('a' + i)}, 100_000)
			errs[i] = stores[i%2].PutNew(t.Context(), "race/one", body, nil)
		})
	}
	wg.Wait()
	winner := slices.Index(errs, nil)
	for i, err := range errs {
		if i != winner && !errors.Is(err, lake.ErrExists) {
			t.Fatalf("creator %d: %v, and %d won", i, err, winner)
		}
	}
	body, _, err := stores[0].Get(t.Context(), "race/one")
	if err != nil || !bytes.Equal(body, bytes.Repeat([]byte{byte('a' + winner)}, 100_000)) {
		t.Fatalf("the object is not whole the winner's: %v", err)
	}
}

func replace(t *testing.T, a, b lake.Store) {
	ctx, key := t.Context(), "replace/champion.json"
	if err := a.Replace(ctx, key, []byte("x"), "no-such-version"); !errors.Is(err, lake.ErrChanged) {
		t.Fatalf("replacing what is not there: %v, want ErrChanged", err)
	}
	if err := a.Replace(ctx, key, []byte("one"), ""); err != nil {
		t.Fatal(err)
	}
	if err := b.Replace(ctx, key, []byte("other"), ""); !errors.Is(err, lake.ErrChanged) {
		t.Fatalf("creating what is there: %v, want ErrChanged", err)
	}
	_, etag, err := b.Get(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Replace(ctx, key, []byte("two"), etag); err != nil {
		t.Fatal(err)
	}
	if err := a.Replace(ctx, key, []byte("three"), etag); !errors.Is(err, lake.ErrChanged) {
		t.Fatalf("replacing an old version: %v, want ErrChanged", err)
	}
	if body, _, err := a.Get(ctx, key); err != nil || string(body) != "two" {
		t.Fatalf("read %q, %v", body, err)
	}
}

func oneReplacement(t *testing.T, stores ...lake.Store) {
	ctx, key := t.Context(), "replace/race"
	if err := stores[0].Replace(ctx, key, []byte("0"), ""); err != nil {
		t.Fatal(err)
	}
	_, etag, err := stores[0].Get(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = stores[i%2].Replace(ctx, key, fmt.Appendf(nil, "by %d", i), etag) })
	}
	wg.Wait()
	body, _, _ := stores[0].Get(ctx, key)
	won := 0
	for i, err := range errs {
		switch {
		case err == nil:
			won++
			if string(body) != fmt.Sprintf("by %d", i) {
				t.Errorf("%d won, and the object is %q", i, body)
			}
		case !errors.Is(err, lake.ErrChanged):
			t.Errorf("replacement %d: %v", i, err)
		}
	}
	if won != 1 {
		t.Fatalf("%d replacements of one version won", won)
	}
}

func missing(t *testing.T, s lake.Store) {
	ctx := t.Context()
	for _, key := range []string{"no/such/object", "create", "create/x=1/one.json/below"} {
		_, _, get := s.Get(ctx, key)
		_, head := s.Head(ctx, key)
		_, open := s.Open(ctx, key)
		for what, err := range map[string]error{"get": get, "head": head, "open": open} {
			if !errors.Is(err, lake.ErrNotFound) {
				t.Errorf("%s %s: %v, want ErrNotFound", what, key, err)
			}
		}
	}
	if found, err := s.List(ctx, "no/such/", "", 10); err != nil || len(found) != 0 {
		t.Errorf("list: %v, %v", found, err)
	}
}

func listing(t *testing.T, a, b lake.Store) {
	ctx := t.Context()
	// A folder sorts among files as its keys do: '.' and '-' come before '/'.
	want := []string{"list/p", "list/p-1", "list/p.json", "list/p/00", "list/p/01", "list/p/02/x", "list/p/03", "list/p=", "list/q/00"}
	for _, key := range want {
		key = strings.Replace(key, "list/p/", "list/pp/", 1)
		if err := a.PutNew(ctx, key, []byte(key), nil); err != nil {
			t.Fatal(err)
		}
	}
	all := slices.Clone(want)
	for i := range all {
		all[i] = strings.Replace(all[i], "list/p/", "list/pp/", 1)
	}
	slices.Sort(all)
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          []string
	}{
		{"list/", "", 100, all},
		{"list/", "", 2, all[:2]},
		{"list/pp/", "", 100, []string{"list/pp/00", "list/pp/01", "list/pp/02/x", "list/pp/03"}},
		{"list/pp/", "list/pp/01", 2, []string{"list/pp/02/x", "list/pp/03"}},
		{"list/pp/", "list/pp/02", 1, []string{"list/pp/02/x"}},
		{"list/pp/", "list/pp/02/y", 9, []string{"list/pp/03"}},
		{"list/pp/", "list/pp/9", 9, nil},
		{"list/p-", "", 9, []string{"list/p-1"}},
		{"list/pp/0", "list/pp/00", 1, []string{"list/pp/01"}},
	} {
		found, err := b.List(ctx, c.prefix, c.after, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, f := range found {
			keys = append(keys, f.Key)
			if f.Size != int64(len(f.Key)) {
				t.Errorf("%s is listed with %d bytes", f.Key, f.Size)
			}
		}
		if !slices.Equal(keys, c.want) {
			t.Errorf("list(%q, after %q, %d) = %q, want %q", c.prefix, c.after, c.limit, keys, c.want)
		}
	}
}

func parts(t *testing.T, a, b lake.Store) {
	ctx, key := t.Context(), "parts/large.parquet"
	body := make([]byte, 5<<20+17)
	for i := range body {
		body[i] = byte(i * 7 >> 3)
	}
	if err := a.PutNew(ctx, key, body, nil); err != nil {
		t.Fatal(err)
	}
	r, err := b.Open(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Size() != int64(len(body)) {
		t.Fatalf("size %d, want %d", r.Size(), len(body))
	}
	for _, c := range [][2]int{{0, 4}, {len(body) - 8, 8}, {1<<20 - 3, 7}, {12345, 3 << 20}, {0, len(body)}} {
		got := make([]byte, c[1])
		if n, err := r.ReadAt(got, int64(c[0])); n != c[1] || (err != nil && !errors.Is(err, io.EOF)) || !bytes.Equal(got, body[c[0]:c[0]+c[1]]) {
			t.Errorf("reading %d bytes at %d: %d, %v, or other bytes", c[1], c[0], n, err)
		}
	}
	if n, err := r.ReadAt(make([]byte, 10), int64(len(body)-4)); n != 4 || !errors.Is(err, io.EOF) {
		t.Errorf("reading past the end: %d, %v, want 4 and EOF", n, err)
	}
	if n, err := r.ReadAt(make([]byte, 10), int64(len(body))+4); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("reading behind the end: %d, %v, want 0 and EOF", n, err)
	}
}

func oddKeys(t *testing.T, s lake.Store) {
	for _, key := range []string{"", "/a", "a/", "a//b", "../a", "a/../b", ".tmp/a", "a b", "a\\b", "ä"} {
		if err := s.PutNew(context.Background(), key, nil, nil); err == nil {
			t.Errorf("key %q was accepted", key)
		}
	}
}
