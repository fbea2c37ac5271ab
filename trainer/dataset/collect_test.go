package dataset

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"complaints/schema"
)

// source is examples with their places.
type source []Example

func (source) String() string { return "a source" }

func (s source) Read(_ context.Context, _ *schema.Taxonomy, _ Progress, use func(Example)) (int, error) {
	for _, e := range s {
		use(e)
	}
	return len(s), nil
}

// collected is the set of a source, and its texts for the time of the test.
func collected(t *testing.T, most int, examples ...Example) *Set {
	t.Helper()
	set, err := Collect(t.Context(), schema.Bureau(), source(examples), Draw{MaxRows: most, Seed: 1}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	return set
}

func mustExample(t *testing.T, narrative, product string, at int64) Example {
	t.Helper()
	e, ok := newExample(schema.Bureau(), &schema.Complaint{Narrative: narrative, Product: product})
	if !ok {
		t.Fatalf("%q, %q is no example", narrative, product)
	}
	e.Place.Offset = at
	return e
}

func TestCollectKeepsEachTextOnce(t *testing.T) {
	set := collected(
		t, 0,
		mustExample(t, "one text", "Mortgage", 1), mustExample(t, "One  TEXT", "Mortgage", 2),
		mustExample(t, "two", "Mortgage", 3), mustExample(t, "two", "Debt collection", 4),
		mustExample(t, "three", "Mortgage", 5),
	)
	if len(set.Examples) != 2 || set.Examples[0].Text != "one text" || set.Examples[1].Text != "three" {
		t.Errorf("kept %v", set.Examples)
	}
	if set.Left != (Left{Copies: 2, Conflicting: 1}) || set.Read != 5 {
		t.Errorf("left out %+v of %d", set.Left, set.Read)
	}
}

// Files, silver and complaints in memory go through the same rule.
func TestCollectSaysWhereAllRowsWent(t *testing.T) {
	complaints := Complaints{
		{Narrative: "a text", Product: "Mortgage"},
		{Narrative: "A text", Product: "Mortgage"},
		{Narrative: " ", Product: "Mortgage"},
		{Narrative: "of nothing", Product: "Nonsense"},
		{Narrative: "both", Product: "Mortgage"},
		{Narrative: "both", Product: "Prepaid card"},
	}
	set, err := Collect(t.Context(), schema.Bureau(), complaints, Draw{}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = set.Close() }()
	l := set.Left
	if l != (Left{Unusable: 2, Copies: 2, Conflicting: 1}) || set.Read != len(set.Examples)+l.Unusable+l.Copies+l.Conflicting+l.OverMaxRows {
		t.Errorf("%d rows became %d, and %+v were left out", set.Read, len(set.Examples), l)
	}
	if _, err := Collect(t.Context(), schema.Bureau(), complaints[2:4], Draw{}, t.Logf); err == nil || !strings.Contains(err.Error(), "none of 2 rows") {
		t.Errorf("without an example: error %v", err)
	}
}

// A lake may be flushed, read or compacted in any order.
func TestCollectDoesNotDependOnTheOrder(t *testing.T) {
	var examples []Example
	add := func(narrative, product, date string) {
		e := mustExample(t, narrative, product, int64(len(examples)))
		e.Date = date
		examples = append(examples, e)
	}
	for i := range 300 {
		add(fmt.Sprintf("letter number %d", i), "Mortgage", "")
	}
	for i, name := range []string{"Ann", "Bob", "Cleo", "Dan", "Eve"} {
		add("remove this "+name, "Mortgage", "")
		add("Remove  this "+name, "Mortgage", fmt.Sprintf("2026-01-0%d", 9-i))
		add("REMOVE THIS "+name, "Mortgage", "2026-02-01")
		add("a card "+name, "Mortgage", "")
		add("A card "+name, "Prepaid card", "")
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, most := range []int{0, 100} {
		want := collected(t, most, examples...)
		if l := want.Left; l != (Left{Copies: 15, Conflicting: 5, OverMaxRows: max(0, 305-most) * min(most, 1)}) {
			t.Errorf("left out %+v", l)
		}
		for range 20 {
			r.Shuffle(len(examples), func(i, j int) { examples[i], examples[j] = examples[j], examples[i] })
			if got := collected(t, most, examples...); !slices.Equal(got.Examples, want.Examples) || got.Left != want.Left {
				t.Fatalf("another order keeps %d, not the same %d, and leaves out %+v, not %+v", len(got.Examples), len(want.Examples), got.Left, want.Left)
			}
		}
		slices.SortFunc(examples, func(a, b Example) int { return a.Place.compare(b.Place) })
	}
}

func TestSpillLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	set := collected(t, 0, mustExample(t, "one text", "Mortgage", 1), mustExample(t, "another", "Mortgage", 2))
	if kept := set.Examples; len(kept) != 2 || kept[0].Text != "one text" || kept[1].Text != "another" {
		t.Errorf("kept %v", kept)
	}
	// A process that is killed now must leave nothing behind.
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
}

func TestSpillSaysWhereThereIsNoRoom(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "absent"))
	if _, err := newSpill(); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("error is %v", err)
	}
}
