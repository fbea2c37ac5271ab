package fit

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"complaints/internal/classifier"
	"complaints/schema"
	"complaints/trainer/dataset"
)

func smallCorpus() *corpus {
	var examples []dataset.Example
	for i, text := range []string{
		"my credit report is wrong", "the credit report of the bureau", "they call about a debt", "a debt that is not mine", "credit report and debt",
	} {
		examples = append(examples, dataset.Example{Text: text, Category: i / 2 % 2})
	}
	return newCorpus(5, examples, 1)
}

func TestVocabularyCountsDocuments(t *testing.T) {
	c := smallCorpus()
	v := newVocabulary(c, []int{0, 1, 2, 3, 4}, 2, false)
	got := map[string]frequency{}
	for p, term := range v.terms[words] {
		got[c.words[term]] = v.frequency[words][p]
	}
	for word, want := range map[string]frequency{"credit": {3, 0, 0, 0, 0}, "debt": {1, 2, 0, 0, 0}, "a": {0, 2, 0, 0, 0}, "is": {1, 1, 0, 0, 0}} {
		if !slices.Equal(got[word], want) {
			t.Errorf("%q is in %v documents, want %v", word, got[word], want)
		}
	}
	for word := range got {
		if got[word].total() < 2 {
			t.Errorf("%q is kept with %v", word, got[word])
		}
	}
	if first := c.words[v.terms[words][0]]; first != "credit" && first != "debt" && first != "report" {
		t.Errorf("the first word is %q, want one of the most usual", first)
	}
	var content []string
	for _, term := range v.terms[contents] {
		p := c.pairs[contents][term]
		content = append(content, c.words[p>>32]+" "+c.words[uint32(p)])
	}
	if strings.Join(content, ",") != "credit report" {
		t.Errorf("content pairs are %q", content)
	}
}

func TestVocabularyIsBounded(t *testing.T) {
	defer func(l [numKinds]int) { limits = l }(limits)
	limits[words], limits[pairs] = 2, 1
	v := newVocabulary(smallCorpus(), []int{0, 1, 2, 3, 4}, 1, false)
	if len(v.terms[words]) != 2 || len(v.terms[pairs]) > 1 {
		t.Errorf("%d words and %d pairs", len(v.terms[words]), len(v.terms[pairs]))
	}
	for _, term := range v.terms[pairs] {
		if a, b := v.wordPlaces(pairs, term); a == unknown || b == unknown {
			t.Error("a pair has a word that is not kept")
		}
	}
}

func TestBayesWeights(t *testing.T) {
	c := smallCorpus()
	v := newVocabulary(c, []int{0, 1, 2, 3}, 1, false)
	bayes := fitBayes(v, Recipes[Default])
	word := bayes[words]
	terms := float64(len(word) + len(bayes[pairs]))
	var in, out float64
	for _, k := range []kind{words, pairs} {
		for _, f := range v.frequency[k] {
			in += float64(f[0])
			out += float64(f.total() - f[0])
		}
	}
	for p, term := range v.terms[words] {
		if c.words[term] != "credit" {
			continue
		}
		want := math.Log(2.3/(in+0.3*terms)) - math.Log(1.2/(out+1.2*terms))
		if got := word[p][0].Float(); math.Abs(got-want) > 1./classifier.FixedOne {
			t.Errorf("the weight of credit is %v, want %v", got, want)
		}
	}
}

// The regression must put every text of a separable set on its side, when its
// weights are used as serving uses them.
func TestLinearScores(t *testing.T) {
	c := smallCorpus()
	f := &Fitter{recipe: Recipes[Default], seed: 1, corpus: c}
	f.recipe.MinDocuments, f.recipe.Epochs = 1, 40
	features, err := classifier.NewFeatures(f.fitTables([]int{0, 1, 2, 3}, 4))
	if err != nil {
		t.Fatal(err)
	}
	s := features.NewScratch()
	for text, want := range map[string]int{"a wrong credit report": 0, "they call about the debt": 1} {
		row := features.Row([]byte(text), classifier.Fields{}, s)
		for k := range 5 {
			if k != want && row[k] >= row[want] {
				t.Errorf("%q has the linear scores %v, want %d to be the highest", text, row[:5], want)
			}
		}
	}
}

func TestChooseTermsTakesTurns(t *testing.T) {
	v := newVocabulary(smallCorpus(), []int{0, 1, 2, 3}, 1, false)
	chosen := chooseTerms(v, Recipes[Default].LinearKinds, 6, 1)
	if len(chosen) != 6 {
		t.Fatalf("chose %d terms", len(chosen))
	}
	seen := map[chosenTerm]bool{}
	for _, c := range chosen {
		if seen[c] {
			t.Errorf("%v was chosen twice", c)
		}
		seen[c] = true
	}
	if n := len(chooseTerms(v, Recipes[Default].LinearKinds, 1000, 1)); n != len(v.terms[words])+len(v.terms[contents])+len(v.terms[openings]) {
		t.Errorf("asked for more than there are, chose %d", n)
	}
}

func TestVocabularyHasNoYears(t *testing.T) {
	for word, want := range map[string]bool{"2016": true, "1999": true, "2o16": false, "3016": false, "20166": false, "fico": false, "19ab": false} {
		if got := isYear(word); got != want {
			t.Errorf("%q is a year: %t, want %t", word, got, want)
		}
	}
	c := newCorpus(5, []dataset.Example{{Text: "in 2016 they called"}, {Text: "in 2016 they called"}}, 1)
	for years, want := range map[bool]int{false: 3, true: 4} {
		if got := len(newVocabulary(c, []int{0, 1}, 1, years).terms[words]); got != want {
			t.Errorf("with years %t there are %d words, want %d", years, got, want)
		}
	}
}

// Pairs that are in too few documents are not in the corpus, and no vocabulary of
// it may see the difference.
func TestCorpusPrunesPairsThatNoVocabularyHas(t *testing.T) {
	var examples []dataset.Example
	for i := range 60 {
		text := fmt.Sprintf("my credit report number%d is wrong and the bureau%d of credit report number%d knows", i%11, i%5, i%3)
		examples = append(examples, dataset.Example{Text: text, Category: i % 5})
	}
	rows := dataset.AllRows(len(examples))[:50]
	terms := func(c *corpus) map[string]frequency {
		v := newVocabulary(c, rows, 8, false)
		out := map[string]frequency{}
		for k := range numKinds {
			for place, term := range v.terms[k] {
				name := fmt.Sprint(k)
				if k == words || k == openings {
					name += " " + c.words[term]
				} else {
					p := c.pairs[k][term]
					name += " " + c.words[p>>32] + " " + c.words[uint32(p)]
				}
				out[name] = v.frequency[k][place]
			}
		}
		return out
	}
	whole, pruned := newCorpus(5, examples, 1), newCorpus(5, examples, 8)
	if len(pruned.pairs[pairs]) >= len(whole.pairs[pairs]) {
		t.Errorf("%d pairs of %d were kept", len(pruned.pairs[pairs]), len(whole.pairs[pairs]))
	}
	if a, b := terms(whole), terms(pruned); len(a) < 20 || !maps.EqualFunc(a, b, slices.Equal) {
		t.Errorf("the vocabulary of all pairs is %v, and of those that count %v", a, b)
	}
}

func TestCorpusCountsTo255(t *testing.T) {
	c := newCorpus(5, []dataset.Example{{Text: strings.Repeat("pay ", 300)}}, 1)
	if got := c.documents[0].of(words); len(got) != 1 || got[0].count() != 255 || got[0].term() != 0 {
		t.Errorf("300 times one word is %v", got)
	}
}

// What is too little to learn from is said before LightGBM is asked.
func TestNewSaysWhatIsMissing(t *testing.T) {
	of := func(perCategory ...int) (out []dataset.Example) {
		for k, n := range perCategory {
			for i := range n {
				out = append(out, dataset.Example{Text: fmt.Sprintf("text %d of %d", i, k), Category: k})
			}
		}
		return out
	}
	c := Config{Taxonomy: schema.Bureau(), Recipe: Recipes[Default], Progress: t.Logf}
	for _, few := range [][]int{{1}, {15, 15}, {500}, {99}, {500, leastOfCategory - 1}} {
		_, err := New(of(few...), c)
		if err == nil || !strings.Contains(err.Error(), "not enough") || !strings.Contains(err.Error(), fmt.Sprintf("Credit Reporting has %d", few[0])) {
			t.Errorf("%v texts by category: error is %v", few, err)
		}
	}
	if _, err := New(of(leastTexts-leastOfCategory, leastOfCategory), c); err != nil {
		t.Error(err)
	}
}
