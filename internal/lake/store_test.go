package lake_test

import (
	"context"
	"errors"
	"fmt"
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
