package api

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"complaints/schema"
)

func TestPredict(t *testing.T) {
	a := newAPI(t, nil)
	texts := examples(t)
	w := ask(a, "POST", routePredict, body(t, texts...), "Content-Type", "application/json; charset=UTF-8")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if !strings.HasPrefix(w.Body.String(), `{"results":[{"prediction":"Credit Reporting","probability":0.`) {
		t.Errorf("existing clients rely on the first two names: %s", w.Body)
	}
	var got struct {
		Results []resultJSON `json:"results"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	c := a.cfg.Models.Current()
	scratch := c.NewScratch()
	for i, want := range c.Taxonomy().Names()[:3] { // the examples are of these, in this order
		r := got.Results[i]
		p := c.Predict([]byte(texts[i]), scratch)
		if r.Prediction != want || r.CategoryCode != i || r.Probability != p.Probability || r.ModelVersion != c.Version() || r.NeedsReview == nil {
			t.Errorf("%d: %+v, want %s with %v", i, r, want, p.Probability)
		}
		sum := 0.0
		for code, name := range c.Taxonomy().Names() {
			if r.Probabilities[name] != p.Probabilities[code] {
				t.Errorf("%d: %s is %v, want %v", i, name, r.Probabilities[name], p.Probabilities[code])
			}
			sum += p.Probabilities[code]
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("%d: the probabilities sum to %v", i, sum)
		}
	}
}

// A text's answer does not depend on its company.
func TestEachTextByItself(t *testing.T) {
	a := newAPI(t, nil)
	texts := examples(t)
	all := ask(a, "POST", routePredict, body(t, texts[2], texts[0], texts[1], texts[0])).Body.String()
	for _, text := range texts {
		alone := strings.TrimSuffix(strings.TrimPrefix(ask(a, "POST", routePredict, body(t, text)).Body.String(), `{"results":[`), "]}\n")
		if !strings.Contains(all, alone) {
			t.Errorf("alone %s, together %s", alone, all)
		}
	}
}

// What the stream dead-letters for its text is refused over HTTP too, and nothing else is.
func TestSameTextSameAnswer(t *testing.T) {
	const limit = 100
	a := newAPI(t, func(c *Config) { c.Limits = Limits{TextBytes: limit} })
	for _, text := range []string{
		"", " \t\n", "\u00a0\u2003", "\u1680", "XXXX", "XX/XX/XXXX, xxxx. \u2014 {$}", strings.Repeat("a", limit+1),
		"a", "XXXX a", "12", "Мне дважды списали деньги", strings.Repeat("a", limit),
	} {
		message := schema.Complaint{Narrative: text}
		_, err := schema.DecodeComplaint(message.AppendJSON(nil), limit)
		want := err == nil
		if got := ask(a, "POST", routePredict, body(t, text)).Code == 200; got != want {
			t.Errorf("%q: texts are predicted %t, the stream says %v", text, got, err)
		}
		row := ask(a, "POST", routeFile, string(message.AppendJSON(nil))+"\n", "Content-Type", "application/octet-stream").Body.String()
		if got := strings.Contains(row, `"prediction"`); got != want {
			t.Errorf("%q: rows are predicted %t, the stream says %v: %s", text, got, err, row)
		}
	}
}
