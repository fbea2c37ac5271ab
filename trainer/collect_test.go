package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"complaints/schema"
)

func collected(t *testing.T, most int, examples ...example) ([]example, dropped) {
	t.Helper()
	texts, err := newSpill()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := texts.Close(); err != nil {
			t.Error(err)
		}
	})
	c := newCollector(texts)
	for _, e := range examples {
		c.add(e)
	}
	kept, left, err := c.finish(most, 1)
	if err != nil {
		t.Fatal(err)
	}
	return kept, left
}

func mustExample(t *testing.T, narrative, product string) example {
	t.Helper()
	e, ok := newExample(&schema.Complaint{Narrative: narrative, Product: product})
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
	if len(kept) != 2 || kept[0].text != letter+"Ann" || kept[1].text != "My loan" {
		t.Errorf("kept %v", kept)
	}
	if want := (dropped{Copies: 2, NearCopies: 1, Conflicting: 1}); left != want {
		t.Errorf("left out %+v, want %+v", left, want)
	}
}

func TestMaxRowsDoesNotDependOnTheOrder(t *testing.T) {
	var examples, reversed []example
	for i := range 500 {
		examples = append(examples, mustExample(t, fmt.Sprintf("letter number %d", i), "Mortgage"))
	}
	for i := range examples {
		reversed = append(reversed, examples[len(examples)-1-i])
	}
	a, left := collected(t, 100, examples...)
	b, _ := collected(t, 100, reversed...)
	if len(a) != 100 || len(b) != 100 || left.OverMaxRows != 400 {
		t.Fatalf("kept %d and %d, left out %+v", len(a), len(b), left)
	}
	for i := range a {
		if a[i].text != b[99-i].text {
			t.Fatalf("row %d is %q, and %q in the other order", i, a[i].text, b[99-i].text)
		}
	}
}

func TestSpillLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	kept, _ := collected(t, 0, mustExample(t, "one text", "Mortgage"), mustExample(t, "another", "Mortgage"))
	if len(kept) != 2 || kept[0].text != "one text" || kept[1].text != "another" {
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
	if _, err := newSpill(); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("error is %v", err)
	}
}
