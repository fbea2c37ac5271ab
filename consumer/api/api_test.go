package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/complaintfile"
	"complaints/schema"

	"github.com/santhosh-tekuri/jsonschema/v6"
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
	ComplaintID   string             `json:"complaint_id"`
	Error         *problem           `json:"error"`
}

// examples are the texts that /docs is prefilled with.
func examples(t testing.TB) []string {
	t.Helper()
	return describedBy(t, openapiFile).Paths[routePredict]["post"].RequestBody.Content["application/json"].Examples["three"].Value.Text
}

// description is what the tests look at of openapi.json.
type description struct {
	OpenAPI string `json:"openapi"`
	Info    struct {
		Version string `json:"version"`
	} `json:"info"`
	Paths map[string]map[string]struct {
		Responses   map[string]json.RawMessage `json:"responses"`
		RequestBody struct {
			Content map[string]struct {
				Examples map[string]struct {
					Value struct {
						Text []string `json:"text"`
					} `json:"value"`
				} `json:"examples"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"paths"`
	Components struct {
		Schemas struct {
			Texts struct {
				Properties struct {
					Text struct {
						MaxItems int `json:"maxItems"`
					} `json:"text"`
				} `json:"properties"`
			} `json:"Texts"`
		} `json:"schemas"`
	} `json:"components"`
}

func describedBy(t testing.TB, doc []byte) description {
	t.Helper()
	var d description
	if err := json.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func body(t testing.TB, texts ...string) string {
	t.Helper()
	b, err := json.Marshal(map[string][]string{"text": texts})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

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
	for i, want := range []schema.Category{schema.CreditReporting, schema.DebtCollection, schema.Loans} {
		r := got.Results[i]
		p := c.Predict([]byte(texts[i]), scratch)
		if r.Prediction != want.String() || r.CategoryCode != int(want) || r.Probability != p.Probability || r.ModelVersion != c.Version() || r.NeedsReview == nil {
			t.Errorf("%d: %+v, want %s with %v", i, r, want, p.Probability)
		}
		sum := 0.0
		for _, category := range schema.Categories() {
			if r.Probabilities[category.String()] != p.Probabilities[category] {
				t.Errorf("%d: %s is %v, want %v", i, category, r.Probabilities[category.String()], p.Probabilities[category])
			}
			sum += p.Probabilities[category]
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

func TestProblems(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{Texts: 3, TextBytes: 20, RequestBytes: 200} })
	for name, tc := range map[string]struct {
		body   string
		status int
		kind   string
		field  string
		index  int // -1: none
	}{
		"empty list":       {`{"text":[]}`, 422, "no-texts", "text", -1},
		"empty text":       {`{"text":["a",""]}`, 422, "empty-text", "text[1]", 1},
		"blank text":       {`{"text":["\t \n"]}`, 422, "empty-text", "text[0]", 0},
		"list of others":   {`{"text":["a",{"b":[1.5e3,-0,true,null]}]}`, 422, "wrong-type", "text[1]", 1},
		"null text":        {`{"text":[null]}`, 422, "wrong-type", "text[0]", 0},
		"no list":          {`{"text":"a"}`, 422, "wrong-type", "text", -1},
		"null":             {`{"text":null}`, 422, "wrong-type", "text", -1},
		"unknown field":    {`{"text":["a"],"texts":["b"]}`, 422, "unknown-field", "texts", -1},
		"upper case":       {`{"Text":["a"]}`, 422, "unknown-field", "Text", -1},
		"twice":            {`{"text":["a"],"text":["b"]}`, 422, "repeated-field", "text", -1},
		"missing":          {`{}`, 422, "missing-field", "text", -1},
		"no object":        {`["a"]`, 422, "wrong-type", "", -1},
		"too many":         {`{"text":["a","b","c","d"]}`, 422, "too-many-texts", "text", -1},
		"too long":         {`{"text":["a","bbbbbbbbbbbbbbbbbbbbb"]}`, 422, "text-too-long", "text[1]", 1},
		"not JSON":         {`{"text":["a"}`, 400, "not-json", "", -1},
		"cut":              {`{"text":["a`, 400, "not-json", "", -1},
		"goes on":          {`{"text":["a"]}{}`, 400, "not-json", "", -1},
		"control":          {"{\"text\":[\"a\nb\"]}", 400, "not-json", "", -1},
		"bad escape":       {`{"text":["\u12"]}`, 400, "not-json", "", -1},
		"nothing":          {``, 400, "not-json", "", -1},
		"invalid UTF-8":    {"{\"text\":[\"a\xff\"]}", 400, "invalid-utf8", "", -1},
		"large request":    {`{"text":["` + strings.Repeat("a", 300) + `"]}`, 413, "request-too-large", "", -1},
		"deep":             {`{"text":[` + strings.Repeat("[", 150), 400, "not-json", "", -1},
		"wrong and broken": {`{"text":[[1,]]}`, 400, "not-json", "", -1},
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(a, "POST", routePredict, tc.body)
			p := problemOf(t, w)
			index := -1
			if p.Index != nil {
				index = *p.Index
			}
			if w.Code != tc.status || p.Status != tc.status || p.Type != problemType+tc.kind || p.Field != tc.field || index != tc.index {
				t.Errorf("%d %+v (index %d)", w.Code, p, index)
			}
		})
	}
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

// Requests above the limit are refused at once, and those in flight are answered.
func TestOverload(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{InFlight: 2, Workers: 1, Time: time.Minute} })
	worker, err := a.gate.work(t.Context(), a.cfg.Models.Current())
	if err != nil {
		t.Fatal(err)
	}
	good := body(t, "a text")
	answers := make(chan int)
	for range 2 {
		go func() { answers <- ask(a, "POST", routePredict, good).Code }()
	}
	for len(a.gate.inFlight) < 2 {
		time.Sleep(time.Millisecond)
	}
	w := ask(a, "POST", routePredict, good)
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" || problemOf(t, w).Type != problemType+"overloaded" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	a.gate.done(worker)
	for range 2 {
		if code := <-answers; code != 200 {
			t.Errorf("one that was in flight: %d", code)
		}
	}
	if w := ask(a, "POST", routePredict, good); w.Code != 200 {
		t.Errorf("after the overload: %d", w.Code)
	}
}

func TestNoWorkerInTime(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{Workers: 1, Time: time.Millisecond} })
	if _, err := a.gate.work(t.Context(), a.cfg.Models.Current()); err != nil {
		t.Fatal(err)
	}
	if w := ask(a, "POST", routePredict, body(t, "a text")); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

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

func TestFile(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{TextBytes: 300} })
	texts := examples(t)
	var in bytes.Buffer
	fmt.Fprintf(&in, "id,narrative\n7,\"%s\"\n8,\n9,a,b\n,\"%s\"\n10,%s\n", texts[1], texts[2], strings.Repeat("x", 301))
	w := ask(a, "POST", routeFile, in.String(), "Content-Type", "text/csv")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var got []resultJSON
	for d := json.NewDecoder(w.Body); ; {
		var r resultJSON
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if len(got) != 5 {
		t.Fatalf("%+v", got)
	}
	if r := got[0]; r.Prediction != "Debt Collection" || r.ComplaintID != "7" || r.Line != 2 || r.Error != nil {
		t.Errorf("%+v", r)
	}
	if r := got[3]; r.Prediction != "Loans" || r.ComplaintID != "" || r.Line != 5 {
		t.Errorf("%+v", r)
	}
	for i, kind := range map[int]string{1: "no-text", 2: "broken-row", 4: "text-too-long"} {
		if r := got[i]; r.Error == nil || r.Error.Type != problemType+kind || r.Line != i+2 || r.Prediction != "" {
			t.Errorf("%d: %+v", i, r)
		}
	}
	if w := ask(a, "POST", routeFile, "a,b\n1,2\n", "Content-Type", "text/csv"); w.Code != 422 || problemOf(t, w).Type != problemType+"bad-file" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	a.uploads <- struct{}{}
	a.uploads <- struct{}{}
	a.uploads <- struct{}{}
	a.uploads <- struct{}{}
	if w := ask(a, "POST", routeFile, in.String()); w.Code != 503 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// serve runs a on a free port; the function ends it.
func serve(t *testing.T, a *API) (url string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return "http://" + l.Addr().String(), stop
}

// Results of the first rows come before the last rows are sent.
func TestFileStreams(t *testing.T) {
	url, _ := serve(t, newAPI(t, nil))
	body, write := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+routeFile, body)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 20_000
	gotFirst := make(chan struct{})
	go func() {
		fmt.Fprintln(write, "id,narrative")
		for i := range rows {
			if i == rows/2 {
				<-gotFirst
			}
			fmt.Fprintf(write, "%d,My mortgage payment number %d was lost.\n", i, i)
		}
		write.Close()
	}()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	for i := range rows {
		var r resultJSON
		if err := d.Decode(&r); err != nil || r.ComplaintID != fmt.Sprint(i) || r.Prediction == "" {
			t.Fatalf("row %d: %v %+v", i, err, r)
		}
		if i == 0 {
			close(gotFirst)
		}
	}
	if d.More() {
		t.Error("more results than rows")
	}
}

// Shutdown answers what is in flight and takes nothing new.
func TestGracefulShutdown(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{Workers: 1} })
	worker, err := a.gate.work(t.Context(), a.cfg.Models.Current())
	if err != nil {
		t.Fatal(err)
	}
	url, stop := serve(t, a)
	answered := make(chan error, 1)
	go func() {
		resp, err := http.Post(url+routePredict, "application/json", strings.NewReader(body(t, "a text")))
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
		}
		answered <- err
	}()
	for len(a.gate.inFlight) < 1 {
		time.Sleep(time.Millisecond)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for {
		if _, err := http.Get(url + routeHealth); err != nil { //nolint:bodyclose // there is none
			break
		}
		time.Sleep(time.Millisecond)
	}
	a.gate.done(worker)
	if err := <-answered; err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("no error without models")
	}
	if _, err := New(Config{Models: models(t), Limits: Limits{Texts: -1, Workers: -2}}); err == nil || !strings.Contains(err.Error(), "texts") || !strings.Contains(err.Error(), "workers") {
		t.Errorf("err = %v", err)
	}
}

func TestDocs(t *testing.T) {
	a := newAPI(t, nil)
	for path, want := range map[string]string{routeDocs: "swagger-ui-bundle.js", routeDocs + "/": routeOpenAPI, routeDocs + "/swagger-ui-bundle.js": "SwaggerUI", routeDocs + "/swagger-ui.css": "swagger-ui"} {
		if w := ask(a, "GET", path, ""); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d, %q is not in it", path, w.Code, want)
		}
	}
	if page := ask(a, "GET", routeDocs, "").Body.String(); strings.Contains(page, `="http`) || strings.Contains(page, `="//`) {
		t.Error("the page needs the internet")
	}
}

// The description names all routes for clients, and what they answer fits it.
func TestDescription(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{Texts: 7} })
	doc := ask(a, "GET", routeOpenAPI, "").Body.Bytes()
	d := describedBy(t, doc)
	if d.OpenAPI != "3.1.0" || d.Info.Version != "1.2.3" || d.Components.Schemas.Texts.Properties.Text.MaxItems != 7 {
		t.Errorf("%+v", d)
	}
	for _, route := range routeNames {
		_, described := d.Paths[route]
		if forPeople := route == routeDocs || route == routePage || route == routeLive || route == routeOther; described == forPeople {
			t.Errorf("%s: described %v", route, described)
		}
	}
	for path, methods := range d.Paths {
		for method, op := range methods {
			other := map[string]string{"get": "POST", "post": "GET"}[method]
			if w := ask(a, other, path, ""); w.Code != 405 || op.Responses["405"] == nil {
				t.Errorf("%s %s: %d", other, path, w.Code)
			}
		}
	}
	fits := validator(t, doc)
	good := ask(a, "POST", routePredict, body(t, examples(t)...))
	fits(t, "Results", good.Body.Bytes())
	for _, bad := range []string{"", `{"text":["a",""]}`, `{"text":[1]}`} {
		w := ask(a, "POST", routePredict, bad)
		fits(t, "Problem", w.Body.Bytes())
		if d.Paths[routePredict]["post"].Responses[fmt.Sprint(w.Code)] == nil {
			t.Errorf("%d is not described", w.Code)
		}
	}
	fits(t, "Ready", ask(a, "GET", routeReady, "").Body.Bytes())
	fits(t, "Health", ask(a, "GET", routeHealth, "").Body.Bytes())
}

// validator checks values against a schema of the description.
func validator(t *testing.T, doc []byte) func(t *testing.T, name string, value []byte) {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:openapi", parsed); err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, name string, value []byte) {
		t.Helper()
		s, err := c.Compile("urn:openapi#/components/schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
		if err == nil {
			err = s.Validate(v)
		}
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, value)
		}
	}
}

// The decoder takes what encoding/json takes of this shape, and reads the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"text":["a","b"]}`, `{"text":["\ud83d\ude42 \ud83d \u00e9 \"\\\/\b\f\n\r\t"]}`, ` { "text" : [ "a" , "b" ] } `, `{"text":[]}`,
		`{"text":[1,{"a":[true,false,null,-1.5e+3]}]}`, `{"te\u0078t":["a"]}`, `{"text":["a"],"text":["b"]}`, `{"x":[[[]]]}`, "{\"text\":[\"\xff\"]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := decoder{limit: Limits{}.withDefaults()}
		got, p := d.decode(slices.Clone(b))
		if p != nil && (p.Status < 400 || p.Status > 499 || p.Detail == "") {
			t.Fatalf("%+v", p)
		}
		var want struct {
			Text []string `json:"text"`
		}
		strict := json.NewDecoder(bytes.NewReader(b))
		strict.DisallowUnknownFields()
		err := strict.Decode(&want)
		if p == nil {
			if err != nil || len(got) != len(want.Text) {
				t.Fatalf("%q: got %q, encoding/json %q, %v", b, got, want.Text, err)
			}
			for i := range got {
				if string(got[i]) != want.Text[i] {
					t.Fatalf("%q: text %d is %q, want %q", b, i, got[i], want.Text[i])
				}
			}
			return
		}
		if p.Type == problemType+"not-json" && json.Valid(b) && !bytes.Contains(b, bytes.Repeat([]byte("["), 40)) && len(b) < 500 {
			t.Fatalf("%q is JSON: %v", b, p)
		}
	})
}

// A few kilobytes of gzip unpack to rows of megabytes: what is held of a file is
// bounded by bytes, not by rows alone.
func TestFileHoldsFewLargeRows(t *testing.T) {
	for name, format := range map[string]string{
		"narrative": "%[1]s,\n", "another column": "x,%[1]s\n",
	} {
		line := fmt.Sprintf(format, strings.Repeat("x", 1<<20))
		rows, err := complaintfile.NewReader(strings.NewReader("narrative,product\n"+strings.Repeat(line, rowsAtOnce)), "f")
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for f := (&fileAnswer{rows: rows}); err == nil; {
			var batch []rowOrError
			if batch, err = f.read(); len(batch) > 2 {
				t.Fatalf("%s: %d rows of a megabyte are held at once", name, len(batch))
			}
			total += len(batch)
		}
		if total != rowsAtOnce || !errors.Is(err, io.EOF) {
			t.Errorf("%s: %d rows, %v", name, total, err)
		}
	}
}
