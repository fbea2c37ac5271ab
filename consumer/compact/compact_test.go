package compact_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"complaints/consumer/compact"
	"complaints/consumer/rows"
	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
	"complaints/schema"
)

const (
	topicID = "0123456789abcdef0123456789abcdef"
	day     = schema.Day("2026-11-20")
)

func newStore(t *testing.T) lake.Store {
	t.Helper()
	s, err := lake.Open(t.Context(), lake.Config{URL: "file://" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func config(s lake.Store) compact.Config {
	gold, err := rows.Of(schema.Gold, rows.Config{})
	if err != nil {
		panic(err)
	}
	return compact.Config{
		Store: s, Layer: schema.Gold, Rows: gold, Grace: 24 * time.Hour, MaxBytes: 1 << 20,
		Now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
	}
}

// put writes a link's object of n rows.
func put(t *testing.T, s lake.Store, partition int32, start int64, n int) {
	t.Helper()
	l := &schema.Claim{
		Layer: schema.Gold, Topic: "complaints.classified", TopicID: topicID, Partition: partition,
		Start: start, Next: start + int64(n) + 1, Rows: map[schema.Day]int64{day: int64(n)},
	}
	list := make([]schema.GoldRow, n)
	for i := range list {
		list[i] = schema.GoldRow{Category: schema.Bureau().CategoryName(i % 5), KafkaPartition: partition, KafkaOffset: start + int64(i)}
	}
	body, err := lake.WriteParquet(list, nil, lake.FooterOf(l, day))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutNew(t.Context(), l.ObjectKey(day), body, nil); err != nil {
		t.Fatal(err)
	}
}

// rowsIn reads the rows of a layer: partition and offset → how often.
func rowsIn(t *testing.T, s lake.Store, layer schema.Layer) (map[string]int, int) {
	t.Helper()
	infos, err := s.List(t.Context(), string(layer)+"/", "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]string, len(infos))
	for i, info := range infos {
		keys[i] = info.Key
	}
	return rowsOf(t, s, layer, keys), len(infos)
}

// rowsOf reads the rows of objects: partition and offset → how often.
func rowsOf(t *testing.T, s lake.Store, layer schema.Layer, keys []string) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for _, key := range keys {
		before := ""
		if err := lake.EachRowOf(t.Context(), s, key, func(r *schema.GoldRow) error {
			seen[fmt.Sprint(r.KafkaPartition, "/", r.KafkaOffset)]++
			if layer != schema.Gold && r.Category < before {
				return fmt.Errorf("%s follows %s", r.Category, before)
			}
			before = r.Category
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return seen
}

// same checks that the daily objects hold what the plain ones do, each row once.
func same(t *testing.T, s lake.Store, objects int) {
	t.Helper()
	plain, _ := rowsIn(t, s, schema.Gold)
	daily, n := rowsIn(t, s, schema.Gold.Daily())
	if len(plain) != len(daily) || (objects > 0 && n != objects) {
		t.Errorf("%d rows became %d in %d objects, want %d objects", len(plain), len(daily), n, objects)
	}
	for row, times := range daily {
		if times != 1 || plain[row] != 1 {
			t.Errorf("row %s stands %d times, and %d times in the plain table", row, times, plain[row])
		}
	}
	wantEachOnce(t, s, len(plain))
}

// wantEachOnce checks that a reader of both tables gets each row once.
func wantEachOnce(t *testing.T, s lake.Store, want int) {
	t.Helper()
	keys, err := lake.EachOnce(t.Context(), s, schema.Gold, day)
	if err != nil {
		t.Fatal(err)
	}
	once := map[string]int{}
	for _, key := range keys {
		layer, _, _ := strings.Cut(key, "/")
		for row, times := range rowsOf(t, s, schema.Layer(layer), []string{key}) {
			once[row] += times
		}
	}
	for row, times := range once {
		if times != 1 {
			t.Errorf("row %s is read %d times", row, times)
		}
	}
	if len(once) != want {
		t.Errorf("%d rows are read, want %d", len(once), want)
	}
}

// A put that got lost is made again, and one whose answer got lost is found.
func TestPutsThatGetLost(t *testing.T) {
	for _, fault := range []laketest.Fault{laketest.Lost, laketest.ErroredButStored} {
		s := newStore(t)
		put(t, s, 0, 0, 10)
		cfg, puts := config(s), 0
		cfg.Store = laketest.Faulty{Store: s, Choose: func(_ context.Context, op, _ string) laketest.Fault {
			if op != "PutNew" {
				return laketest.None
			}
			if puts++; puts > 1 {
				return laketest.None
			}
			return fault
		}}
		if _, err := compact.Day(t.Context(), cfg, day); err != nil {
			t.Fatalf("fault %d: %v", fault, err)
		}
		same(t, s, 1)
	}
}

func fill(t *testing.T, s lake.Store) {
	t.Helper()
	for p := range int32(3) {
		for i := range 20 {
			put(t, s, p, int64(i*101), 100)
		}
	}
}

func TestADayBecomesAnObjectAPartition(t *testing.T) {
	s := newStore(t)
	fill(t, s)
	result, err := compact.Day(t.Context(), config(s), day)
	if err != nil || result.From != 60 || result.To != 3 || result.Rows != 6000 {
		t.Fatalf("%+v, %v", result, err)
	}
	same(t, s, 3)
	if result, err = compact.Day(t.Context(), config(s), day); err != nil || result.To != 0 || result.Held != 3 {
		t.Errorf("again: %+v, %v", result, err)
	}
	put(t, s, 1, 20*101, 7) // late
	wantEachOnce(t, s, 6007)
	if result, err = compact.Day(t.Context(), config(s), day); err != nil || result.To != 1 || result.Rows != 7 {
		t.Errorf("with late rows: %+v, %v", result, err)
	}
	same(t, s, 4)
	days, err := lake.Days(t.Context(), s, schema.Gold.Daily())
	if err != nil || len(days) != 1 || days[0] != day {
		t.Errorf("days %v, %v", days, err)
	}
}

func TestLargeDaysAreSplit(t *testing.T) {
	s := newStore(t)
	fill(t, s)
	cfg := config(s)
	cfg.MaxBytes = 30_000
	result, err := compact.Day(t.Context(), cfg, day)
	if err != nil || result.To < 6 || result.To > 59 {
		t.Fatalf("%+v, %v", result, err)
	}
	same(t, s, result.To)
}

func TestCompactionsMayRunTogether(t *testing.T) {
	s := newStore(t)
	fill(t, s)
	var wg sync.WaitGroup
	for i := range 4 {
		cfg := config(s)
		cfg.MaxBytes = 20_000 + int64(i)*13_000 // each would cut elsewhere
		wg.Go(func() {
			if _, err := compact.Day(t.Context(), cfg, day); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	same(t, s, 0)
}

func TestAnOpenDayIsNotCompacted(t *testing.T) {
	s := newStore(t)
	cfg := config(s)
	cfg.Now = time.Date(2026, 11, 21, 23, 59, 0, 0, time.UTC)
	if _, err := compact.Day(t.Context(), cfg, day); err == nil {
		t.Error("a day was compacted that ended less than a day ago")
	}
	if _, err := compact.Day(t.Context(), cfg, "yesterday"); err == nil {
		t.Error("a day was compacted that is none")
	}
}

func TestView(t *testing.T) {
	got := compact.View(schema.Gold, []schema.Day{"2026-11-19", "2026-11-20"})
	for _, want := range []string{
		`CREATE OR REPLACE VIEW gold_all AS`,
		`SELECT "complaint_id", "date_received", `,
		`"extra", "dt" FROM gold_daily WHERE dt IN ('2026-11-19', '2026-11-20')`,
		`"extra", "dt" FROM gold WHERE dt NOT IN ('2026-11-19', '2026-11-20')`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
	if none := compact.View(schema.Silver, nil); strings.Contains(none, "daily") || !strings.Contains(none, `"narrative"`) {
		t.Error(none)
	}
}
