package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/schema"
)

const testTopicID = "0123456789abcdef0123456789abcdef"

// putSilver writes an object of silver, plain or daily, with rows of the offsets
// from start to next.
func putSilver(t *testing.T, store lake.Store, layer schema.Layer, day schema.Day, partition int32, start, next int64) {
	t.Helper()
	var columns schema.Columns
	var rows []schema.SilverRow
	for o := start; o < next; o++ {
		c := schema.Classified{
			Complaint: schema.Complaint{
				ComplaintID: strconv.FormatInt(o, 10), DateReceived: "2026-10-0" + strconv.FormatInt(1+o%9, 10), Product: "Mortgage",
				Narrative: fmt.Sprintf("row %s/%d/%d, mail me at someone@example.org", day, partition, o),
			},
			Category: schema.Loans.String(), CategoryCode: int(schema.Loans), Probability: 0.9, ModelVersion: "v1",
			Probabilities: schema.ProbabilitiesOf([5]float64{0.025, 0.025, 0.9, 0.025, 0.025}), ClassifiedAt: schema.TimeOf(time.UnixMilli(1)),
			Source: schema.Source{Topic: "complaints", TopicID: testTopicID, Partition: partition, Offset: o, Timestamp: schema.TimeOf(time.UnixMilli(1))},
		}
		value := c.AppendJSON(nil)
		row, _ := columns.Silver(value, schema.Position{Partition: partition, Offset: o})
		rows = append(rows, row)
	}
	link := &schema.Claim{Layer: layer, Topic: "complaints.classified", TopicID: testTopicID, Partition: partition, Start: start, Next: next, Rows: map[schema.Day]int64{day: next - start}}
	body, err := lake.WriteParquet(rows, nil, lake.FooterOf(link, day))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.PutNew(t.Context(), link.ObjectKey(day), body, nil); err != nil {
		t.Fatal(err)
	}
}

func readSilver(t *testing.T, store lake.Store, w window) (texts []string, read int) {
	t.Helper()
	read, err := silver{store, w}.read(t.Context(), t.Logf, func(e example) {
		texts = append(texts, e.text)
		if e.category != schema.Loans || !strings.HasPrefix(e.date, "2026-10-0") {
			t.Errorf("example %+v has another category or date", e)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts, read
}

// What compaction has copied is there twice, and must be read once.
func TestSilverIsReadOnceWhenCompacted(t *testing.T) {
	store := laketest.Open(t)
	const day = schema.Day("2026-11-01")
	for _, start := range []int64{0, 10, 25} {
		putSilver(t, store, schema.Silver, day, 0, start, start+10)
	}
	putSilver(t, store, schema.Silver, day, 1, 3, 8)
	plain, _ := readSilver(t, store, 0)
	putSilver(t, store, schema.Silver.Daily(), day, 0, 0, 10)
	putSilver(t, store, schema.Silver.Daily(), day, 0, 10, 20) // 25 came late, and is in none
	putSilver(t, store, schema.Silver, "2026-11-02", 0, 35, 40)
	texts, read := readSilver(t, store, 0)
	if read != 40 || len(texts) != 40 || len(plain) != 35 {
		t.Errorf("read %d rows with %d texts, and %d before compaction; want 40, 40, 35", read, len(texts), len(plain))
	}
	slices.Sort(texts)
	if once := slices.Compact(slices.Clone(texts)); len(once) != len(texts) {
		t.Errorf("only %d of %d texts differ", len(once), len(texts))
	}
	if strings.Contains(texts[0], "someone@example.org") {
		t.Errorf("a text is not masked: %q", texts[0])
	}
}

func TestSilverWindowEndsWithTheNewestDay(t *testing.T) {
	store := laketest.Open(t)
	for i, day := range []schema.Day{"2025-11-01", "2026-10-31", "2026-11-01"} {
		putSilver(t, store, schema.Silver, day, 0, int64(i), int64(i)+1)
	}
	for w, want := range map[window]int{0: 3, 1: 1, 2: 2, 365: 2, 366: 3} {
		if _, read := readSilver(t, store, w); read != want {
			t.Errorf("a window of %d days has %d rows, want %d", w, read, want)
		}
	}
}

func TestEmptySilverSaysWhatToDo(t *testing.T) {
	_, err := silver{laketest.Open(t), 0}.read(t.Context(), t.Logf, func(example) {})
	if err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("error is %v", err)
	}
}

func TestSilverTextWithoutExample(t *testing.T) {
	for name, row := range map[string]silverText{
		"no true category": {Narrative: "a text"},
		"erased":           {TrueCategoryCode: new(int32(1))},
		"unknown category": {Narrative: "a text", TrueCategoryCode: new(int32(5))},
	} {
		if e, ok := row.example(); ok {
			t.Errorf("%s: is the example %+v", name, e)
		}
	}
}

func TestWindow(t *testing.T) {
	for text, want := range map[string]window{"365d": 365, "52w": 364, "0": 0, "30": 30} {
		var w window
		if err := w.UnmarshalText([]byte(text)); err != nil || w != want {
			t.Errorf("%q is %d, %v; want %d", text, w, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1y", "9999999d"} {
		if err := new(window).UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "365d") {
			t.Errorf("%q: error is %v", text, err)
		}
	}
}
