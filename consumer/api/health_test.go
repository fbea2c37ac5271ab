package api

import (
	"context"
	"errors"
	"strings"
	"testing"

	"complaints/internal/classifier"
)

func TestHealthAndReadiness(t *testing.T) {
	var fault error
	a := newAPI(t, func(c *Config) {
		c.Checks = []Check{{"store", func(context.Context) error { return fault }}}
	})
	if w := ask(a, "GET", routeHealth, ""); w.Code != 200 || !strings.Contains(w.Body.String(), "v1.2.3") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(a, "GET", routeReady, ""); w.Code != 200 || w.Body.String() != `{"ready":true,"checks":[{"name":"model","ok":true},{"name":"store","ok":true}]}`+"\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	fault = errors.New("no answer for 2 minutes")
	if w := ask(a, "GET", routeReady, ""); w.Code != 503 || !strings.Contains(w.Body.String(), `{"name":"store","ok":false,"reason":"no answer for 2 minutes"}`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	empty := newAPI(t, func(c *Config) { c.Models = new(classifier.Holder) })
	if w := ask(empty, "GET", routeReady, ""); w.Code != 503 {
		t.Errorf("without a model: %d", w.Code)
	}
	for _, path := range []string{routePredict, routeFile} {
		if w := ask(empty, "POST", path, body(t, "a text")); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s without a model: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestSupervisionOnly(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Supervision, c.Models = true, new(classifier.Holder) })
	for _, path := range []string{routeHealth, routeReady, routeMetrics} {
		if w := ask(a, "GET", path, ""); w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask(a, "POST", routePredict, body(t, "a text")); w.Code != 404 || strings.Contains(w.Body.String(), routeDocs) {
		t.Errorf("predictions of a process without the role: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{routeDocs, routePage, routeLive} {
		if w := ask(a, "GET", path, ""); w.Code != 404 {
			t.Errorf("%s of a process without the role: %d", path, w.Code)
		}
	}
}

func TestMetrics(t *testing.T) {
	a := newAPI(t, nil)
	ask(a, "POST", routePredict, body(t, examples(t)...))
	ask(a, "POST", routePredict, "x")
	got := ask(a, "GET", routeMetrics, "").Body.String()
	for _, want := range []string{
		`complaints_http_requests_total{route="/v1/predict",status="2xx"} 1`,
		`complaints_http_requests_total{route="/v1/predict",status="4xx"} 1`,
		`complaints_http_texts_total{category="Loans"} 1`,
		`complaints_http_texts_total{category="Credit Card Services"} 0`,
		`complaints_http_seconds_count{route="/v1/predict"} 2`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not there", want)
		}
	}
}
