package verify

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"complaints/internal/lake"
	"complaints/schema"
)

// part names a partition of a topic of an id.
type part struct {
	topicID   string
	partition int32
}

// chain is what was found of one partition in one layer.
type chain struct {
	part
	links   []*schema.Claim // in order
	next    int64           // the end of the last link
	sunk    int64           // what the sink's group has committed, which the layer must have
	rows    *offsets        // of the objects
	spoiled []Range         // links with objects that are missing or damaged, reported already
}

// parallel is how many objects are read at the same time.
const parallel = 8

// layersOf checks the layers of one topic: first their chains, then the topic
// up to the ends of the chains, partition after partition.
func (r *run) layersOf(ctx context.Context, topic string, layers []schema.Layer) error {
	sunk, err := r.sunk(ctx, topic) // before the chains, which only grow
	if err != nil {
		return err
	}
	reports := map[schema.Layer]*LayerReport{}
	chains := map[schema.Layer]map[part]*chain{}
	for _, layer := range layers {
		reports[layer] = &LayerReport{Layer: layer, Topic: topic, Lost: []Range{}}
		r.report.Layers = append(r.report.Layers, reports[layer])
		found, err := r.chains(ctx, layer, reports[layer])
		if err != nil {
			return fmt.Errorf("%s: %w", layer, err)
		}
		chains[layer] = found
	}
	bounds, err := r.bounds(ctx, topic)
	if err != nil {
		return err
	}
	for _, layer := range layers {
		for p := range chains[layer] {
			if p.topicID != r.ids[topic] { // of a topic that is no more
				if err := r.objects(ctx, chains[layer][p], reports[layer], -1); err != nil {
					return fmt.Errorf("%s: %w", layer, err)
				}
			}
		}
	}
	for partition, b := range bounds {
		if n := min(sunk[partition], b.end); n > 0 {
			for _, layer := range layers {
				p := part{r.ids[topic], partition}
				if chains[layer][p] == nil { // not one link is there
					chains[layer][p] = &chain{part: p, rows: newOffsets()}
				}
				chains[layer][p].sunk = n
			}
		}
		if err := r.partition(ctx, topic, partition, b, layers, chains, reports); err != nil {
			return fmt.Errorf("%s/%d: %w", topic, partition, err)
		}
	}
	for _, layer := range layers {
		if err := r.strays(ctx, layer, chains[layer]); err != nil {
			return fmt.Errorf("%s: %w", layer, err)
		}
	}
	return nil
}

// sunk reads the committed offsets of the sink's group, by partition.
func (r *run) sunk(ctx context.Context, topic string) (map[int32]int64, error) {
	if r.cfg.SinkGroup == "" {
		return nil, nil
	}
	committed, err := r.admin.FetchOffsets(ctx, r.cfg.SinkGroup)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("committed offsets of %s: %w", r.cfg.SinkGroup, err)
	}
	sunk := map[int32]int64{}
	for partition, c := range committed[topic] {
		sunk[partition] = c.At
	}
	return sunk, nil
}

// partition compares the layers of a partition with what a reader of committed
// records sees.
func (r *run) partition(ctx context.Context, topic string, partition int32, b bounds, layers []schema.Layer,
	chains map[schema.Layer]map[part]*chain, reports map[schema.Layer]*LayerReport,
) error {
	mark := int64(0)
	for _, layer := range layers {
		c := chains[layer][part{r.ids[topic], partition}]
		if c == nil {
			continue
		}
		if c.next > b.end {
			r.report.fault(c.next-b.end, Fault{Foreign, c.where(layer), b.end, c.next, "the chain goes on past the end of the topic"})
		}
		if err := r.objects(ctx, c, reports[layer], b.start); err != nil {
			return err
		}
		mark = max(mark, min(c.next, b.end), c.sunk)
	}
	visible := newOffsets()
	err := r.scan(ctx, topic, map[int32]bounds{partition: b}, map[int32]int64{partition: mark}, func(rec *kgo.Record) { visible.add(rec.Offset) })
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if c := chains[layer][part{r.ids[topic], partition}]; c != nil {
			r.compareRows(c, layer, reports[layer], visible, b.start)
		}
	}
	return nil
}

func (r *run) compareRows(c *chain, layer schema.Layer, report *LayerReport, visible *offsets, start int64) {
	gaps := visible.without(c.rows, c.next)
	for _, s := range c.spoiled {
		for o := max(s.From, start); o < s.Next; o++ {
			gaps.remove(o)
		}
	}
	foreign := newOffsets()
	for o := range c.rows.all() {
		if o < start {
			report.NotCheckable++
		} else if !visible.has(o) {
			foreign.add(o)
		}
	}
	for _, lost := range report.Lost { // nothing is missed that was claimed as lost
		if lost.TopicID == c.topicID && lost.Partition == c.partition {
			for o := max(lost.From, start); o < lost.Next; o++ {
				gaps.remove(o)
			}
		}
	}
	unwritten := newOffsets()
	for o := range visible.without(c.rows, c.sunk).all() {
		if o >= c.next {
			unwritten.add(o)
		}
	}
	r.report.faults(Gap, c.where(layer), "no row", gaps)
	r.report.faults(Gap, c.where(layer), "no row and no complete link, though group "+r.cfg.SinkGroup+" has committed them", unwritten)
	r.report.faults(Foreign, c.where(layer), "a row of no committed record", foreign)
	c.rows = nil
}

func (c *chain) where(layer schema.Layer) string {
	return strings.TrimSuffix(schema.ClaimPrefix(layer, c.topicID, c.partition), "/")
}

// chains reads the links of all partitions of a layer.
func (r *run) chains(ctx context.Context, layer schema.Layer, report *LayerReport) (map[part]*chain, error) {
	found := map[part]*chain{}
	prefix := "chain/" + string(layer) + "/"
	after := ""
	for {
		first, err := r.cfg.Store.List(ctx, prefix, after, 1)
		if err != nil || len(first) == 0 {
			return found, err
		}
		p, err := partOf(prefix, first[0].Key)
		if err != nil {
			r.report.fault(1, Fault{Stray, first[0].Key, 0, 0, err.Error()})
			after = first[0].Key
			continue
		}
		if found[p] == nil {
			if found[p], err = r.chain(ctx, layer, p, report); err != nil {
				return nil, err
			}
			report.Partitions++
		}
		// Behind all digits. A foreign name may come behind that too.
		after = max(first[0].Key, schema.ClaimPrefix(layer, p.topicID, p.partition)+"~")
	}
}

// partOf reads topic id and partition from the key of a link.
func partOf(prefix, key string) (part, error) {
	fields := strings.Split(strings.TrimPrefix(key, prefix), "/")
	if len(fields) != 3 || len(fields[0]) != 32 {
		return part{}, errors.New("it is no name of a link")
	}
	n, err := strconv.ParseInt(fields[1], 10, 32)
	if err != nil {
		return part{}, errors.New("it is no name of a link")
	}
	return part{fields[0], int32(n)}, nil
}

// chain reads the links of a partition and checks that they are one chain.
func (r *run) chain(ctx context.Context, layer schema.Layer, p part, report *LayerReport) (*chain, error) {
	c := &chain{part: p, rows: newOffsets()}
	prefix := schema.ClaimPrefix(layer, p.topicID, p.partition)
	for page, err := range lake.Pages(ctx, r.cfg.Store, prefix) {
		if err != nil {
			return nil, err
		}
		links, err := r.links(ctx, page)
		if err != nil {
			return nil, err
		}
		for i, l := range links {
			if l != nil {
				r.link(c, l, layer, report)
			} else {
				r.report.fault(1, Fault{Corrupt, page[i].Key, c.next, c.next, "it is no link"})
			}
		}
		r.progress("%s: %d links of partition %d read", layer, len(c.links), p.partition)
	}
	return c, nil
}

// links reads claims, a few at the same time. One that cannot be parsed is nil.
func (r *run) links(ctx context.Context, page []lake.Info) ([]*schema.Claim, error) {
	links := make([]*schema.Claim, len(page))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, info := range page {
		if !isLinkName(info.Key) { // a store may refuse to get it
			continue
		}
		g.Go(func() error {
			body, _, err := r.cfg.Store.Get(ctx, info.Key)
			if err != nil {
				return err
			}
			if l, err := schema.ParseClaim(info.Key, body); err == nil {
				links[i] = l
			}
			return nil
		})
	}
	return links, g.Wait()
}

// isLinkName says whether the last part of a key is as [schema.Claim.Key] makes it.
func isLinkName(key string) bool {
	digits, ok := strings.CutSuffix(path.Base(key), ".json")
	return ok && len(digits) == 20 && strings.Trim(digits, "0123456789") == ""
}

// link appends a link to its chain.
func (r *run) link(c *chain, l *schema.Claim, layer schema.Layer, report *LayerReport) {
	report.Links++
	switch {
	case l.Start > c.next:
		r.report.fault(l.Start-c.next, Fault{Gap, c.where(layer), c.next, l.Start, "no link covers these offsets"})
	case l.Start < c.next:
		r.report.fault(c.next-l.Start, Fault{Repeat, c.where(layer), l.Start, c.next, "two links cover these offsets"})
	}
	if l.Lost {
		report.Lost = append(report.Lost, Range{c.topicID, c.partition, l.Start, l.Next})
	}
	c.links = append(c.links, l)
	c.next = max(c.next, l.Next)
}

// objects reads the objects of a chain. Start is the first offset of the topic,
// or -1 if the topic is no more. The last link may be one whose objects are just
// being written: then the chain ends before it.
func (r *run) objects(ctx context.Context, c *chain, report *LayerReport, start int64) error {
	if n := len(c.links); n > 0 && start >= 0 && c.links[n-1].Start >= start {
		pending, err := r.pending(ctx, c.links[n-1])
		if err != nil {
			return err
		}
		if pending {
			for _, rows := range c.links[n-1].Rows {
				report.Pending += rows
			}
			c.next = c.links[n-1].Start
			c.links = c.links[:n-1]
		}
	}
	repeats := newOffsets()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	var mu sync.Mutex
	for i, l := range c.links {
		r.progress("%s: %d of %d links of partition %d read", report.Layer, i, len(c.links), c.partition)
		for day := range l.Rows {
			g.Go(func() error { return r.object(ctx, c, l, day, report, repeats, &mu) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	r.report.faults(Repeat, c.where(report.Layer), "more than one row", repeats)
	return nil
}

func (r *run) pending(ctx context.Context, l *schema.Claim) (bool, error) {
	for day := range l.Rows {
		_, err := r.cfg.Store.Head(ctx, l.ObjectKey(day))
		if errors.Is(err, lake.ErrNotFound) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

func (r *run) object(ctx context.Context, c *chain, l *schema.Claim, day schema.Day, report *LayerReport, repeats *offsets, mu *sync.Mutex) error {
	found, err := readObject(ctx, r.cfg.Store, l, day)
	var damaged *objectError
	expired := errors.Is(err, lake.ErrNotFound) && r.expired(l.Layer, day)
	switch {
	case expired:
	case errors.Is(err, lake.ErrNotFound):
		r.report.fault(l.Rows[day], Fault{Gap, l.ObjectKey(day), l.Start, l.Next, fmt.Sprintf("the object is missing; the link claims %d rows", l.Rows[day])})
	case errors.As(err, &damaged):
		r.report.fault(1, Fault{Corrupt, l.ObjectKey(day), l.Start, l.Next, err.Error()})
	case err != nil:
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	if err != nil {
		c.spoiled = append(c.spoiled, Range{c.topicID, c.partition, l.Start, l.Next})
		if expired {
			report.Expired += l.Rows[day]
		}
		return nil
	}
	report.Objects++
	report.Rows += int64(len(found.offsets))
	report.Erased += found.erased
	for _, offset := range found.offsets {
		if !c.rows.add(offset) {
			repeats.add(offset)
		}
	}
	return nil
}

// expired says whether a layer's objects of a day may be gone by their age.
func (r *run) expired(layer schema.Layer, day schema.Day) bool {
	begin, err := time.Parse(time.DateOnly, string(day))
	keep := r.cfg.BronzeFor
	return layer == schema.Bronze && keep > 0 && err == nil && begin.Add(keep).Before(time.Now())
}

// rowsBelow calls each with the offsets of a layer's rows below an offset.
func (r *run) rowsBelow(ctx context.Context, layer schema.Layer, p part, below int64, each func(int64)) error {
	return r.linksBelow(ctx, layer, p, below, func(l *schema.Claim) error {
		for day := range l.Rows {
			found, err := readObject(ctx, r.cfg.Store, l, day)
			var damaged *objectError
			if errors.As(err, &damaged) || errors.Is(err, lake.ErrNotFound) {
				continue // the check of the layer reports it
			}
			if err != nil {
				return err
			}
			slices.Sort(found.offsets)
			for _, offset := range found.offsets {
				if offset < below {
					each(offset)
				}
			}
		}
		return nil
	})
}

// linksBelow calls each with the links that start below an offset.
func (r *run) linksBelow(ctx context.Context, layer schema.Layer, p part, below int64, each func(*schema.Claim) error) error {
	prefix := schema.ClaimPrefix(layer, p.topicID, p.partition)
	for page, err := range lake.Pages(ctx, r.cfg.Store, prefix) {
		if err != nil {
			return err
		}
		links, err := r.links(ctx, page)
		if err != nil {
			return err
		}
		for _, l := range links {
			if l == nil {
				continue
			}
			if l.Start >= below {
				return nil
			}
			if err := each(l); err != nil {
				return err
			}
		}
	}
	return nil
}
