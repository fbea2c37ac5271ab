package dataset

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/schema"
	"complaints/trainer/dataset/datasettest"
)

func readSilver(t *testing.T, store lake.Store, w Window) (texts []string, read int) {
	t.Helper()
	read, err := Silver{Store: store, Window: w}.Read(t.Context(), schema.Bureau(), t.Logf, func(e Example) {
		texts = append(texts, e.Text)
		if e.Category != 2 || !strings.HasPrefix(e.Date, "2026-10-0") {
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
		datasettest.PutSilver(t, store, datasettest.Object{Day: day, Start: start, Next: start + 10})
	}
	datasettest.PutSilver(t, store, datasettest.Object{Day: day, Partition: 1, Start: 3, Next: 8})
	plain, _ := readSilver(t, store, 0)
	datasettest.PutSilver(t, store, datasettest.Object{Day: day, Next: 10, Compacted: true})
	datasettest.PutSilver(t, store, datasettest.Object{Day: day, Start: 10, Next: 20, Compacted: true}) // 25 came late, and is in none
	datasettest.PutSilver(t, store, datasettest.Object{Day: "2026-11-02", Start: 35, Next: 40})
	texts, read := readSilver(t, store, 0)
	if read != 40 || len(texts) != 40 || len(plain) != 35 {
		t.Errorf("read %d rows with %d texts, and %d before compaction; want 40, 40, 35", read, len(texts), len(plain))
	}
	slices.Sort(texts)
	if once := slices.Compact(slices.Clone(texts)); len(once) != len(texts) {
		t.Errorf("only %d of %d texts differ", len(once), len(texts))
	}
}

func TestSilverWindowEndsWithTheNewestDay(t *testing.T) {
	store := laketest.Open(t)
	for i, day := range []schema.Day{"2025-11-01", "2026-10-31", "2026-11-01"} {
		datasettest.PutSilver(t, store, datasettest.Object{Day: day, Start: int64(i), Next: int64(i) + 1})
	}
	for w, want := range map[Window]int{0: 3, 1: 1, 2: 2, 365: 2, 366: 3} {
		if _, read := readSilver(t, store, w); read != want {
			t.Errorf("a window of %d days has %d rows, want %d", w, read, want)
		}
	}
}

func TestSilverSaysWhatToDoWhenEmpty(t *testing.T) {
	_, err := Silver{Store: laketest.Open(t)}.Read(t.Context(), schema.Bureau(), t.Logf, func(Example) {})
	if err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("error is %v", err)
	}
}

func TestSilverTextWithoutExample(t *testing.T) {
	for name, row := range map[string]silverText{
		"no true category": {Narrative: "a text"},
		"erased":           {Product: new("Mortgage")},
		"unknown category": {Narrative: "a text", Product: new("Fishing licence")},
	} {
		if e, ok := row.example(schema.Bureau(), nil); ok {
			t.Errorf("%s: is the example %+v", name, e)
		}
	}
}

func TestTheNewestLabelBeatsTheProduct(t *testing.T) {
	store := laketest.Open(t)
	datasettest.PutSilver(t, store, datasettest.Object{Day: "2026-11-01", Next: 6})
	label := func(id string, category *string, at, offset int64) schema.LabelRow {
		return schema.LabelRow{ComplaintID: id, Category: category, LabelledAt: at, KafkaOffset: offset}
	}
	datasettest.PutLabels(t, store, "2026-11-05", 0,
		label("1", new("Mortgages and more"), 1, 0), // none of the taxonomy
		label("2", new("Debt Collection"), 5, 1),
		label("2", new("Credit Reporting"), 3, 2), // older, though it came later
		label("3", new("Debt Collection"), 1, 3),
		label("4", new("Debt Collection"), 1, 4))
	datasettest.PutLabels(t, store, "2026-11-07", 5,
		label("3", nil, 2, 5),                     // withdrawn
		label("4", new("Credit Reporting"), 1, 6), // as old, and came later
		schema.LabelRow{ComplaintID: "5", Category: new("Debt Collection"), KafkaOffset: 7, RecordError: new("not_json")})
	got := map[int64]string{}
	if _, err := (Silver{Store: store}).Read(t.Context(), schema.Bureau(), t.Logf, func(e Example) {
		got[e.Place.Offset] = schema.Bureau().CategoryName(e.Category)
	}); err != nil {
		t.Fatal(err)
	}
	want := map[int64]string{0: "Loans", 1: "Loans", 2: "Debt Collection", 3: "Loans", 4: "Credit Reporting", 5: "Loans"}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestARowWithoutProductIsUsedOnceItIsSettled(t *testing.T) {
	people := settled{}
	people.add(&schema.LabelRow{ComplaintID: "1", Category: new("Loans")})
	row := silverText{ComplaintID: "1", Narrative: "a text"}
	if e, ok := row.example(schema.Bureau(), people); !ok || schema.Bureau().CategoryName(e.Category) != "Loans" {
		t.Errorf("%+v, %t", e, ok)
	}
	people.add(&schema.LabelRow{ComplaintID: "1", LabelledAt: 1}) // withdrawn
	if e, ok := row.example(schema.Bureau(), people); ok {
		t.Errorf("withdrawn it is the example %+v", e)
	}
}

func TestWindow(t *testing.T) {
	for text, want := range map[string]Window{"365d": 365, "52w": 364, "0": 0, "30": 30} {
		var w Window
		if err := w.UnmarshalText([]byte(text)); err != nil || w != want {
			t.Errorf("%q is %d, %v; want %d", text, w, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1y", "9999999d"} {
		if err := new(Window).UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "365d") {
			t.Errorf("%q: error is %v", text, err)
		}
	}
}
