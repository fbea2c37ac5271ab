package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"math"
	"strings"
	"testing"
)

type partJSON struct {
	Name   string  `json:"name"`
	Kind   string  `json:"kind"`
	InText bool    `json:"in_text"`
	Weight float64 `json:"weight"`
}

type explanationJSON struct {
	Base    float64    `json:"base"`
	Score   float64    `json:"score"`
	For     []partJSON `json:"for"`
	Against []partJSON `json:"against"`
	Rest    float64    `json:"rest"`
}

// explained asks for explanations.
func explained(t *testing.T, a *API, texts ...string) []explanationJSON {
	t.Helper()
	w := ask(a, "POST", routePredict+"?explain=true", body(t, texts...))
	var got struct {
		Results []struct {
			Explanation explanationJSON `json:"explanation"`
		} `json:"results"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || len(got.Results) != len(texts) {
		t.Fatalf("%v: %d %s", err, w.Code, w.Body)
	}
	validator(t, openapiFile)(t, "Results", w.Body.Bytes())
	var out []explanationJSON
	for _, r := range got.Results {
		out = append(out, r.Explanation)
	}
	return out
}

func TestExplain(t *testing.T) {
	a := newAPI(t, nil)
	texts := examples(t)
	for i, e := range explained(t, a, texts...) {
		sum := e.Base + e.Rest
		for _, side := range []struct {
			parts []partJSON
			sign  float64
		}{{e.For, 1}, {e.Against, -1}} {
			last := math.Inf(1)
			for _, p := range side.parts {
				sum += p.Weight
				if w := p.Weight * side.sign; w <= 0 || w > last {
					t.Errorf("text %d: %+v stands on the wrong side or place", i, p)
				} else {
					last = w
				}
			}
		}
		if d := math.Abs(sum - e.Score); !(d <= 1e-9) {
			t.Errorf("text %d: base and weights sum to %v, the score is %v", i, sum, e.Score)
		}
		if want := []string{"credit", "debt", "loan"}[i]; e.For[0].Name != want || !e.For[0].InText || e.For[0].Kind != "word" {
			t.Errorf("text %d: %+v speaks most, want %s", i, e.For[0], want)
		}
	}
	if w := ask(a, "POST", routePredict+"?explain=false", body(t, texts...)); w.Code != 200 || strings.Contains(w.Body.String(), "explanation") {
		t.Errorf("explain=false: %d %s", w.Code, w.Body)
	}
	for query, kind := range map[string]string{"explain=": "invalid-parameter", "explain=1": "invalid-parameter", "explain=true&explain=true": "repeated-parameter"} {
		w := ask(a, "POST", routePredict+"?"+query, body(t, texts...))
		if p := problemOf(t, w); w.Code != 400 || p.Type != problemType+kind || p.Field != "explain" {
			t.Errorf("%s: %d %+v", query, w.Code, p)
		}
	}
}

// Explanations are dear, so that fewer are given a request.
func TestExplainedTextsAreLimited(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{Texts: 5, Explained: 2} })
	three := body(t, "a", "b", "c")
	w := ask(a, "POST", routePredict+"?explain=true", three)
	if p := problemOf(t, w); w.Code != 422 || p.Type != problemType+"too-many-texts" || p.Field != "text" || !strings.Contains(p.Detail, "2") {
		t.Errorf("%d %+v", w.Code, p)
	}
	if w := ask(a, "POST", routePredict, three); w.Code != 200 {
		t.Errorf("without explanations: %d", w.Code)
	}
}

// What is asked and answered is nobody else's business.
func TestNothingAskedIsLogged(t *testing.T) {
	var log bytes.Buffer
	a := newAPI(t, func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	text := "My mortgage servicer threatens foreclosure"
	explained(t, a, text)
	ask(a, "POST", routePredict+"?explain=mortgage", body(t, text))
	ask(a, "POST", routePredict, `{"text":["mortgage",""]}`)
	ask(a, "POST", routeFile, "narrative\n"+text+"\n\"mortgage", "Content-Type", "text/csv")
	if strings.Contains(strings.ToLower(log.String()), "mortgage") {
		t.Errorf("logged: %s", log.String())
	}
}

// An answer without explanations costs what it did before there were any: nothing is allocated for them.
func TestUnexplainedAnswersAllocateNothing(t *testing.T) {
	a := newAPI(t, nil)
	model := a.cfg.Models.Current()
	worker, err := a.concurrency.work(t.Context(), model)
	if err != nil {
		t.Fatal(err)
	}
	a.concurrency.done(worker)
	m := &request{texts: textsRequest{limit: a.limits}}
	if p := m.texts.decode([]byte(body(t, examples(t)...))); p != nil {
		t.Fatal(p)
	}
	answer := func() {
		if p := a.answer(t.Context(), m, false); p != nil {
			t.Fatal(p)
		}
	}
	for range cap(a.concurrency.workers) {
		answer() // each worker makes its memory once
	}
	if n := testing.AllocsPerRun(100, answer); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}
