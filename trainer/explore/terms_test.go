package explore

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"complaints/schema"
)

// Rare terms are forgotten, usual ones are not, and no count is off by more than promised.
func TestTermsAreBounded(t *testing.T) {
	const most = 300
	rng := rand.New(rand.NewPCG(1, 2))
	bounded := newTerms(5, most)
	exact := map[string]int{}
	for range 2000 {
		seen := map[string]bool{}
		var words []string
		for range 8 {
			w := fmt.Sprintf("rare%d", rng.IntN(50_000))
			switch rng.IntN(4) {
			case 0:
				w = fmt.Sprintf("usual%d", rng.IntN(10))
			case 1:
				w = fmt.Sprintf("now%dand%dthen", rng.IntN(20), rng.IntN(20))
			}
			words = append(words, w)
			seen[w] = true
		}
		for i := range words[1:] {
			seen[words[i]+" "+words[i+1]] = true
		}
		for term := range seen {
			exact[term]++
		}
		bounded.add([]byte(strings.Join(words, " ")), rng.IntN(5))
		if n := len(bounded.counts); n > most {
			t.Fatalf("%d terms are kept", n)
		}
	}
	if bounded.forgotten == 0 {
		t.Fatal("nothing was forgotten: the test shows nothing")
	}
	for term, n := range exact {
		got, missed := 0, int(bounded.forgotten)
		if c := bounded.counts[term]; c != nil {
			got, missed = c.total(), int(c.missed)
		}
		if got > n || n-got > missed {
			t.Errorf("%q is in %d texts and counted %d times, with at most %d to miss", term, n, got, missed)
		}
	}
	for i := range 10 {
		if bounded.counts[fmt.Sprintf("usual%d", i)] == nil {
			t.Errorf("the usual word %d was forgotten", i)
		}
	}
}

// A term that comes in bursts, each too short to stay by itself, is not lost again and again.
func TestBurstsAreCounted(t *testing.T) {
	bounded := newTerms(5, 100)
	bursts, rare := 0, 0
	for range 20 {
		before := bounded.forgotten
		for range before {
			bounded.add([]byte("burst"), 0)
			bursts++
		}
		for bounded.forgotten == before {
			bounded.add(fmt.Appendf(nil, "rare%d", rare), 0)
			rare++
		}
	}
	got := 0
	if c := bounded.counts["burst"]; c != nil {
		got = c.total()
	}
	if bursts-got > int(bounded.forgotten) || bursts < 100 {
		t.Errorf("counted %d of %d, with at most %d to miss", got, bursts, bounded.forgotten)
	}
}

func TestTellingTerms(t *testing.T) {
	c := newTerms(5, mostTerms)
	for range 20 {
		c.add([]byte("The mortgage company XXXX sold my escrow account in 2016"), 2)
		c.add([]byte("A debt collector calls about the account, a debt collector!"), 1)
	}
	var got []string
	for _, x := range c.telling(2) {
		got = append(got, x.Text)
		if x.Within != 1 || x.Outside != 0 {
			t.Errorf("%q is in %v of these and %v of the others", x.Text, x.Within, x.Outside)
		}
	}
	if s := strings.Join(got, ","); s != "company,escrow,mortgage,sold" {
		t.Errorf("loans are told by %q", s)
	}
	if len(c.telling(4)) != 0 {
		t.Error("a category without texts has terms")
	}
}

func TestQuantiles(t *testing.T) {
	var l lengths
	for n := range 100 {
		l.add(n + 1)
	}
	l.add(10 * exactLengths)
	for share, want := range map[float64]int{0.5: 51, 0.9: 91, 0.001: 1, 1: exactLengths} {
		if got := l.quantile(share); got != want {
			t.Errorf("quantile %v is %d, want %d", share, got, want)
		}
	}
	if l.most != 10*exactLengths || l.bins != [8]int{99, 1, 0, 0, 0, 0, 0, 1} {
		t.Errorf("the longest is %d, the bins %v", l.most, l.bins)
	}
}

func TestChartWithoutTheLargest(t *testing.T) {
	c := NewCollector(schema.Bureau())
	for i := range 12 {
		x := schema.Complaint{DateReceived: "2020-01-01", Product: "Mortgage"}
		switch {
		case i < 3:
			x.Product = "Debt collection"
		case i == 3:
			x.Product, x.DateReceived = "Credit card", "2023-01-01"
		case i == 4:
			x.Product = "unheard of"
		}
		c.Add(&x)
	}
	years := []int{2020, 2021, 2022, 2023}
	all, without := c.chart(years, -1), c.chart(years, c.largest())
	if all.Top != 10 || without.Top != 3 || len(without.Legend) != 4 || all.Width != 4 {
		t.Errorf("the highest of all is %d, without the largest %d with %d categories, %d wide", all.Top, without.Top, len(without.Legend), all.Width)
	}
	for _, p := range without.Parts {
		if p.Class == 2 {
			t.Errorf("the largest is there: %+v", p)
		}
	}
	height := 0.0
	for _, p := range all.Parts {
		if p.X < 1 {
			height += p.Height
		}
	}
	if math.Abs(height-100) > 1e-9 || len(all.Parts) != 3 || len(without.Parts) != 2 {
		t.Errorf("the highest column is %v high; %d and %d parts", height, len(all.Parts), len(without.Parts))
	}
}
