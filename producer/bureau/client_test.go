package bureau

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"complaints/producer/bureau/bureautest"

	"github.com/cenkalti/backoff/v5"
)

func newClient(s *bureautest.Server, pageSize int) *Client {
	return New(Config{
		URL: s.URL, PageSize: pageSize, UserAgent: "test", Logger: slog.New(slog.DiscardHandler),
		Backoff: Backoff{Attempts: 4, Base: time.Millisecond, Max: 5 * time.Millisecond},
	})
}

// all returns the ids of all pages.
func all(t *testing.T, c *Client, since string) []string {
	t.Helper()
	var ids []string
	for after := Cursor(""); ; {
		page, err := c.Page(t.Context(), since, after)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Hits) == 0 {
			return ids
		}
		for i := range page.Hits {
			h := &page.Hits[i]
			if h.Err != nil {
				t.Error(h.Err)
			}
			ids = append(ids, h.Complaint.ComplaintID)
		}
		after = page.Next
	}
}

func docs(n int, day string) []bureautest.Doc {
	out := make([]bureautest.Doc, n)
	for i := range out {
		out[i] = bureautest.Doc{ID: fmt.Sprintf("%s-%03d", day[8:], i), Day: day, Narrative: "n"}
	}
	return out
}

func TestPages(t *testing.T) {
	s := bureautest.Start(t, slices.Concat(docs(25, "2026-09-03"), docs(10, "2026-09-02"), docs(5, "2026-09-01"),
		[]bureautest.Doc{{ID: "silent", Day: "2026-09-03"}})...)
	got := all(t, newClient(s, 10), "2026-09-02")
	if len(got) != 35 || !slices.IsSorted(got) || got[0] != "02-000" {
		t.Errorf("%d ids: %v", len(got), got)
	}
	if n := len(s.Requests()); n != 5 {
		t.Errorf("%d requests for 35 complaints, 10 a page: %q", n, s.Requests())
	}
	page, err := newClient(s, 10).Page(t.Context(), "2026-09-02", "")
	if err != nil || page.Total != 35 || page.Hits[0].Complaint.Narrative != "n" || page.Hits[0].Complaint.DateReceived != "2026-09-02" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestFaultsThatPass(t *testing.T) {
	for name, faults := range map[string][]bureautest.Fault{
		"overload":     {bureautest.Status(429, "0"), bureautest.Status(429, "")},
		"server":       {bureautest.Status(500, ""), bureautest.Status(503, "0"), bureautest.Status(502, "soon")},
		"cut body":     {bureautest.Cut, nil, bureautest.Cut},
		"reset":        {nil, bureautest.Reset, bureautest.Reset},
		"a web page":   {bureautest.Body("text/html", "<html>busy</html>")},
		"another JSON": {bureautest.Body("application/json", `{"detail":"busy"}`), bureautest.Body("application/json", `null`)},
	} {
		t.Run(name, func(t *testing.T) {
			s := bureautest.Start(t, docs(25, "2026-09-03")...)
			s.Fail(faults...)
			if got := all(t, newClient(s, 10), "2026-09-01"); len(got) != 25 {
				t.Errorf("%d ids: %v", len(got), got)
			}
		})
	}
}

func TestFaultsThatStay(t *testing.T) {
	same := bureautest.Body("application/json", `{"hits":{"hits":[{"_id":"7","_source":{},"sort":[7,"7"]}]}}`)
	for name, tc := range map[string]struct {
		faults []bureautest.Fault
		want   []string
	}{
		"server":           {slices.Repeat([]bureautest.Fault{bureautest.Status(500, "")}, 4), []string{"4 attempts", "500", "since 2026-09-01"}},
		"refused":          {[]bureautest.Fault{bureautest.Status(400, "")}, []string{"1 attempt", "400", "throttled"}},
		"same page":        {[]bureautest.Fault{same, same}, []string{"behind 7_7"}},
		"no sort":          {[]bureautest.Fault{bureautest.Body("", `{"hits":{"hits":[{"_id":"7","_source":{}}]}}`)}, []string{"sort values", "7"}},
		"never a JSON one": {slices.Repeat([]bureautest.Fault{bureautest.Body("text/html", "<p>")}, 4), []string{"text/html", "4 attempts"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := bureautest.Start(t, docs(2, "2026-09-03")...)
			s.Fail(tc.faults...)
			c := newClient(s, 1)
			page, err := c.Page(t.Context(), "2026-09-01", "")
			if err == nil {
				_, err = c.Page(t.Context(), "2026-09-01", page.Next)
			}
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("err = %v, want %q in it", err, want)
				}
			}
		})
	}
}

// What comes into the index behind the cursor while pages are read is found;
// what comes before it moves nothing.
func TestIndexChangesBetweenPages(t *testing.T) {
	s := bureautest.Start(t, docs(20, "2026-09-03")...)
	s.Fail(nil, bureautest.Then(func() {
		s.Add(bureautest.Doc{ID: "00-early", Day: "2026-09-02", Narrative: "n"}, bureautest.Doc{ID: "99-late", Day: "2026-09-04", Narrative: "n"})
	}))
	got := all(t, newClient(s, 10), "2026-09-01")
	if len(got) != 21 || got[20] != "99-late" || len(slices.Compact(slices.Clone(got))) != 21 {
		t.Errorf("%d ids: %v", len(got), got)
	}
}

func TestBrokenHit(t *testing.T) {
	s := bureautest.Start(t)
	s.Fail(bureautest.Body("", `{"hits":{"total":3,"hits":[{"_id":"1","_source":{"narrative":{"a":1}},"sort":[5,"1"]},{"_id":"2","sort":[5,"2"]},{"_id":3,"_source":{"complaint_what_happened":"x"},"sort":[5,3]}]}}`))
	page, err := newClient(s, 10).Page(t.Context(), "2026-09-01", "")
	if err != nil || len(page.Hits) != 3 || page.Next != "5_3" || page.Total != 3 {
		t.Fatalf("%+v, %v", page, err)
	}
	if page.Hits[0].Err == nil || page.Hits[1].Err == nil || page.Hits[2].Err != nil || page.Hits[2].Complaint.ComplaintID != "3" {
		t.Errorf("%+v", page.Hits)
	}
}

// The server's wish for a pause is heard, and requests keep their distance.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		for wish, want := range map[time.Duration][2]time.Duration{ // of four attempts
			0: {(1 + 2 + 4) * time.Second / 2, (1 + 2 + 4) * time.Second * 3 / 2}, 7 * time.Second: {21 * time.Second, 21 * time.Second}, time.Hour: {3 * maxRetryAfter, 3 * maxRetryAfter},
		} {
			start, attempts := time.Now(), 0
			_, err := backoff.Retry(t.Context(), func() (int, error) {
				attempts++
				return 0, &fault{errors.New("busy"), wish}
			}, Backoff{Attempts: 4, Base: time.Second, Max: time.Minute}.options(func(error, time.Duration) {})...)
			if took := time.Since(start); err == nil || attempts != 4 || took < want[0] || took > want[1] {
				t.Errorf("asked for %s, %d attempts took %s, %v; want %s", wish, attempts, took, err, want)
			}
		}
		for header, want := range map[string]time.Duration{
			"7": 7 * time.Second, "": 0, "soon": 0, "-3": 0, start.Add(90 * time.Second).UTC().Format(http.TimeFormat): 90 * time.Second,
		} {
			if got := retryAfter(http.Header{"Retry-After": {header}}, start); got != want {
				t.Errorf("Retry-After %q is %s, want %s", header, got, want)
			}
		}
	})
}

func TestWindow(t *testing.T) {
	w := NewWindow()
	if got := w.Since("2026-09-01", 2); got != "2026-09-01" {
		t.Errorf("a new window begins at %s", got)
	}
	for i, day := range []string{"2026-09-01", "2026-09-02", "2026-09-03", "2026-09-05"} {
		w.Add(fmt.Sprint(i), day)
		w.Reached(day, 2)
	}
	b, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	w = NewWindow()
	if err := json.Unmarshal(b, w); err != nil {
		t.Fatal(err)
	}
	if w.Has("0") || w.Has("1") || !w.Has("2") || !w.Has("3") {
		t.Errorf("it knows %v", w.days)
	}
	if got := w.Since("2026-09-01", 2); got != "2026-09-03" {
		t.Errorf("goes on at %s", got)
	}
	// A larger overlap must not ask for days whose ids are forgotten.
	if got := w.Since("", 30); got != "2026-09-03" {
		t.Errorf("with a larger overlap it goes on at %s", got)
	}
	if got := w.Since("", 0); got != "2026-09-05" {
		t.Errorf("without an overlap it goes on at %s", got)
	}
	for _, bad := range []string{`{"from":"x","last_date":"2026-01-01"}`, `{"published":{"2026-01-01":["1"]}}`, `[]`, `{"files":1,"last_date":"2026-01-01"}`} {
		if err := json.Unmarshal([]byte(bad), NewWindow()); err == nil {
			t.Errorf("no error for %s", bad)
		}
	}
}
