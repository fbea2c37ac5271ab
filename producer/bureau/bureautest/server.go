// Package bureautest serves complaints as the Bureau's search API does, for
// tests: the parameters and the shape of the answers follow the API's own
// documentation and source, and faults can be put in the way.
package bureautest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Doc is a complaint in the index.
type Doc struct {
	ID        string
	Day       string // received on, YYYY-MM-DD
	Narrative string
}

// Fault answers in the place of the API; false lets the API answer after it.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// Server is the API. Its methods may be called while requests are under way.
type Server struct {
	URL string

	mu       sync.Mutex // guards all below
	docs     []Doc
	faults   []Fault
	requests []string
}

// Start serves docs until the test ends.
func Start(tb testing.TB, docs ...Doc) *Server {
	tb.Helper()
	s := &Server{docs: docs}
	h := httptest.NewServer(s)
	tb.Cleanup(h.Close)
	s.URL = h.URL + "/search/api/v1/"
	return s
}

// Add puts further complaints into the index.
func (s *Server) Add(docs ...Doc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs = append(s.docs, docs...)
}

// Fail puts faults before the next requests, one each; nil is none.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Requests returns the queries so far.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.URL.RawQuery)
	var fault Fault
	if len(s.faults) > 0 {
		fault, s.faults = s.faults[0], s.faults[1:]
	}
	s.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	s.search(w, r)
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size, err := strconv.Atoi(q.Get("size"))
	if err != nil || size < 1 || q.Get("sort") != "created_date_asc" || q.Get("field") != "all" {
		http.Error(w, `{"size":["A valid integer is required."]}`, http.StatusBadRequest)
		return
	}
	var found []Doc
	s.mu.Lock()
	for _, d := range s.docs {
		if d.Day >= q.Get("date_received_min") && (q.Get("has_narrative") != "true" || d.Narrative != "") {
			found = append(found, d)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(found, compare)
	total := len(found)
	if after := q.Get("search_after"); after != "" {
		found = slices.DeleteFunc(found, func(d Doc) bool { return !behind(d, after) })
	}
	found = found[:min(size, len(found))]
	hits := make([]map[string]any, 0, len(found))
	for _, d := range found {
		hits = append(hits, d.hit())
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ //nolint:errchkjson // a client that went away is its own matter
		"took": 3, "timed_out": false,
		"hits":  map[string]any{"total": map[string]any{"value": total, "relation": "eq"}, "max_score": nil, "hits": hits},
		"_meta": map[string]any{"license": "CC0", "total_record_count": total, "break_points": map[string]any{}},
	})
}

// compare orders as the API does: by day, then by id as a text.
func compare(a, b Doc) int {
	return cmp.Or(cmp.Compare(a.millis(), b.millis()), cmp.Compare(a.ID, b.ID))
}

func behind(d Doc, after string) bool {
	ms, id, _ := strings.Cut(after, "_")
	n, err := strconv.ParseInt(ms, 10, 64)
	return err == nil && (d.millis() > n || d.millis() == n && d.ID > id)
}

func (d Doc) millis() int64 {
	t, err := time.Parse(time.DateOnly, d.Day)
	if err != nil {
		return 0
	}
	return t.Add(17 * time.Hour).UnixMilli()
}

func (d Doc) hit() map[string]any {
	return map[string]any{
		"_index": "complaint-public-v2", "_id": d.ID, "_score": nil, "sort": []any{d.millis(), d.ID},
		"_source": map[string]any{
			"complaint_id": d.ID, "date_received": d.Day + "T12:00:00-05:00", "complaint_what_happened": d.Narrative,
			"has_narrative": d.Narrative != "", "product": "Mortgage", "sub_issue": nil, "tags": nil, "timely": "Yes", "zip_code": "207XX",
		},
	}
}

// Status answers with a status and, if not empty, a Retry-After.
func Status(code int, retryAfter string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		http.Error(w, `{"detail":"Request was throttled."}`, code)
		return true
	}
}

// Body answers 200 with a body.
func Body(contentType, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", contentType)
		_, _ = fmt.Fprint(w, body)
		return true
	}
}

// Cut ends the connection within the body.
func Cut(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Content-Length", "10000")
	_, _ = fmt.Fprint(w, `{"hits":{"total":{"value":3},"hits":[{"_id":"1"`)
	panic(http.ErrAbortHandler)
}

// Reset resets the connection before an answer.
func Reset(w http.ResponseWriter, _ *http.Request) bool {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // close sends a reset
	}
	_ = conn.Close()
	return true
}

// Then calls f and lets the API answer.
func Then(f func()) Fault {
	return func(http.ResponseWriter, *http.Request) bool { f(); return false }
}
