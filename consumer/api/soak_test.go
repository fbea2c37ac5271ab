package api

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	soakTime = flag.Duration("soak", 0, "how long TestSoak goes on; 0: a few rounds of each kind of request")
	soakRate = flag.Float64("soak-rate", 50, "requests a second of a TestSoak that has a length")
)

const (
	soakRounds  = 25 // of a TestSoak without a length
	soakClients = 4
	soakGrowth  = 300_000 // bytes that the heap may grow: less than two a request of the hour
)

// Good and bad requests, broken connections and overload leave neither memory
// nor goroutines behind. `make soak-api` does it for an hour.
func TestSoak(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{InFlight: 6, Uploads: 6, Texts: 200, RequestBytes: 100_000} })
	url, _ := serve(t, a)
	s := &soak{url: url, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: soakClients}}}
	s.prepare(t)
	s.idle = s.goroutines(t)
	before := s.idle
	s.rounds(t, 3)
	s.sent.Store(0)
	began := time.Now()
	warm := s.heap()
	t.Logf("%d kinds of requests; after warm-up the heap holds %.2f MB; %d goroutines before the first request", len(s.kinds), megabytes(warm), before)
	if *soakTime == 0 {
		s.rounds(t, soakRounds)
	}
	for end := began.Add(*soakTime); time.Now().Before(end) && !t.Failed(); {
		part := min(*soakTime/6, time.Until(end))
		s.paced(t, part)
		t.Logf("after %s: %d requests, heap %.2f MB", time.Since(began).Round(time.Second), s.sent.Load(), megabytes(s.heap()))
	}
	heap := s.heap()
	after := runtime.NumGoroutine()
	t.Logf("at the end: %d requests in %s, heap %+.3f MB, %d goroutines", s.sent.Load(), time.Since(began).Round(time.Second), megabytes(heap)-megabytes(warm), after)
	if heap > warm+soakGrowth {
		t.Errorf("the heap grew from %d to %d bytes", warm, heap)
	}
	if after > before {
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines before, %d after:\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
	}
}

func megabytes(n uint64) float64 { return float64(n) / 1e6 }

// soak sends requests of all kinds.
type soak struct {
	url    string
	client *http.Client
	idle   int // goroutines before the first request
	kinds  []soakKind
	sent   atomic.Int64
}

type soakKind struct {
	name string
	send func(ctx context.Context) error
}

// goroutines is how many there are when the server runs and nobody asks anything.
func (s *soak) goroutines(t *testing.T) int {
	t.Helper()
	if err := s.ask(t.Context(), "GET", routeHealth, http.NoBody, 200); err != nil {
		t.Fatal(err)
	}
	s.client.CloseIdleConnections()
	n := runtime.NumGoroutine()
	for same := 0; same < 20; same++ {
		time.Sleep(10 * time.Millisecond) // the connection's end
		if now := runtime.NumGoroutine(); now != n {
			n, same = now, 0
		}
	}
	return n
}

// heap is what is in use after everything that may go has gone.
func (s *soak) heap() uint64 {
	s.client.CloseIdleConnections()
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > s.idle && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond) // the server ends the connections, each with its buffers, that clients broke off
	}
	runtime.GC()
	runtime.GC() // pools give way in the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (s *soak) rounds(t *testing.T, n int) {
	t.Helper()
	s.send(t, func(kinds chan<- soakKind) {
		for range n {
			for _, k := range s.kinds {
				kinds <- k
			}
		}
	})
}

// paced sends at the rate of the flag.
func (s *soak) paced(t *testing.T, d time.Duration) {
	t.Helper()
	s.send(t, func(kinds chan<- soakKind) {
		tick := time.NewTicker(time.Duration(float64(time.Second) / *soakRate))
		defer tick.Stop()
		end := time.Now().Add(d)
		for i := 0; time.Now().Before(end) && !t.Failed(); i++ {
			kinds <- s.kinds[i%len(s.kinds)]
			<-tick.C
		}
	})
}

// send sends what feed gives, by several clients at once.
func (s *soak) send(t *testing.T, feed func(kinds chan<- soakKind)) {
	t.Helper()
	kinds := make(chan soakKind)
	var clients sync.WaitGroup
	for range soakClients {
		clients.Go(func() {
			for k := range kinds {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if err := k.send(ctx); err != nil && !errors.Is(err, errBusy) {
					t.Errorf("%s: %v", k.name, err)
				}
				cancel()
			}
		})
	}
	feed(kinds)
	close(kinds)
	clients.Wait()
}

// prepare lists the kinds of requests.
func (s *soak) prepare(t *testing.T) {
	t.Helper()
	texts := examples(t)
	three := body(t, texts...)
	long := strings.Repeat(texts[0]+" ", 60)
	for _, r := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"three texts", "POST", routePredict, three, 200},
		{"one text", "POST", routePredict, body(t, texts[1]), 200},
		{"three explained", "POST", routePredict + "?explain=true", three, 200},
		{"a slip in a name", "POST", routePredict + "?explian=true", three, 400},
		{"many texts", "POST", routePredict, body(t, strings.Split(strings.Repeat("my card was charged\n", 199), "\n")[:199]...), 200},
		{"a long text", "POST", routePredict, body(t, long), 200},
		{"not a word", "POST", routePredict, `{"text":["\u00e9\ud83d\ude42"]}`, 200},
		{"no list", "POST", routePredict, `{"text":[]}`, 422},
		{"an empty text", "POST", routePredict, `{"text":["a",""]}`, 422},
		{"a number", "POST", routePredict, `{"text":[1]}`, 422},
		{"an unknown field", "POST", routePredict, `{"texts":["a"]}`, 422},
		{"too many texts", "POST", routePredict, body(t, strings.Split(strings.Repeat("a,", 300)+"a", ",")...), 422},
		{"not JSON", "POST", routePredict, `{"text":["a"`, 400},
		{"invalid UTF-8", "POST", routePredict, "{\"text\":[\"\xff\"]}", 400},
		{"too large", "POST", routePredict, `{"text":["` + strings.Repeat("a", 200_000) + `"]}`, 413},
		{"wrong method", "GET", routePredict, "", 405},
		{"a file", "POST", routeFile, "id,narrative\n" + strings.Repeat("1,My mortgage payment was lost.\n2,\n3,a,b\n", 100), 200},
		{"a bad file", "POST", routeFile, "a,b\n1,2\n", 422},
		{"nothing there", "GET", "/v2", "", 404},
		{"the page", "GET", routePage, "", 200},
		{"the documentation", "GET", routeDocs, "", 200},
		{"the description", "GET", routeOpenAPI, "", 200},
		{"metrics", "GET", routeMetrics, "", 200},
		{"readiness", "GET", routeReady, "", 200},
	} {
		s.add(r.name, func(ctx context.Context) error {
			return s.ask(ctx, r.method, r.path, strings.NewReader(r.body), r.status)
		})
	}
	s.add("a body of unknown length", func(ctx context.Context) error {
		return s.ask(ctx, "POST", routePredict, io.MultiReader(strings.NewReader(three)), 200)
	})
	s.add("a viewer who leaves", s.look)
	s.add("more at once than may be", func(ctx context.Context) error { return s.burst(ctx, three) })
	for name, text := range map[string]string{
		"half a header":   "POST /v1/predict HTTP/1.1\r\nHost: a\r\nCont",
		"half a body":     "POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"text\":[",
		"half a file":     "POST /v1/predict/file HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nContent-Length: 100000\r\n\r\nid,narrative\n" + strings.Repeat("1,My card\n", 99),
		"no wish to know": "POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: " + fmt.Sprint(len(three)) + "\r\n\r\n" + three,
		"not HTTP":        "\x16\x03\x01\r\n\r\n",
	} {
		s.add(name, func(ctx context.Context) error { return s.breakOff(ctx, text) })
	}
}

func (s *soak) add(name string, send func(ctx context.Context) error) {
	s.kinds = append(s.kinds, soakKind{name, send})
}

// errBusy says that the server had no room, which a client must expect.
var errBusy = errors.New("503")

func (s *soak) ask(ctx context.Context, method, path string, body io.Reader, status int) error {
	s.sent.Add(1)
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		return errBusy
	case resp.StatusCode != status:
		return fmt.Errorf("%s, want %d: %.200s", resp.Status, status, answer)
	}
	return nil
}

// look reads the first event of the live page.
func (s *soak) look(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.sent.Add(1)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+routeLive, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadFull(resp.Body, make([]byte, 6))
	return err
}

// burst sends more than may be in flight; each is answered or told to come again.
func (s *soak) burst(ctx context.Context, body string) error {
	errs := make([]error, 20)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = s.ask(ctx, "POST", routePredict, strings.NewReader(body), 200) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, errBusy) {
			return err
		}
	}
	return nil
}

// breakOff sends a part of a request, or one without waiting for its answer, and hangs up.
func (s *soak) breakOff(ctx context.Context, text string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		return err
	}
	s.sent.Add(1)
	if _, err := io.WriteString(conn, text); err != nil {
		conn.Close()
		return err
	}
	return conn.Close()
}
