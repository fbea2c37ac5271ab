package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"

	"complaints/internal/lake"
	"complaints/schema"
)

// store is what the sink asks of the lake.
type store interface {
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	Head(ctx context.Context, key string) (lake.Info, error)
	Open(ctx context.Context, key string) (lake.Reader, error)
	PutNew(ctx context.Context, key string, body []byte, meta map[string]string) error
	List(ctx context.Context, prefix, startAfter string, limit int) ([]lake.Info, error)
}

// errTaken says that another writer has claimed the place of our next link.
var errTaken = errors.New("the next link is claimed by another writer")

// listPage is how many links one request lists. A chain that is shorter is
// found with one request.
const listPage = 1000

// chain is the links of one partition in one layer.
type chain struct {
	store     store
	layer     Output
	topicID   string // 32 hex digits
	partition int32
	next      int64 // the first offset that no link covers
	last      int64 // the start of the last link, -1 if there is none
}

func (c *chain) link(start, next int64) *schema.Claim {
	return &schema.Claim{
		Layer: c.layer.Name, Topic: c.layer.Topic, TopicID: c.topicID, Partition: c.partition,
		Start: start, Next: next, Rows: map[schema.Day]int64{},
	}
}

// find returns the last link, or nil. Hint is where the last link may start,
// from the offset commit; high is above all starts, as far as the log knows.
//
// Links are named by their start, and a store lists names from any of them on.
// With a hint that is right, or with less than listPage links, this takes two
// requests; else it halves the offsets, which takes at most about
// log2(high/links per offset range) requests more, however many links there are.
func (c *chain) find(ctx context.Context, hint, high int64) (*schema.Claim, error) {
	page, err := c.list(ctx, max(hint, 0))
	if err != nil {
		return nil, err
	}
	if hint > 0 && (len(page) == 0 || page[0].Key != c.link(hint, 0).Key()) {
		// No link starts there: the offset was reset, or the lake is another.
		if page, err = c.list(ctx, 0); err != nil {
			return nil, err
		}
	}
	if len(page) == 0 {
		return nil, nil
	}
	last := page[len(page)-1].Key
	if len(page) == listPage {
		if last, err = c.search(ctx, last, high); err != nil {
			return nil, err
		}
	}
	return c.get(ctx, last)
}

// search finds the last link, which is known or one that starts later.
func (c *chain) search(ctx context.Context, known string, high int64) (string, error) {
	low, err := startOf(known)
	if err != nil {
		return "", err
	}
	page, err := c.list(ctx, low+1)
	if err != nil || len(page) < listPage {
		return lastOf(page, known), err
	}
	if page, err = c.list(ctx, high); err != nil {
		return "", err
	}
	end := high // no link starts at or after it
	if len(page) > 0 {
		end = math.MaxInt64 // the log is shorter than the chain; the caller wants to know by how much
	}
	for low+1 < end {
		mid := low + (end-low)/2
		if page, err = c.list(ctx, mid); err != nil {
			return "", err
		}
		if len(page) == 0 {
			end = mid
			continue
		}
		known = lastOf(page, known)
		if len(page) < listPage {
			break
		}
		if low, err = startOf(known); err != nil {
			return "", err
		}
	}
	return known, nil
}

func lastOf(page []lake.Info, otherwise string) string {
	if len(page) == 0 {
		return otherwise
	}
	return page[len(page)-1].Key
}

// list lists links that start at or after an offset.
func (c *chain) list(ctx context.Context, from int64) ([]lake.Info, error) {
	prefix := schema.ClaimPrefix(c.layer.Name, c.topicID, c.partition)
	return c.store.List(ctx, prefix, fmt.Sprintf("%s%020d", prefix, from), listPage)
}

func startOf(key string) (int64, error) {
	var start int64
	if n := len(key) - len("00000000000000000000.json"); n >= 0 {
		if _, err := fmt.Sscanf(key[n:], "%020d.json", &start); err == nil {
			return start, nil
		}
	}
	return 0, fmt.Errorf("%s is no name of a link", key)
}

func (c *chain) get(ctx context.Context, key string) (*schema.Claim, error) {
	body, _, err := c.store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	return schema.ParseClaim(key, body)
}

// claim creates the claim. It returns nil if that stands in the store now as it was
// given, and an error that matches errTaken if another stands in its place.
func (c *chain) claim(ctx context.Context, l *schema.Claim) error {
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return lake.CreateOnce(
		func() error { return c.store.PutNew(ctx, l.Key(), body, nil) },
		func() error {
			there, err := c.get(ctx, l.Key())
			if err == nil && (there.Next != l.Next || there.Lost != l.Lost || !maps.Equal(there.Rows, l.Rows)) {
				return fmt.Errorf("%w: %s to %d, ours to %d", errTaken, l.Key(), there.Next, l.Next)
			}
			return err
		},
	)
}
