package dataset

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"complaints/schema"
)

// letters are examples in groups of near-copies, with dates.
func letters(n int) []Example {
	var out []Example
	for i := range n {
		for copies := range 1 + i%3 {
			text := fmt.Sprintf("Letter %d %s. Sincerely, person %d", i, strings.Repeat("my account at the bank was closed ", 10), copies)
			e, ok := newExample(schema.Bureau(), &schema.Complaint{Narrative: text, Product: "Mortgage", DateReceived: fmt.Sprintf("20%02d-01-0%d", 10+i%10, 1+copies)})
			if !ok {
				panic("no example")
			}
			out = append(out, e)
		}
	}
	return out
}

func checkSplit(t *testing.T, examples []Example, s Split) {
	t.Helper()
	trained := map[uint64]bool{}
	for _, r := range s.Train {
		trained[examples[r].Group] = true
	}
	for _, r := range s.Test {
		if trained[examples[r].Group] {
			t.Errorf("near-copies of %q are on both sides", examples[r].Text)
		}
	}
}

func TestFoldsKeepNearCopiesTogether(t *testing.T) {
	examples := letters(200)
	groups := Groups(examples)
	distinct := map[uint64]bool{}
	for _, g := range groups {
		distinct[g] = true
	}
	if len(distinct) != 200 {
		t.Fatalf("%d groups of near-copies, want 200", len(distinct))
	}
	rows := AllRows(len(examples))
	times := make([]int, len(rows))
	for _, s := range Folds(groups, rows, 5, 1) {
		checkSplit(t, examples, s)
		if len(s.Train)+len(s.Test) != len(rows) {
			t.Errorf("a fold has %d and %d rows of %d", len(s.Train), len(s.Test), len(rows))
		}
		for _, r := range s.Test {
			times[r]++
		}
	}
	for r, n := range times {
		if n != 1 {
			t.Errorf("row %d is a test row %d times", r, n)
		}
	}
}

func TestBySource(t *testing.T) {
	examples := letters(100)
	first := len(examples) - 80
	examples[3].Group = examples[len(examples)-1].Group // a near-copy in the other source
	s := BySource(examples, first)
	checkSplit(t, examples, s)
	if len(s.Test) != 80 || slices.Min(s.Test) != first || slices.Contains(s.Train, 3) {
		t.Errorf("%d train rows and %d test rows", len(s.Train), len(s.Test))
	}
}

func TestNearCopies(t *testing.T) {
	long := strings.Repeat("The Bank closed my account. ", 20)
	for name, test := range map[string]struct {
		a, b string
		same bool
	}{
		"case and spacing":      {"The BANK, closed", "the bank\n closed", true},
		"another word":          {"the bank closed", "the bank opened", false},
		"behind 220 characters": {long + "one", long + "two", true},
		"a prefix":              {"the bank", "the bank closed", false},
	} {
		if got := schema.NearCopyHash(test.a) == schema.NearCopyHash(test.b); got != test.same {
			t.Errorf("%s: near-copies is %t, want %t", name, got, test.same)
		}
	}
}

// The sample must be new to the bootstrap model, near-copies included.
func TestKeepSample(t *testing.T) {
	var all []schema.Complaint
	for i, e := range letters(400) {
		c := schema.Complaint{Narrative: e.Text, Product: []string{"Mortgage", "Debt collection", "Credit reporting"}[i%3]}
		if i%2 == 0 {
			c.ComplaintID, c.DateReceived, c.Company, c.State = fmt.Sprint(i), e.Date, "ACME", "CA"
		}
		all = append(all, c)
	}
	sample, rest := KeepSample(schema.Bureau(), all, 150, 1)
	if len(sample)+len(rest) != len(all) || len(sample) < 75 || len(sample) > 150 {
		t.Errorf("kept %d and %d of %d", len(sample), len(rest), len(all))
	}
	groups, products := map[uint64]bool{}, map[string]int{}
	for _, c := range sample {
		groups[schema.NearCopyHash(c.Narrative)] = true
		products[c.Product]++
	}
	for _, c := range rest {
		if groups[schema.NearCopyHash(c.Narrative)] {
			t.Errorf("a near-copy of a sample text is trained on: %q", c.Narrative)
		}
	}
	if len(products) != 3 {
		t.Errorf("the sample has the products %v", products)
	}
}
