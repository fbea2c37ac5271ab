package classifier

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"complaints/schema"
)

// plainFeatures is the plain reading of the rules that Features follows, over
// strings and maps.
type plainFeatures struct {
	tables   *Tables
	words    map[string]*Word
	pairs    map[string]*Pair
	contents map[string]*Content
	openings map[string]*Opening
	width    int
}

func newPlainFeatures(t *Tables, width int) *plainFeatures {
	p := &plainFeatures{t, map[string]*Word{}, map[string]*Pair{}, map[string]*Content{}, map[string]*Opening{}, width}
	for i := range t.Words {
		p.words[t.Words[i].Text] = &t.Words[i]
	}
	name := func(a, b uint16) string { return t.Words[a].Text + " " + t.Words[b].Text }
	for i := range t.Pairs {
		p.pairs[name(t.Pairs[i].First, t.Pairs[i].Second)] = &t.Pairs[i]
	}
	for i := range t.Contents {
		p.contents[name(t.Contents[i].First, t.Contents[i].Second)] = &t.Contents[i]
	}
	for i := range t.Openings {
		p.openings[t.Words[t.Openings[i].Word].Text] = &t.Openings[i]
	}
	return p
}

var (
	plainToken = regexp.MustCompile(`[a-z0-9]+`)
	plainMask  = regexp.MustCompile(`^x+$`)
)

func plainTokens(text string) []string {
	lower := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
	return plainToken.FindAllString(lower, -1)
}

func (p *plainFeatures) row(text string) []float64 {
	row := make([]float64, p.width)
	wordCount, pairCount, contentCount, openingCount := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	previous, content := "", ""
	for i, token := range plainTokens(text) {
		wordCount[token]++
		if i < OpeningTokens {
			openingCount[token]++
		}
		pairCount[previous+" "+token]++
		previous = token
		if slices.Contains(stopWords, token) || plainMask.MatchString(token) {
			continue
		}
		contentCount[content+" "+token]++
		content = token
	}
	linear, classes := p.tables.Bias, len(p.tables.Bias)
	bayes, known := make([]float64, classes), 0
	addBayes := func(w Weights) {
		known++
		for k := range w {
			bayes[k] += w[k].Float()
		}
	}
	wordBlock, contentBlock, openingBlock := newPlainBlock(p.tables), newPlainBlock(p.tables), newPlainBlock(p.tables)
	for token, n := range wordCount {
		if w, ok := p.words[token]; ok {
			addBayes(w.Bayes)
			wordBlock.add(w.Linear, n, row)
		}
	}
	for pair := range pairCount {
		if t, ok := p.pairs[pair]; ok {
			addBayes(t.Bayes)
		}
	}
	for pair, n := range contentCount {
		if t, ok := p.contents[pair]; ok {
			contentBlock.add(t.Linear, n, row)
		}
	}
	for token, n := range openingCount {
		if t, ok := p.openings[token]; ok {
			openingBlock.add(t.Linear, n, row)
		}
	}
	for k := range linear {
		row[k] = linear[k] + wordBlock.of(k) + contentBlock.of(k) + openingBlock.of(k)
		row[classes+k] = bayes[k] / math.Sqrt(float64(max(known, 1)))
	}
	return row
}

type plainBlock struct {
	sum    []float64
	scores int // columns before the counts
	square float64
}

func newPlainBlock(t *Tables) *plainBlock {
	classes := len(t.Bias)
	return &plainBlock{sum: make([]float64, classes), scores: ScoreColumns(classes) + len(t.Fields)*classes}
}

func (b *plainBlock) add(l Linear, n int, row []float64) {
	v := (1 + math.Log(float64(n))) * l.IDF.Float()
	b.square += v * v
	for k := range b.sum {
		b.sum[k] += v * l.Weights[k].Float()
	}
	if l.Column != NoColumn {
		row[b.scores+int(l.Column)] = float64(n)
	}
}

func (b *plainBlock) of(k int) float64 {
	if b.square == 0 {
		return 0
	}
	return b.sum[k] / math.Sqrt(b.square)
}

// checkRow compares a text's features with the plain reading of them. Shares of
// terms are kept in single precision, so scores may differ in the seventh digit.
func checkRow(t *testing.T, f *Features, p *plainFeatures, s *Scratch, text string) {
	t.Helper()
	got, want := f.Row([]byte(text), Fields{}, s), p.row(text)
	for c := range want {
		tolerance := 0.0
		if c < f.scores {
			tolerance = 1e-5
		}
		if !(math.Abs(got[c]-want[c]) <= tolerance) {
			t.Fatalf("feature %d is %v and should be %v for %q", c, got[c], want[c], text)
		}
	}
}

func bootstrapFeatureSet(tb testing.TB) (*Features, *plainFeatures) {
	tb.Helper()
	tables, err := ReadTables(bootstrapFeatures, schema.Bureau().Len())
	if err != nil {
		tb.Fatal(err)
	}
	f, err := NewFeatures(tables)
	if err != nil {
		tb.Fatal(err)
	}
	return f, newPlainFeatures(tables, f.Width())
}

func TestFeaturesOfTheSample(t *testing.T) {
	f, p := bootstrapFeatureSet(t)
	s := f.NewScratch()
	for _, x := range readSample(t) {
		checkRow(t, f, p, s, x.text)
	}
}

func FuzzFeatures(f *testing.F) {
	for _, text := range []string{
		"", "x", "XXXX XX/XX/2019", "credit report", "Don't! don't can’t",
		"pneumonoultramicroscopicsilicovolcanoconiosis", strings.Repeat("x", 40), strings.Repeat("x", 16) + " " + strings.Repeat("x", 17),
		"the credit of the bureau", "credit\x00report", "cre\xffdit", strings.Repeat("credit ", 300), "[@`{credit", "authorization documentation responsibilities",
	} {
		f.Add(text)
	}
	for _, x := range readSample(f)[:20] {
		f.Add(x.text)
	}
	features, plain := bootstrapFeatureSet(f)
	s := features.NewScratch()
	f.Fuzz(func(t *testing.T, text string) {
		checkRow(t, features, plain, s, text)
		checkRow(t, features, plain, s, text) // the scratch is clean again
	})
}

// VisitTokens is what training counts terms with, so it must see the same tokens.
func FuzzTokens(f *testing.F) {
	f.Add("Don't do n't XXXX $500.00 can’t")
	f.Fuzz(func(t *testing.T, text string) {
		var got []string
		VisitTokens([]byte(text), func(token []byte, masked bool) {
			if masked != plainMask.Match(token) {
				t.Errorf("masked is %t for %q", masked, token)
			}
			got = append(got, string(token))
		})
		if want := plainTokens(text); !slices.Equal(got, want) {
			t.Errorf("tokens of %q are %q, want %q", text, got, want)
		}
	})
}

// Two words must never share a row, whatever their hashes.
func TestCollisionsAreHarmless(t *testing.T) {
	const n = 20000
	tables := &Tables{Bias: make([]float64, 3)}
	for i := range n {
		w := Word{Text: "w" + strings.Repeat("y", i%9) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26)) + string(rune('a'+i/17576)), Linear: Linear{IDF: FixedOne, Weights: make(Weights, 3), Column: NoColumn}}
		w.Bayes = Weights{Fixed(i%1000 + 1), 0, 0}
		tables.Words = append(tables.Words, w)
	}
	f, err := NewFeatures(tables)
	if err != nil {
		t.Fatal(err)
	}
	s := f.NewScratch()
	for i, w := range tables.Words {
		if got, want := f.Row([]byte(w.Text), Fields{}, s)[3], w.Bayes[0].Float(); got != want {
			t.Fatalf("word %d, %q, has weight %v, want %v", i, w.Text, got, want)
		}
		if got := f.Row([]byte(w.Text+"0"), Fields{}, s)[3]; got != 0 {
			t.Fatalf("an unknown word near %q has weight %v", w.Text, got)
		}
	}
}
