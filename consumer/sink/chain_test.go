package sink

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"complaints/internal/lake"
	"complaints/schema"
)

// listed is a store that counts what it is asked.
type listed struct {
	store
	keys     []string
	bodies   map[string][]byte
	requests int
	names    int // that were listed
}

func (l *listed) List(_ context.Context, prefix, after string, limit int) ([]lake.Info, error) {
	l.requests++
	i, _ := slices.BinarySearch(l.keys, after)
	var found []lake.Info
	for _, key := range l.keys[i:] {
		if strings.HasPrefix(key, prefix) && key > after && len(found) < limit {
			found = append(found, lake.Info{Key: key})
			l.names++
		} else if len(found) == limit {
			break
		}
	}
	return found, nil
}

func (l *listed) Get(_ context.Context, key string) ([]byte, string, error) {
	l.requests++
	body, ok := l.bodies[key]
	if !ok {
		return nil, "", lake.ErrNotFound
	}
	return body, "", nil
}

// chainOf makes a chain of n claims of random lengths.
func chainOf(t testing.TB, n int) (*chain, *listed, []int64, int64) {
	t.Helper()
	s := &listed{bodies: map[string][]byte{}}
	c := &chain{store: s, layer: Output{Name: schema.Gold, Topic: topic}, topicID: simID, partition: 7}
	rng := rand.New(rand.NewPCG(1, 1))
	var starts []int64
	next := int64(0)
	for range n {
		l := c.newClaim(next, next+1+rng.Int64N(50_000))
		body, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		s.keys = append(s.keys, l.Key())
		s.bodies[l.Key()] = body
		starts = append(starts, next)
		next = l.Next
	}
	return c, s, starts, next
}

func TestFindTheLastClaim(t *testing.T) {
	for _, n := range []int{0, 1, 999, 1000, 1001, 2500, 100_000} {
		c, s, starts, end := chainOf(t, n)
		commits := map[string]int64{"no commit": -1, "the commit": end, "a commit of 0": 0, "a commit past the end": end + 99}
		if n > 0 {
			commits["an old commit"] = starts[n-1-min(n-1, 30)]
			commits["a very old commit"] = starts[n/3]
		}
		for name, committed := range commits {
			for where, high := range map[string]int64{"": end, " and more in the log": end + 1_000_000_000, " and a shorter log": end / 2} {
				s.requests = 0
				l, err := c.find(t.Context(), committed, high)
				if err != nil {
					t.Fatal(err)
				}
				if (l == nil) != (n == 0) || (l != nil && l.Next != end) {
					t.Errorf("%d claims, %s%s: found %+v, want the one up to %d", n, name, where, l, end)
				}
				most := 2
				switch {
				case n < 1000:
				case strings.Contains(where, "shorter"):
					most = 70
				case where == "" && name != "a very old commit", name == "the commit":
					most = 3
				default: // the log has a thousand million offsets more
					most = 35
				}
				if s.requests > most {
					t.Errorf("%d claims, %s%s: %d requests, want at most %d", n, name, where, s.requests, most)
				}
				if n == 100_000 {
					t.Logf("%d claims, %s%s: %d requests", n, name, where, s.requests)
				}
			}
		}
	}
}

// A chain that began on an old log has a first claim that is far longer than the others.
func TestFindTheLastClaimOfAnOldLog(t *testing.T) {
	c, s, _, end := chainOf(t, 5000)
	const before = int64(1_000_000_000_000)
	shifted := &listed{bodies: map[string][]byte{}}
	for i, key := range s.keys {
		l, err := schema.ParseClaim(key, s.bodies[key])
		if err != nil {
			t.Fatal(err)
		}
		l.Next += before
		if i > 0 {
			l.Start += before
		}
		body, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		shifted.keys = append(shifted.keys, l.Key())
		shifted.bodies[l.Key()] = body
	}
	c.store = shifted
	l, err := c.find(t.Context(), end+before, end+before)
	if err != nil || l.Next != end+before || shifted.requests > 3 {
		t.Errorf("found %+v, %v with %d requests, want at most 3", l, err, shifted.requests)
	}
}

func TestAClaimIsComparedWithWhatStands(t *testing.T) {
	c, _, _, _ := chainOf(t, 0)
	mine := c.newClaim(0, 10)
	mine.Rows["2026-11-24"] = 9
	for name, change := range map[string]func(*schema.Claim){
		"another end":    func(l *schema.Claim) { l.Next = 11 },
		"other rows":     func(l *schema.Claim) { l.Rows = map[schema.Day]int64{"2026-11-24": 8} },
		"another day":    func(l *schema.Claim) { l.Rows = map[schema.Day]int64{"2026-11-23": 9} },
		"a lost claim":   func(l *schema.Claim) { l.Lost = true },
		"the same claim": func(*schema.Claim) {},
	} {
		other := *mine
		change(&other)
		body, err := json.Marshal(&other)
		if err != nil {
			t.Fatal(err)
		}
		c.store = taken{body}
		err = c.claim(t.Context(), mine)
		if name == "the same claim" && err != nil || name != "the same claim" && !errors.Is(err, errTaken) {
			t.Errorf("%s stands there: %v", name, err)
		}
	}
}

// taken is a store in which an object stands already.
type taken struct{ body []byte }

func (s taken) Get(context.Context, string) ([]byte, string, error) { return s.body, "", nil }
func (s taken) Head(context.Context, string) (lake.Info, error)     { return lake.Info{}, nil }
func (s taken) Open(context.Context, string) (lake.Reader, error)   { return nil, lake.ErrNotFound }
func (s taken) List(context.Context, string, string, int) ([]lake.Info, error) {
	return nil, nil
}

func (s taken) PutNew(context.Context, string, []byte, map[string]string) error {
	return lake.ErrExists
}
