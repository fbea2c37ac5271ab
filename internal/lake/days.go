package lake

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"complaints/schema"
)

// LayerPrefix is the folder of a layer's objects, with a slash at its end.
func LayerPrefix(layer schema.Layer) string { return fmt.Sprintf("%s/%s/", layer, schema.Dataset) }

// Days lists the days that a layer has objects of, in order. It takes a request
// a day.
func Days(ctx context.Context, store Store, layer schema.Layer) ([]schema.Day, error) {
	var days []schema.Day
	for key, err := range FirstKeys(ctx, store, LayerPrefix(layer)) {
		if err != nil {
			return nil, err
		}
		name, err := schema.ParseObjectKey(key)
		if err != nil {
			return nil, err
		}
		days = append(days, name.Day)
	}
	return days, nil
}

// DayObject is an object of a layer and day.
type DayObject struct {
	Key  string
	Size int64 // bytes
	schema.ObjectName
}

// Partition names a partition of a topic of an id.
type Partition struct {
	TopicID string
	Number  int32
}

// DayObjects lists the objects of a layer and day, by partition and in the order
// of their starts.
func DayObjects(ctx context.Context, store Store, layer schema.Layer, day schema.Day) (map[Partition][]DayObject, error) {
	prefix := LayerPrefix(layer) + "dt=" + string(day) + "/"
	found := map[Partition][]DayObject{}
	for page, err := range Pages(ctx, store, prefix) {
		if err != nil {
			return nil, err
		}
		for _, info := range page {
			name, err := schema.ParseObjectKey(info.Key)
			if err != nil {
				return nil, err
			}
			p := Partition{name.TopicID, name.Partition}
			found[p] = append(found[p], DayObject{info.Key, info.Size, name})
		}
	}
	for _, list := range found {
		slices.SortFunc(list, func(a, b DayObject) int { return cmp.Compare(a.Start, b.Start) })
	}
	return found, nil
}

// EndOf reads from its footer where an object ends: the first offset that it
// does not cover.
func EndOf(ctx context.Context, store Store, key string) (next int64, err error) {
	err = WithParquet(ctx, store, key, func(f *ParquetFile) (err error) {
		next, err = f.FooterInteger(FooterNext)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	return next, nil
}

// EachOnce lists the objects that have every row of a layer and day exactly
// once: what compaction has made, and those of the plain objects that come
// behind it. The order is that of partitions and offsets.
func EachOnce(ctx context.Context, store Store, layer schema.Layer, day schema.Day) ([]string, error) {
	// The large objects first: one that appears between both requests is left out,
	// and its rows come from the plain ones, which stay.
	large, err := DayObjects(ctx, store, layer.Daily(), day)
	if err != nil {
		return nil, err
	}
	plain, err := DayObjects(ctx, store, layer, day)
	if err != nil {
		return nil, err
	}
	partitions := slices.AppendSeq(slices.Collect(maps.Keys(plain)), maps.Keys(large))
	slices.SortFunc(partitions, func(a, b Partition) int {
		return cmp.Or(cmp.Compare(a.TopicID, b.TopicID), cmp.Compare(a.Number, b.Number))
	})
	partitions = slices.Compact(partitions)
	var keys []string
	for _, p := range partitions {
		next := int64(0)
		for _, o := range large[p] {
			keys = append(keys, o.Key)
		}
		if n := len(large[p]); n > 0 {
			if next, err = EndOf(ctx, store, large[p][n-1].Key); err != nil {
				return nil, err
			}
		}
		for _, o := range plain[p] {
			if o.Start >= next {
				keys = append(keys, o.Key)
			}
		}
	}
	return keys, nil
}
