package classifier

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestAppendCompany(t *testing.T) {
	for name, want := range map[string]string{
		"TRANSUNION INTERMEDIATE HOLDINGS, INC.": "transunion",
		"JPMORGAN CHASE & CO.":                   "jpmorgan chase",
		"BANK OF AMERICA, NATIONAL ASSOCIATION":  "bank america",
		"Bank of America, N.A.":                  "bank america",
		"CAPITAL ONE FINANCIAL CORPORATION":      "capital one financial",
		"Capital One Financial Corp":             "capital one financial",
		"National Credit Systems,Inc.":           "national credit systems",
		"McDonald's L.L.C.":                      "mcdonalds",
		"SOCIÉTÉ GÉNÉRALE":                       "société générale",
		"The Holding Company, Inc.":              "the holding company inc",
		"  I.C. System, Inc. ":                   "ic system",
		"":                                       "", " ,.-": "",
	} {
		if got := string(AppendCompany(nil, name)); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func FuzzAppendCompany(f *testing.F) {
	for _, s := range []string{"", "The N.A. National Association", "national holdings association", "Ünïted Bank, L.P.", "a national the association national association", "İ\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		once := string(AppendCompany(nil, name))
		if twice := string(AppendCompany(nil, once)); twice != once {
			t.Errorf("%q becomes %q, and that %q", name, once, twice)
		}
	})
}

func TestOnlyFieldsOfTheIntakeCanBeFeatures(t *testing.T) {
	for _, name := range []string{
		"product", "sub_product", "issue", "sub_issue", "tags", "company_response", "company_public_response", "timely", "consumer_disputed",
		"consumer_consent_provided", "date_received", "date_sent_to_company", "complaint_id", "zip_code", "state", "submitted_via", "narrative", "extra", "true_category", "",
	} {
		if err := CheckFields([]string{name}); err == nil {
			t.Errorf("%q can be a feature", name)
		}
		tables := *bootstrapTables(t)
		tables.Fields = []Field{{Name: name, Values: []FieldValue{{Name: "x"}}}}
		if _, err := NewFeatures(&tables); err == nil || !strings.Contains(err.Error(), "cannot be a feature") {
			t.Errorf("tables with scores of %q are taken: %v", name, err)
		}
	}
	if err := CheckFields([]string{"company"}); err != nil {
		t.Error(err)
	}
	if err := CheckFields([]string{"company", "company"}); err == nil {
		t.Error("a field may be named twice")
	}
}

func bootstrapTables(tb testing.TB) *Tables {
	tb.Helper()
	t, err := ReadTables(BootstrapParts()[FeaturesPart], 5)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// withCompany are the bootstrap's tables with scores of two companies.
func withCompany(tb testing.TB) *Tables {
	tb.Helper()
	t := bootstrapTables(tb)
	t.Fields = []Field{{Name: "company", Values: []FieldValue{
		{Name: "first bank", Scores: testWeights(-2, 0.5, 1, 3, -1)}, {Name: "collectors", Scores: testWeights(-3, 2, -1, -1, -1)},
	}}}
	return t
}

func testWeights(values ...float64) (w Weights) {
	for _, v := range values {
		w = append(w, ToFixed(v))
	}
	return w
}

func TestTablesWithFields(t *testing.T) {
	tables := withCompany(t)
	read, err := ReadTables(tables.Append(nil), 5)
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Fields) != 1 || read.Fields[0].Name != "company" || !slices.EqualFunc(read.Fields[0].Values, tables.Fields[0].Values, func(a, b FieldValue) bool {
		return a.Name == b.Name && slices.Equal(a.Scores, b.Scores)
	}) {
		t.Errorf("read %+v", read.Fields)
	}
	whole := tables.Append(nil)
	for cut := 1; cut < 40; cut++ {
		if _, err := ReadTables(whole[:len(whole)-cut], 5); err == nil {
			t.Errorf("tables that lack their last %d bytes are taken", cut)
		}
	}
	tables.Fields[0].Values = append(tables.Fields[0].Values, FieldValue{Name: "collectors", Scores: testWeights(0, 0, 0, 0, 0)})
	if _, err := NewFeatures(tables); err == nil {
		t.Error("a value may stand twice")
	}
}

func TestFieldScores(t *testing.T) {
	f, err := NewFeatures(withCompany(t))
	if err != nil {
		t.Fatal(err)
	}
	s := f.NewScratch()
	text := []byte("They charged my card twice.")
	bare := slices.Clone(f.Row(text, Fields{}, s))
	for name, want := range map[string][]float64{
		"First Bank, N.A.": {-2, 0.5, 1, 3, -1}, "The Collectors LLC": {-3, 2, -1, -1, -1}, "Nobody": {0, 0, 0, 0, 0}, "": {0, 0, 0, 0, 0},
	} {
		row := f.Row(text, Fields{Company: name}, s)
		if got := row[ScoreColumns(5):f.Scores()]; !slices.Equal(got, want) {
			t.Errorf("scores of %q are %v, want %v", name, got, want)
		}
		copy(row[ScoreColumns(5):f.Scores()], bare[ScoreColumns(5):])
		if !slices.Equal(row, bare) {
			t.Errorf("the company %q changes the features of the text", name)
		}
	}
	if n := testing.AllocsPerRun(100, func() { f.Row(text, Fields{Company: "The First Bank, National Association"}, s) }); n != 0 {
		t.Errorf("a row with a company allocates %v times", n)
	}
}

func TestSureness(t *testing.T) {
	p := []float64{0.6, 0.3, 0.1}
	if got := Sureness(p, nil, 0); got != 0.6 {
		t.Errorf("without a mix it is %v", got)
	}
	if got := Sureness(p, []float64{0.2, 0.2, 0.2}, 1); math.Abs(got-0.3) > 1e-12 {
		t.Errorf("of an even mix it is %v", got)
	}
	// 0.6/0.8, 0.3/0.1, 0.1/0.1: 0.75 of 4.75.
	if got := Sureness(p, []float64{0.8, 0.1, 0.1}, 0); math.Abs(got-0.75/4.75) > 1e-12 {
		t.Errorf("of a usual category it is %v", got)
	}
}

func TestReviewGoesBySureness(t *testing.T) {
	text := []byte("I have a problem with them, and nobody at the office helps.")
	load := func(change func(*Manifest)) *Classifier {
		c, err := Load(resealed(t, func(m *Manifest, _ map[string][]byte) { change(m) }))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	plain := load(func(m *Manifest) { m.Mix, m.ReviewThreshold = nil, 0 })
	p := plain.Predict(text, plain.NewScratch())
	skewed := load(func(m *Manifest) {
		m.ReviewThreshold = p.Probability - 1e-6
		m.Mix = slices.Repeat([]float64{0.1}, len(m.Classes))
		m.Mix[p.Category] = 0.6
	})
	if got := skewed.Predict(text, skewed.NewScratch()); !got.NeedsReview || got.Probability != p.Probability {
		t.Errorf("an answer that the mix makes probable needs no review: %+v", got)
	}
	even := load(func(m *Manifest) {
		m.ReviewThreshold = p.Probability - 1e-6
		m.Mix = slices.Repeat([]float64{1 / float64(len(m.Classes))}, len(m.Classes))
	})
	if even.Predict(text, even.NewScratch()).NeedsReview {
		t.Error("an answer at the threshold needs review")
	}
}
