package api

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestWrongWay(t *testing.T) {
	a := newAPI(t, nil)
	good := body(t, "a text")
	if w := ask(a, "GET", routePredict, ""); w.Code != 405 || w.Header().Get("Allow") != "POST" || problemOf(t, w).Type != problemType+"method-not-allowed" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := ask(a, "DELETE", routeHealth, ""); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	for _, given := range []string{"", "text/plain", "application/json; charset=latin1", "application/jsonx", ";"} {
		if w := ask(a, "POST", routePredict, good, "Content-Type", given); w.Code != 415 || problemOf(t, w).Type != problemType+"unsupported-media-type" {
			t.Errorf("Content-Type %q: %d", given, w.Code)
		}
	}
	if w := ask(a, "POST", routePredict, good, "Content-Type", "application/json", "Content-Encoding", "gzip"); w.Code != 415 || w.Header().Get("Accept-Encoding") != "identity" {
		t.Errorf("Content-Encoding: %d %v", w.Code, w.Header())
	}
	if w := ask(a, "POST", routePredict, good, "Content-Type", "application/json", "Content-Encoding", "identity"); w.Code != 200 {
		t.Errorf("Content-Encoding identity: %d", w.Code)
	}
	if w := ask(a, "GET", "/v2", ""); w.Code != 404 || problemOf(t, w).Type != problemType+"not-found" {
		t.Errorf("%d", w.Code)
	}
}

// A parameter with a slip in its name is refused by name, wherever a program may send one.
func TestUnknownParameters(t *testing.T) {
	a := newAPI(t, nil)
	for _, route := range []struct{ method, path, body string }{
		{"POST", routePredict, body(t, "a text")}, {"POST", routeFile, "narrative\na text\n"}, {"GET", routeLive, ""},
	} {
		for query, want := range map[string]struct{ kind, field string }{
			"nonsense=1":       {"unknown-parameter", "nonsense"},
			"nonsense":         {"unknown-parameter", "nonsense"},
			"=1":               {"unknown-parameter", ""},
			"b=1&a=1":          {"unknown-parameter", "a"},
			"Explain=true":     {"unknown-parameter", "Explain"},
			"a%20%22b=1":       {"unknown-parameter", `a "b`},
			"%zz=1":            {"bad-query", ""},
			"explain=true;a=1": {"bad-query", ""},
		} {
			w := ask(a, route.method, route.path+"?"+query, route.body)
			if p := problemOf(t, w); w.Code != 400 || p.Type != problemType+want.kind || p.Field != want.field {
				t.Errorf("%s?%s: %d %+v", route.path, query, w.Code, p)
			}
		}
	}
	if w := ask(a, "POST", routePredict+"?", body(t, "a text")); w.Code != 200 {
		t.Errorf("an empty query: %d %s", w.Code, w.Body)
	}
	if w := ask(a, "GET", routeHealth+"?t=1", ""); w.Code != 200 {
		t.Errorf("a supervisor's own parameter: %d", w.Code)
	}
}

func TestToken(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Token = "secret" })
	good := body(t, "a text")
	for given, want := range map[string]int{"": 401, "secret": 401, "Bearer wrong": 401, "Bearer ": 401, "Basic secret": 401, "Bearer secret": 200, "bearer secret": 200} {
		w := ask(a, "POST", routePredict, good, "Authorization", given)
		if w.Code != want {
			t.Errorf("Authorization %q: %d, want %d", given, w.Code, want)
		}
		if want == 401 && (w.Header().Get("WWW-Authenticate") == "" || problemOf(t, w).Type != problemType+"unauthorized") {
			t.Errorf("%v", w.Header())
		}
	}
	for _, path := range []string{routeHealth, routeReady, routeMetrics, routeDocs, routeOpenAPI} {
		if w := ask(a, "GET", path, ""); w.Code != 200 {
			t.Errorf("%s without a token: %d", path, w.Code)
		}
	}
	if b := ask(a, "GET", routeOpenAPI, "").Body.String(); !strings.Contains(b, `"bearer"`) || !strings.Contains(b, `"401"`) {
		t.Error("the description does not mention the token")
	}
}

// Large answers are packed for who takes that, and say the same.
func TestCompressedAnswers(t *testing.T) {
	a := newAPI(t, nil)
	texts := body(t, slices.Repeat(examples(t), 5)...)
	plain := ask(a, "POST", routePredict, texts)
	for coding, unpack := range map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		w := ask(a, "POST", routePredict, texts, "Accept-Encoding", coding)
		if got := w.Header().Get("Content-Encoding"); got != coding || w.Body.Len()*2 > plain.Body.Len() {
			t.Errorf("%s: Content-Encoding %q, %d bytes of %d", coding, got, w.Body.Len(), plain.Body.Len())
			continue
		}
		unpacked, err := unpack(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(got, plain.Body.Bytes()) {
			t.Errorf("%s: %v: %s", coding, err, got)
		}
	}
	if w := ask(a, "POST", routePredict, body(t, "a text"), "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "" {
		t.Error("a small answer is packed")
	}
	if plain.Header().Get("Vary") == "" {
		t.Error("a cache would not know that there are two answers")
	}
}

// Pages of configured origins may ask and read what is answered, problems too; others may not.
func TestCORS(t *testing.T) {
	const ours = "https://desk.example.org"
	a := newAPI(t, func(c *Config) { c.CORSOrigins, c.Token = []string{ours}, "secret" })
	preflight := func(a http.Handler, origin string) *httptest.ResponseRecorder {
		return ask(a, "OPTIONS", routePredict, "", "Origin", origin, "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "authorization,content-type")
	}
	allowed := func(w *httptest.ResponseRecorder) string { return w.Header().Get("Access-Control-Allow-Origin") }
	if w := preflight(a, ours); w.Code != 204 || allowed(w) != ours || w.Header().Get("Access-Control-Allow-Headers") == "" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	if w := ask(a, "POST", routePredict, body(t, "a text"), "Origin", ours, "Authorization", "Bearer secret"); w.Code != 200 || allowed(w) != ours {
		t.Errorf("a prediction: %d %v", w.Code, w.Header())
	}
	if w := ask(a, "POST", routePredict, body(t, "a text"), "Origin", ours); w.Code != 401 || allowed(w) != ours {
		t.Errorf("a problem: %d %v", w.Code, w.Header())
	}
	if w := preflight(a, "https://other.example.org"); allowed(w) != "" {
		t.Errorf("another origin: %v", w.Header())
	}
	if w := preflight(newAPI(t, func(c *Config) { c.CORSOrigins = []string{"*"} }), ours); allowed(w) != "*" {
		t.Errorf("all origins: %v", w.Header())
	}
	if w := preflight(newAPI(t, nil), ours); allowed(w) != "" || w.Code != 405 {
		t.Errorf("none configured: %d %v", w.Code, w.Header())
	}
}
