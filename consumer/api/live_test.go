package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
)

func classified(id, narrative string) []schema.Classified {
	return []schema.Classified{2: {
		Complaint: schema.Complaint{ComplaintID: id, Narrative: narrative}, Category: "Loans", CategoryCode: 2, Probability: 0.9,
	}}
}

func TestActivityLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b ActivityLog
		b.SetAssignment([]Partition{{"complaints", 1}, {"complaints", 2}}, 12)
		for i := range 40 {
			b.Committed(schema.Bureau(), []int{1, 0, 2, 0, 0}, map[schema.Reason]int{schema.ReasonNotJSON: 1}, classified(fmt.Sprint(i), "n"))
			time.Sleep(sampleEvery / 2)
		}
		b.Committed(schema.Bureau(), nil, nil, nil)
		f := b.Activity()
		if !maps.Equal(f.Classified, map[string]int64{"Credit Reporting": 40, "Loans": 80}) || f.DeadLetters[schema.ReasonNotJSON] != 40 {
			t.Errorf("%+v", f)
		}
		if len(f.Partitions) != 2 || f.Partitions[0].Partition != 1 || f.Lag != 12 {
			t.Errorf("%+v, lag %d", f.Partitions, f.Lag)
		}
		if len(f.Latest) != maxLatest || f.Latest[0].ID != "38" || f.Latest[1].ID != "36" {
			t.Errorf("%+v", f.Latest)
		}
	})
}

// What the page shows of a text is short, and holds nothing that the Bureau's
// masks may have missed.
func TestExcerpt(t *testing.T) {
	for in, want := range map[string]string{
		"Call  me\nat +1 (555) 010-9999 or jo.e@mail.example.org.": "Call me at XXXX or XXXX.",
		"card 4111 1111 1111 1111, owed {$500.00} since 2019":      "card XXXX, owed {$500.00} since 2019",
		"ssn 123-45-6789": "ssn XXXX",
		// As silver masks it.
		"ssn 123–45–6789, 555–123–4567, jo (at) example (dot) org": "ssn XXXX, XXXX, XXXX",
		"５５５-１２３-４５６７ or 555-12\u200b3-4567":                       "XXXX or XXXX",
	} {
		if got := excerpt(in, 100); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	long := excerpt(strings.Repeat("é", 1000), 101)
	if long != strings.Repeat("é", 50)+"…" {
		t.Errorf("%q", long)
	}
}

func TestLiveNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b ActivityLog
		m := newMetrics(prometheus.NewRegistry())
		l := newLive(Config{Models: models(t), Stream: &b, Roles: []string{"classify", "api"}}, m)
		go l.run(t.Context())
		time.Sleep(time.Second / 2) // not at the same instant as the ticks
		for range 90 {
			b.Committed(schema.Bureau(), []int{20}, nil, nil)
			for range 5 {
				m.text("Debt Collection")
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		var s state
		if err := json.Unmarshal(l.frame.Load().data, &s); err != nil {
			t.Fatal(err)
		}
		if s.Stream.PerSecond != 20 || s.HTTP.PerSecond != 5 || s.HTTP.Texts != 450 || s.UpSeconds != 90 {
			t.Errorf("%+v, %+v", s.Stream, s)
		}
		var counted int64
		for _, m := range s.Minutes {
			if m.At%60 != 0 {
				t.Errorf("a minute begins at %d", m.At)
			}
			counted += m.Counts["Credit Reporting"]
		}
		if len(s.Minutes) != 2 || counted < 1780 || counted > 1800 || s.Minutes[0].Counts["Credit Reporting"] != 4*s.Minutes[0].Counts["Debt Collection"] {
			t.Errorf("%+v", s.Minutes)
		}
		if s.Model == nil || s.Model.ServesSince != time.Now().Add(-90*time.Second).Unix() || s.Categories[2] != "Loans" {
			t.Errorf("%+v", s)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if len(l.minutes) != maxMinutes || len(l.seconds) != rateSeconds+1 {
			t.Errorf("%d minutes, %d seconds are kept", len(l.minutes), len(l.seconds))
		}
	})
}

// Viewers get the state at once and again each second, and shutdown does not
// wait for them.
func TestLiveEvents(t *testing.T) {
	var b ActivityLog
	a := newAPI(t, func(c *Config) { c.Stream = &b; c.Roles = []string{"classify"} })
	url, stop := serve(t, a)
	resp, err := http.Get(url + routeLive)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	next := func() state {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var s state
				if err := json.Unmarshal([]byte(data), &s); err != nil {
					t.Fatal(err)
				}
				return s
			}
		}
		t.Fatalf("the events ended: %v", lines.Err())
		return state{}
	}
	if s := next(); s.Stream.Classified != 0 {
		t.Errorf("%+v", s.Stream)
	}
	b.Committed(schema.Bureau(), []int{0, 3}, map[schema.Reason]int{schema.ReasonNoText: 1}, classified("7", "My mortgage"))
	s := next()
	for s.Stream.Classified == 0 {
		s = next()
	}
	if s.Stream.Classified != 3 || s.Stream.DeadLetters[schema.ReasonNoText] != 1 || s.Latest[0].Text != "My mortgage" {
		t.Errorf("%+v", s)
	}
	if err := stop(); err != nil {
		t.Errorf("shutdown with a viewer: %v", err)
	}
}

func TestLiveIsGuardedAndBounded(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Token = "secret" })
	if w := ask(a, "GET", routeLive, ""); w.Code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", w.Code)
	}
	a.viewers.Store(maxViewers)
	if w := ask(a, "GET", routeLive, "", "Authorization", "Bearer secret"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("one viewer too many: %d", w.Code)
	}
	if a.viewers.Load() != maxViewers {
		t.Errorf("%d viewers", a.viewers.Load())
	}
}

func TestPage(t *testing.T) {
	a := newAPI(t, nil)
	for path, want := range map[string]string{"/": "<title>Complaints", "/page.js": "use strict", "/page.css": "prefers-color-scheme"} {
		w := ask(a, "GET", path, "")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d", path, w.Code)
		}
		if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
			t.Errorf("%s: %q", path, got)
		}
	}
	page := ask(a, "GET", "/", "").Body.String()
	for _, bad := range []string{`src="http`, `href="http`, "<style", "style=", "onclick"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
}
