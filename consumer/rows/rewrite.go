package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"complaints/internal/lake"
	"complaints/schema"
)

// Merge is what [Format] says.
func (t table[Row, Key]) Merge(files []*lake.ParquetFile, c *schema.Claim, day schema.Day) ([]byte, error) {
	var in contents[Row]
	for _, f := range files {
		if err := t.load(&in, f, func(*Row) {}); err != nil {
			return nil, err
		}
	}
	c.Rows[day] = int64(len(in.rows))
	return t.rewrite(&in, c, day)
}

// contents is what stored objects hold.
type contents[Row any] struct {
	rows    []Row
	offsets []int64 // of the rows
	erased  int64   // of the rows
}

// load adds the rows of an object, each after a change.
func (t table[Row, Key]) load(in *contents[Row], f *lake.ParquetFile, change func(*Row)) error {
	in.erased += f.Erased()
	first := len(in.rows)
	err := lake.EachRow(f, func(row *Row) error {
		in.rows = append(in.rows, *row)
		return nil
	})
	if err == nil && t.complete != nil {
		err = t.complete(f, in.rows[first:])
	}
	for i := range in.rows[first:] {
		row := &in.rows[first+i]
		change(row)
		key := t.key(row)
		in.offsets = append(in.offsets, t.offset(&key))
	}
	return err
}

// rewrite returns one object of the contents, opened again and compared with them.
func (t table[Row, Key]) rewrite(in *contents[Row], c *schema.Claim, day schema.Day) ([]byte, error) {
	slices.Sort(in.offsets)
	footer := lake.FooterOf(c, day)
	if in.erased > 0 {
		footer[lake.FooterErased] = strconv.FormatInt(in.erased, 10)
	}
	body, err := lake.WriteParquet(t.sorted(in.rows), t.columns, footer)
	if err != nil {
		return nil, err
	}
	return body, t.checkOffsets(body, c, day, in.offsets)
}

// IDs are those of complaints. The empty one must not be among them: it is that of
// every row that has none.
type IDs map[string]bool

// OneID are the ids of one complaint.
func OneID(id string) IDs { return IDs{id: true} }

// complaintID is the column by which a row is found without reading the others.
type complaintID struct {
	ComplaintID string `parquet:"complaint_id"`
}

// Mentions is what [Format] says.
func (t table[Row, Key]) Mentions(f *lake.ParquetFile, ids IDs) (at []int64, err error) {
	n := int64(0)
	add := func(is bool) {
		if is {
			at = append(at, n)
		}
		n++
	}
	if !t.byID {
		err = lake.EachRow(f, func(row *Row) error {
			add(t.empty(row, ids))
			return nil
		})
		return at, err
	}
	err = lake.EachRow(f, func(row *complaintID) error {
		add(ids[row.ComplaintID])
		return nil
	})
	return at, err
}

// Erase is what [Format] says.
func (t table[Row, Key]) Erase(body []byte, ids IDs) ([]byte, int, error) {
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, 0, err
	}
	var in contents[Row]
	erased := 0
	if err := t.load(&in, f, func(row *Row) {
		if t.empty(row, ids) {
			erased++
		}
	}); err != nil || erased == 0 {
		return nil, 0, err
	}
	in.erased += int64(erased)
	c, day, err := f.Claim()
	if err != nil {
		return nil, 0, err
	}
	again, err := t.rewrite(&in, c, day)
	if err != nil {
		return nil, 0, fmt.Errorf("write again what was erased: %w", err)
	}
	return again, erased, nil
}

// The functions below empty a row if it is of a complaint of the ids, and say
// whether it was. What stays says where the record came from.

func eraseGold(r *schema.GoldRow, ids IDs) bool {
	if !ids[r.ComplaintID] {
		return false
	}
	*r = schema.GoldRow{
		SourceTopic: r.SourceTopic, SourceTopicID: r.SourceTopicID, SourcePartition: r.SourcePartition, SourceOffset: r.SourceOffset,
		SourceTimestamp: r.SourceTimestamp, KafkaPartition: r.KafkaPartition, KafkaOffset: r.KafkaOffset, KafkaTimestamp: r.KafkaTimestamp,
		RecordError: new(schema.Erased),
	}
	return true
}

func eraseSilver(r *schema.SilverRow, ids IDs) bool {
	if !ids[r.ComplaintID] {
		return false
	}
	*r = schema.SilverRow{
		SourceTopicID: r.SourceTopicID, SourcePartition: r.SourcePartition, SourceOffset: r.SourceOffset,
		SourceTimestamp: r.SourceTimestamp, KafkaPartition: r.KafkaPartition, KafkaOffset: r.KafkaOffset, KafkaTimestamp: r.KafkaTimestamp,
		RecordError: new(schema.Erased),
	}
	return true
}

func eraseLabel(r *schema.LabelRow, ids IDs) bool {
	if !ids[r.ComplaintID] {
		return false
	}
	*r = schema.LabelRow{KafkaPartition: r.KafkaPartition, KafkaOffset: r.KafkaOffset, KafkaTimestamp: r.KafkaTimestamp, RecordError: new(schema.Erased)}
	return true
}

// eraseBronze takes a message for a complaint's whether it is valid or not.
func eraseBronze(m *schema.Mapping, r *schema.BronzeRow, ids IDs) bool {
	if !isOf(m, r, ids) {
		return false
	}
	r.Key, r.Value, r.Headers = nil, nil, []schema.BronzeHeader{{Key: schema.HeaderErased}}
	return true
}

func isOf(m *schema.Mapping, r *schema.BronzeRow, ids IDs) bool {
	if r.Key != nil && ids[string(*r.Key)] {
		return true
	}
	if r.Value == nil {
		return false
	}
	if c, _, err := m.Decode(*r.Value, math.MaxInt); err == nil {
		return ids[c.ComplaintID]
	}
	return namesID(*r.Value, ids) // it was dead-lettered, and may have an id all the same
}

// namesID says whether a message that is an object names an id at its top, as far
// as it can be read: it may be cut off.
func namesID(value []byte, ids IDs) bool {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return false
	}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return false
		}
		var field any
		if d.Decode(&field) != nil {
			return false
		}
		if strings.EqualFold(name, "complaint_id") && ids[idOf(field)] {
			return true
		}
	}
	return false
}

// idOf is an id in JSON, a text or a number as it is written, "" for all else.
func idOf(field any) string {
	switch v := field.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
