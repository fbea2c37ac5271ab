// Package datasettest fills lakes for tests of what reads silver and labels.
package datasettest

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"complaints/internal/lake"
	"complaints/schema"
)

// TopicID is that of the rows that PutSilver writes.
const TopicID = "0123456789abcdef0123456789abcdef"

// Object is which offsets of which day an object of silver covers.
type Object struct {
	Day         schema.Day
	Partition   int32
	Start, Next int64
	Compacted   bool // a copy of plain objects
}

// PutSilver writes an object with a row for each of its offsets: loans that a
// model v1 took for loans.
func PutSilver(t *testing.T, store lake.Store, o Object) {
	t.Helper()
	first := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	var rows []schema.SilverRow
	for offset := o.Start; offset < o.Next; offset++ {
		rows = append(rows, schema.SilverRow{
			ComplaintID: strconv.FormatInt(offset, 10), DateReceived: new(int32(first.Unix()/(24*60*60) + offset%9)),
			Product: new("Mortgage"), Company: new("Experian Information Solutions Inc."), Narrative: fmt.Sprintf("row %s/%d/%d, mail me at XXXX", o.Day, o.Partition, offset),
			TrueCategory: new("Loans"), Taxonomy: new(schema.Bureau().ID()), Category: "Loans", CategoryCode: 2, Probability: 0.9, ModelVersion: "v1",
			SourceTopicID: TopicID, SourcePartition: o.Partition, SourceOffset: offset, KafkaPartition: o.Partition, KafkaOffset: offset,
		})
	}
	put(t, store, o, rows)
}

// PutLabels writes an object of labels, whose offsets follow each other from start.
func PutLabels(t *testing.T, store lake.Store, day schema.Day, start int64, rows ...schema.LabelRow) {
	t.Helper()
	next := start + int64(len(rows))
	putOf(t, store, &schema.Claim{Layer: schema.Labels, Topic: "complaints.labels", Start: start, Next: next}, day, rows)
}

// PutErased writes an object with one row that was erased.
func PutErased(t *testing.T, store lake.Store, day schema.Day, at int64) {
	t.Helper()
	put(t, store, Object{Day: day, Start: at, Next: at + 1}, []schema.SilverRow{{RecordError: new(schema.Erased)}})
}

func put(t *testing.T, store lake.Store, o Object, rows []schema.SilverRow) {
	t.Helper()
	layer := schema.Silver
	if o.Compacted {
		layer = layer.Daily()
	}
	putOf(t, store, &schema.Claim{Layer: layer, Topic: "complaints.classified", Partition: o.Partition, Start: o.Start, Next: o.Next}, o.Day, rows)
}

func putOf[T any](t *testing.T, store lake.Store, claim *schema.Claim, day schema.Day, rows []T) {
	t.Helper()
	claim.TopicID, claim.Rows = TopicID, map[schema.Day]int64{day: int64(len(rows))}
	body, err := lake.WriteParquet(rows, nil, lake.FooterOf(claim, day))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.PutNew(t.Context(), claim.ObjectKey(day), body, nil); err != nil {
		t.Fatal(err)
	}
}
