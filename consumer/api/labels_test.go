package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"complaints/schema"
)

// published is where labels of a test go.
type published struct {
	labels []schema.Label
	err    error
}

func (p *published) Publish(_ context.Context, labels []schema.Label) error {
	p.labels = append(p.labels, labels...)
	return p.err
}

func labelResults(t *testing.T, body []byte) []labelResult {
	t.Helper()
	var answer struct {
		Results []labelResult `json:"results"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return answer.Results
}

// Each label is answered by itself: those that are none do not keep the others back.
func TestLabelsAreAnsweredOneByOne(t *testing.T) {
	topic := new(published)
	a := newAPI(t, func(c *Config) { c.Labels = topic })
	w := ask(a, "POST", routeLabels, `{"labels":[
		{"complaint_id":"1","category":"Loans","labelled_by":"ana","labelled_at":"2026-11-24T10:00:00Z","source":"desk","review_reason":"audit","predicted_probability":0.5},
		{"complaint_id":"2","category":"Gardens","labelled_by":"ana"},
		{"complaint_id":"3","category":null,"labelled_by":"ana"},
		{"complaint_id":"4","labelled_by":"ana"},
		{"complaint_id":"5","category":"Loans","labelled_by":"ana","labelled_at":"2999-01-01T00:00:00Z"},
		{"complaint_id":"6","category":"Loans","labeled_by":"ana"},
		{"category":"Loans","labelled_by":"ana"},
		7,
		{"complaint_id":"9","category":"Mortgage","labelled_by":"ana","taxonomy":"other-1"}
	]}`)
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	validator(t, a.openapi)(t, "LabelResults", w.Body.Bytes())
	wrong := []string{"", "is none of taxonomy", "", "category is missing", "in the future", `"labeled_by" is unknown`, "complaint_id is missing", "no object", "taxonomy is not bureau"}
	results := labelResults(t, w.Body.Bytes())
	if len(results) != len(wrong) {
		t.Fatalf("%d results of %d labels: %s", len(results), len(wrong), w.Body)
	}
	for i, r := range results {
		if r.Published != (wrong[i] == "") || !r.Published && (r.Error == nil || !strings.Contains(r.Error.Detail, wrong[i])) {
			t.Errorf("%d: %+v %+v, want %q", i, r, r.Error, wrong[i])
		}
		if id := fmt.Sprint(i + 1); i < 6 && (r.ComplaintID == nil || *r.ComplaintID != id) {
			t.Errorf("%d is of %v", i, r.ComplaintID)
		}
	}
	if len(topic.labels) != 2 {
		t.Fatalf("published: %+v", topic.labels)
	}
	first, second := topic.labels[0], topic.labels[1]
	if *first.Category != "Loans" || first.Taxonomy != schema.Bureau().ID() || first.Source != "desk" || first.LabelledAt.Time().Year() != 2026 || first.ReviewReason != schema.ReviewAudit {
		t.Errorf("%+v", first)
	}
	if second.Category != nil || second.Source != "api" || second.Check() != nil {
		t.Errorf("%+v", second)
	}
}

const goodLabel = `{"labels":[{"complaint_id":"1","category":"Loans","labelled_by":"ana"}]}`

func TestRequestsThatAreNoLabels(t *testing.T) {
	topic := new(published)
	a := newAPI(t, func(c *Config) { c.Labels, c.Limits = topic, Limits{Texts: 2} })
	fits := validator(t, a.openapi)
	for body, want := range map[string]struct {
		code int
		kind string
	}{
		"": {400, "not-json"}, "{": {400, "not-json"}, `{"labels":[{]}`: {400, "not-json"},
		"[]": {422, "wrong-type"}, `{"labels":{}}`: {422, "wrong-type"}, `{"labels":null}`: {422, "wrong-type"},
		"{}": {422, "no-labels"}, `{"labels":[]}`: {422, "no-labels"}, `{"label":[]}`: {422, "unknown-field"},
		`{"labels":[],"labels":[]}`: {422, "repeated-field"}, `{"labels":[1,2,3]}`: {422, "too-many-labels"},
	} {
		w := ask(a, "POST", routeLabels, body)
		if p := problemOf(t, w); w.Code != want.code || p.Type != problemType+want.kind {
			t.Errorf("%s: %d %+v, want %+v", body, w.Code, p, want)
		}
		fits(t, "Problem", w.Body.Bytes())
	}
	if w := ask(a, "POST", routeLabels+"?explain=true", goodLabel); w.Code != 400 {
		t.Errorf("a parameter that is unknown: %d", w.Code)
	}
	if len(topic.labels) != 0 {
		t.Errorf("published: %+v", topic.labels)
	}
}

// A label that Kafka has not acknowledged is never said to be published.
func TestLabelsWithoutKafka(t *testing.T) {
	topic := &published{err: errors.New("no broker")}
	a := newAPI(t, func(c *Config) { c.Labels = topic })
	w := ask(a, "POST", routeLabels, goodLabel)
	if p := problemOf(t, w); w.Code != 503 || p.Type != problemType+"not-published" || w.Header().Get("Retry-After") == "" || strings.Contains(p.Detail, "no broker") {
		t.Errorf("%d %v %+v", w.Code, w.Header(), p)
	}
	none := newAPI(t, nil)
	if w := ask(none, "POST", routeLabels, goodLabel); w.Code != 404 || problemOf(t, w).Type != problemType+"no-labels" {
		t.Errorf("a process that takes none: %d %s", w.Code, w.Body)
	}
	guarded := newAPI(t, func(c *Config) { c.Labels, c.Token = new(published), "secret" })
	if w := ask(guarded, "POST", routeLabels, goodLabel); w.Code != 401 {
		t.Errorf("without the token: %d", w.Code)
	}
	if w := ask(guarded, "POST", routeLabels, goodLabel, "Authorization", "Bearer secret"); w.Code != 200 {
		t.Errorf("with the token: %d %s", w.Code, w.Body)
	}
}
