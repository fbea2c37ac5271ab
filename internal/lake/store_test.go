package lake_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"complaints/internal/lake"
)

// numbered is a store that lists n objects, and fails after some.
type numbered struct {
	lake.Store
	n, fail  int
	requests int
}

var errList = errors.New("no answer")

func (s *numbered) List(_ context.Context, prefix, startAfter string, limit int) ([]lake.Info, error) {
	s.requests++
	first := 0
	if startAfter != "" {
		if _, err := fmt.Sscanf(startAfter, prefix+"%05d", &first); err != nil {
			return nil, err
		}
		first++
	}
	if s.fail > 0 && first >= s.fail {
		return nil, errList
	}
	var page []lake.Info
	for i := first; i < min(first+limit, s.n); i++ {
		page = append(page, lake.Info{Key: fmt.Sprintf("%s%05d", prefix, i)})
	}
	return page, nil
}

func TestPages(t *testing.T) {
	for _, c := range []struct{ n, fail, requests int }{{0, 0, 1}, {1, 0, 1}, {999, 0, 1}, {1000, 0, 2}, {2500, 0, 3}, {2500, 1000, 2}} {
		s := &numbered{n: c.n, fail: c.fail}
		seen := 0
		var failed error
		for page, err := range lake.Pages(t.Context(), s, "a/") {
			failed = err
			for _, info := range page {
				if want := fmt.Sprintf("a/%05d", seen); info.Key != want {
					t.Fatalf("%d objects: %s, want %s", c.n, info.Key, want)
				}
				seen++
			}
		}
		if want := c.n; c.fail == 0 && (seen != want || failed != nil) || c.fail > 0 && (seen != c.fail || !errors.Is(failed, errList)) || s.requests != c.requests {
			t.Errorf("%+v: %d objects in %d requests, %v", c, seen, s.requests, failed)
		}
	}
	s := &numbered{n: 5000}
	for range lake.Pages(t.Context(), s, "a/") {
		break
	}
	if s.requests != 1 {
		t.Errorf("%d requests by one who stops at the first page", s.requests)
	}
}

// counted counts the requests that list.
type counted struct {
	lake.Store
	requests int
}

func (s *counted) List(ctx context.Context, prefix, startAfter string, limit int) ([]lake.Info, error) {
	s.requests++
	return s.Store.List(ctx, prefix, startAfter, limit)
}

func TestFirstKeys(t *testing.T) {
	dir, err := lake.Open(t.Context(), lake.Config{URL: "file://" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"a/1", "a/b/1", "a/b/2", "a/b/c/1", "a/b.c/1", "a/b.c/2", "a/bc", "a/c/1", "a/c/2/3", "b/1",
	} {
		if err := dir.PutNew(t.Context(), key, []byte(key), nil); err != nil {
			t.Fatal(err)
		}
	}
	s := &counted{Store: dir}
	var got []string
	for key, err := range lake.FirstKeys(t.Context(), s, "a/") {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, key); len(got) > 10 {
			t.Fatalf("there is no end to %q", got)
		}
	}
	if want := []string{"a/1", "a/b.c/1", "a/b/1", "a/bc", "a/c/1"}; !slices.Equal(got, want) || s.requests != len(want)+1 {
		t.Errorf("first keys %q in %d requests, want %q", got, s.requests, want)
	}
	s.requests = 0
	for range lake.FirstKeys(t.Context(), s, "a/") {
		break
	}
	if s.requests != 1 {
		t.Errorf("%d requests by one who stops at the first key", s.requests)
	}
	var failed []error
	for _, err := range lake.FirstKeys(t.Context(), &numbered{n: 5, fail: 2}, "a/") {
		failed = append(failed, err)
	}
	if len(failed) != 3 || failed[0] != nil || failed[1] != nil || !errors.Is(failed[2], errList) {
		t.Errorf("a list that fails at the third key gave %v", failed)
	}
}

// Names that sort behind all that a key may have are no new folder, and no end.
func TestFirstKeysAmongForeignNames(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a/b/1", "a/b/~$1", "a/b/ü", "a/c/1", "a/d/ü"} {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := lake.Open(t.Context(), lake.Config{URL: "file://" + root})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for key, err := range lake.FirstKeys(t.Context(), dir, "a/") {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, key); len(got) > 10 {
			t.Fatalf("there is no end to %q", got)
		}
	}
	if want := []string{"a/b/1", "a/c/1", "a/d/ü"}; !slices.Equal(got, want) {
		t.Errorf("first keys %q, want %q", got, want)
	}
}
