package classifier

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"complaints/schema"
)

// The values were computed by hand: (now − before) · ln(now ÷ before), summed.
func TestPSI(t *testing.T) {
	for name, test := range map[string]struct {
		now, before []int64
		want        float64
	}{
		"equal":              {[]int64{10, 20, 30}, []int64{100, 200, 300}, 0},
		"a half to a fifth":  {[]int64{20, 80}, []int64{50, 50}, -0.3*math.Log(0.4) + 0.3*math.Log(1.6)},
		"known":              {[]int64{200, 300, 500}, []int64{100, 400, 500}, 0.0980829},
		"an empty bin":       {[]int64{0, 100}, []int64{50, 50}, (leastShare-0.5)*math.Log(leastShare/0.5) + 0.5*math.Log(2)},
		"both bins empty":    {[]int64{0, 7}, []int64{0, 9}, 0},
		"another population": {[]int64{100, 0}, []int64{0, 100}, 2 * (1 - leastShare) * math.Log(1/leastShare)},
	} {
		if got := psi(test.now, test.before); math.Abs(got-test.want) > 1e-7 {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestProfileBins(t *testing.T) {
	p := NewProfile(5)
	p.Add(0, 0, 0.2, 0)
	p.Add(63, 1, 0.3, 0.005)
	p.Add(64, 2, 0.949, 0.01)
	p.Add(1<<40, 4, 1, 1)
	if err := p.check(5); err != nil {
		t.Fatal(err)
	}
	want := &Profile{
		Rows: 4, Category: []int64{1, 1, 1, 0, 1},
		Probability:  [profileBins]int64{0: 1, 1: 1, 7: 1, 9: 1},
		TextLength:   [profileBins]int64{0: 2, 1: 1, 9: 1},
		UnknownWords: [profileBins]int64{0: 1, 1: 1, 2: 1, 9: 1},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("counted %+v, want %+v", p, want)
	}
	twice := NewProfile(5)
	twice.Merge(p)
	twice.Merge(p)
	if twice.Rows != 8 || twice.check(5) != nil {
		t.Errorf("merged %+v: %v", twice, twice.check(5))
	}
	for _, d := range twice.DriftFrom(p) {
		if d.PSI != 0 {
			t.Errorf("%s of twice the same moved by %v", d.What, d.PSI)
		}
	}
}

func TestBinsSayWhatIsInThem(t *testing.T) {
	p := NewProfile(5)
	p.Add(100, 2, 0.97, 0)
	for i, want := range []string{"Loans", "95% to 99%", "64 to 128", "none"} {
		l := p.Properties(schema.Bureau().Names())[i]
		if len(l.Bins) != len(l.Counts) {
			t.Fatalf("%s has %d names for %d bins", l.What, len(l.Bins), len(l.Counts))
		}
		for b, n := range l.Counts {
			if (n == 1) != (l.Bins[b] == want) {
				t.Errorf("%s counts %d in %q, want 1 in %q", l.What, n, l.Bins[b], want)
			}
		}
	}
}

func TestReferenceIsChecked(t *testing.T) {
	good := Profile{Rows: 2, Category: []int64{2, 0, 0, 0, 0}, Probability: [profileBins]int64{2}, TextLength: [profileBins]int64{2}, UnknownWords: [profileBins]int64{1, 1}}
	for name, test := range map[string]struct {
		change func(*Profile)
		want   string
	}{
		"good":           {func(*Profile) {}, ""},
		"a row too many": {func(p *Profile) { p.TextLength[3]++ }, "text_length"},
		"below zero":     {func(p *Profile) { p.Category[1], p.Category[0] = -1, 3 }, "category"},
		"no rows":        {func(p *Profile) { *p = *NewProfile(5) }, "more than 0"},
		"other classes":  {func(p *Profile) { p.Category = p.Category[:4] }, "4 counts and must have 5"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(resealed(t, func(m *Manifest, _ map[string][]byte) {
				reference := good
				reference.Category = slices.Clone(good.Category)
				test.change(&reference)
				m.Reference = &reference
			}))
			switch {
			case test.want == "" && (err != nil || !reflect.DeepEqual(*c.Manifest().Reference, good)):
				t.Errorf("the bundle does not carry its reference: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v does not say %q", err, test.want)
			}
		})
	}
}

func TestUnknownWords(t *testing.T) {
	c, err := Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	s := c.NewScratch()
	for text, want := range map[string]float64{
		"":                                   0,
		"XXXX the and 's":                    0, // masks and stop words are no words
		"my credit report":                   0,
		"qqzzvv":                             1,
		"credit qqzzvv report zzqqvv":        0.5,
		"bank pneumonoultramicroscopicsilic": 0.5,
	} {
		if got := c.Predict([]byte(text), s).UnknownWords; got != want {
			t.Errorf("%q has %v unknown words, want %v", text, got, want)
		}
	}
}

func TestProfileDoesNotAllocate(t *testing.T) {
	p, q := NewProfile(5), NewProfile(5)
	if n := testing.AllocsPerRun(100, func() { p.Add(900, 1, 0.97, 0.03); q.Merge(p); _ = q.DriftFrom(p) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkProfileAdd(b *testing.B) {
	p := NewProfile(5)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.Add(i%4000, i%5, 0.2+float64(i%80)/100, float64(i%50)/100)
	}
}
