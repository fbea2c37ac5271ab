package dataset

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"complaints/schema"
)

func collected(t *testing.T, most int, examples ...Example) ([]Example, Dropped) {
	t.Helper()
	texts, err := NewSpill()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := texts.Close(); err != nil {
			t.Error(err)
		}
	})
	c := NewCollector(texts)
	for _, e := range examples {
		c.Add(e)
	}
	kept, left, err := c.Finish(most, 1)
	if err != nil {
		t.Fatal(err)
	}
	return kept, left
}

func mustExample(t *testing.T, narrative, product string) Example {
	t.Helper()
	e, ok := newExample(schema.Bureau(), &schema.Complaint{Narrative: narrative, Product: product})
	if !ok {
		t.Fatalf("%q, %q is no example", narrative, product)
	}
	return e
}

func TestCollectorKeepsOneOfEachLetter(t *testing.T) {
	letter := strings.Repeat("Remove this account from my report at once. ", 10)
	kept, left := collected(
		t, 0,
		mustExample(t, letter+"Ann", "Mortgage"),
		mustExample(t, letter+"Bob", "Credit reporting"), // a near-copy, whatever its product
		mustExample(t, letter+"  ANN", "Mortgage"),       // a copy
		mustExample(t, "My card was declined", "Mortgage"),
		mustExample(t, "my card was declined", "Prepaid card"), // a copy with another product
		mustExample(t, "My loan", "Mortgage"),
	)
	if len(kept) != 2 || !strings.HasPrefix(kept[0].Text+kept[1].Text, letter) && !strings.HasPrefix(kept[0].Text+kept[1].Text, "My loan"+letter) {
		t.Errorf("kept %v", kept)
	}
	if left.Copies+left.NearCopies != 3 || left.NearCopies == 0 || left.Conflicting != 1 {
		t.Errorf("left out %+v", left)
	}
}

// A lake may be flushed, read or compacted in any order.
func TestWhatIsKeptDoesNotDependOnTheOrder(t *testing.T) {
	letter := strings.Repeat("Remove this account from my report at once. ", 10)
	dated := func(narrative, product, date string) Example {
		e := mustExample(t, narrative, product)
		e.Date = date
		return e
	}
	var examples []Example
	for i := range 300 {
		examples = append(examples, dated(fmt.Sprintf("letter number %d", i), "Mortgage", ""))
	}
	for i, name := range []string{"Ann", "Bob", "Cleo", "Dan", "Eve"} {
		examples = append(
			examples,
			dated(letter+name, "Mortgage", ""),
			dated(letter+" "+name, "Mortgage", fmt.Sprintf("2026-01-0%d", 9-i)),
			dated(letter+strings.ToUpper(name), "Mortgage", "2026-02-01"),
			dated("a card "+name, "Mortgage", ""), dated("A card "+name, "Prepaid card", ""),
		)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, most := range []int{0, 100} {
		want, left := collected(t, most, examples...)
		if left.Conflicting != 5 || left.Copies < 5+2 || left.NearCopies < 4 || left.OverMaxRows != max(0, 301-most)*min(most, 1) {
			t.Errorf("left out %+v", left)
		}
		for range 20 {
			r.Shuffle(len(examples), func(i, j int) { examples[i], examples[j] = examples[j], examples[i] })
			if got, other := collected(t, most, examples...); !slices.Equal(got, want) || other != left {
				t.Fatalf("another order keeps %d, not the same %d, and leaves out %+v, not %+v", len(got), len(want), other, left)
			}
		}
	}
}

func TestSpillLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	kept, _ := collected(t, 0, mustExample(t, "one text", "Mortgage"), mustExample(t, "another", "Mortgage"))
	if len(kept) != 2 || kept[0].Text+kept[1].Text != "one textanother" && kept[0].Text+kept[1].Text != "anotherone text" {
		t.Errorf("kept %v", kept)
	}
	// A process that is killed now must leave nothing behind.
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
	if none, _ := collected(t, 0); len(none) != 0 {
		t.Errorf("nothing became %v", none)
	}
}

func TestSpillSaysWhereThereIsNoRoom(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "absent"))
	if _, err := NewSpill(); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("error is %v", err)
	}
}
