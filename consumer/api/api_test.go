package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"complaints/internal/classifier"
)

var bootstrap = sync.OnceValues(classifier.Bootstrap)

func models(t testing.TB) *classifier.Holder {
	t.Helper()
	c, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	return classifier.NewHolder(c)
}

func newAPI(t testing.TB, change func(*Config)) *API {
	t.Helper()
	cfg := Config{Models: models(t), Version: "v1.2.3"}
	if change != nil {
		change(&cfg)
	}
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// ask sends one request; headers are name, value.
func ask(a http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

type resultJSON struct {
	Prediction    string             `json:"prediction"`
	Probability   float64            `json:"probability"`
	CategoryCode  int                `json:"category_code"`
	Probabilities map[string]float64 `json:"probabilities"`
	NeedsReview   *bool              `json:"needs_review"`
	ModelVersion  string             `json:"model_version"`
	Line          int                `json:"line"`
	LastLine      int                `json:"last_line"`
	ComplaintID   string             `json:"complaint_id"`
	Error         *problem           `json:"error"`
}

func body(t testing.TB, texts ...string) string {
	t.Helper()
	b, err := json.Marshal(map[string][]string{"text": texts})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func problemOf(t *testing.T, w *httptest.ResponseRecorder) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%v: %d %s", err, w.Code, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	return p
}
