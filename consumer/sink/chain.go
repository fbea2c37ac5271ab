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

// errTaken says that another writer's claim stands in the place of our next.
var errTaken = errors.New("another writer has made the next claim")

// listPage is how many claims one request lists. A chain that is shorter is
// found with one request.
const listPage = 1000

// chain is the claims of one partition in one layer.
type chain struct {
	store     store
	layer     Output
	topicID   string // 32 hex digits
	partition int32
	next      int64 // the first offset that no claim covers
}

func (c *chain) newClaim(start, next int64) *schema.Claim {
	return &schema.Claim{
		Layer: c.layer.Name, Topic: c.layer.Topic, TopicID: c.topicID, Partition: c.partition,
		Start: start, Next: next, Rows: map[schema.Day]int64{},
	}
}

// find returns the last claim, or nil. It ends about at the offset guess, and below end,
// as far as the group and the log know; if they know wrongly, it is found all the same.
//
// Claims are named by their start, and a store lists names from any of them on. So
// less than listPage claims take two requests, and more of them one besides where the
// guess is right. Else offsets are halved, which takes about log2(claims/listPage)
// requests.
func (c *chain) find(ctx context.Context, guess, end int64) (*schema.Claim, error) {
	page, err := c.list(ctx, 0)
	if err != nil || len(page) == 0 {
		return nil, err
	}
	last := page[len(page)-1].Key
	if len(page) == listPage {
		if last, err = c.search(ctx, page, guess, end); err != nil {
			return nil, err
		}
	}
	return c.get(ctx, last)
}

// search finds the last claim of a chain that has more than its first page.
func (c *chain) search(ctx context.Context, page []lake.Info, guess, end int64) (string, error) {
	second, err := startOf(page[1].Key) // the first may be a long one, of what was gone before
	if err != nil {
		return "", err
	}
	known := page[len(page)-1].Key
	low, err := startOf(known)
	if err != nil {
		return "", err
	}
	if guess <= low || guess > end {
		guess = end
	}
	from := max(guess-(low-second)/2, low+1) // half a page before, if all claims are as long as those of the first
	for {
		if from <= low || from >= end {
			from = low + (end-low)/2
		}
		page, err = c.list(ctx, from)
		if err != nil {
			return "", err
		}
		if len(page) == 0 {
			end = from
		} else {
			known = page[len(page)-1].Key
		}
		if 0 < len(page) && len(page) < listPage {
			return known, nil
		}
		if low, err = startOf(known); err != nil {
			return "", err
		}
		if low+1 >= end && len(page) == 0 {
			return known, nil
		}
		if low+1 >= end {
			end = math.MaxInt64 // the log is shorter than the chain; the caller wants to know by how much
		}
		from = 0
	}
}

// list lists claims that start at or after an offset.
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
	return 0, fmt.Errorf("%s is no name of a claim", key)
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
