package api

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"complaints/internal/classifier"
)

// With its company, a complaint gets the same answer at every door, and that is
// another one than without.
func TestCompanyAtEveryDoor(t *testing.T) {
	const text, company = "They never answered my letter.", "Experian Information Solutions Inc."
	a := newAPI(t, nil)
	model := a.cfg.Models.Current()
	s := model.NewScratch()
	bare, want := model.Predict([]byte(text), s).Probability, model.PredictWith([]byte(text), classifier.Fields{Company: company}, s)
	if bare == want.Probability {
		t.Fatal("the built-in model does not know the company")
	}
	var asked struct {
		Results []resultJSON `json:"results"`
	}
	w := ask(a, "POST", routePredict, knownCompany)
	if err := json.Unmarshal(w.Body.Bytes(), &asked); err != nil || len(asked.Results) != 1 {
		t.Fatalf("%v: %d %s", err, w.Code, w.Body)
	}
	var row resultJSON
	file := ask(a, "POST", routeFile, "Consumer complaint narrative,Company\n"+text+","+company+"\n", "Content-Type", "text/csv")
	if err := json.Unmarshal(file.Body.Bytes(), &row); err != nil {
		t.Fatalf("%v: %s", err, file.Body)
	}
	for door, got := range map[string]resultJSON{"a request": asked.Results[0], "a file": row} {
		if got.Probability != want.Probability || got.CategoryCode != want.Category {
			t.Errorf("%s gives %+v, the model says %+v", door, got, want)
		}
	}
	for door, body := range map[string]string{
		"null": `{"complaints":[{"narrative":"` + text + `","company":null}]}`, "nobody": `{"complaints":[{"complaint_what_happened":"` + text + `","company":"Nobody at All"}]}`,
		"text": `{"text":["` + text + `"]}`,
	} {
		if err := json.Unmarshal(ask(a, "POST", routePredict, body).Body.Bytes(), &asked); err != nil || asked.Results[0].Probability != bare {
			t.Errorf("%s: %v %+v, want %v", door, err, asked.Results, bare)
		}
	}
}

func TestExplanationNamesTheCompany(t *testing.T) {
	a := newAPI(t, nil)
	e := explanationOf(t, ask(a, "POST", routePredict+"?explain=true", knownCompany).Body.Bytes())
	parts := slices.Concat(e.For, e.Against)
	if !slices.ContainsFunc(parts, func(p partJSON) bool {
		return p.Kind == "field" && p.InText && p.Name == "company: experian information solutions"
	}) {
		t.Errorf("no part of %+v is the company's", parts)
	}
	e = explanationOf(t, ask(a, "POST", routePredict+"?explain=true", strings.Replace(knownCompany, "Experian", "Nobody", 1)).Body.Bytes())
	for _, p := range slices.Concat(e.For, e.Against) {
		if p.Kind == "field" && (p.InText || p.Name != "company") {
			t.Errorf("%+v of a company that the model does not know", p)
		}
	}
}

func explanationOf(t *testing.T, answer []byte) explanationJSON {
	t.Helper()
	var got struct {
		Results []struct {
			Explanation explanationJSON `json:"explanation"`
		} `json:"results"`
	}
	if err := json.Unmarshal(answer, &got); err != nil || len(got.Results) != 1 {
		t.Fatalf("%v: %s", err, answer)
	}
	return got.Results[0].Explanation
}
