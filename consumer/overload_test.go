package main

import (
	"bufio"
	"context"
	"encoding/json"
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

	"complaints/consumer/classify"
	"complaints/internal/classifier"

	"github.com/twmb/franz-go/pkg/kgo"
)

// flood asks for predictions as fast as it can, by many clients, until it is stopped.
type flood struct {
	answered, refused atomic.Int64
	stop              func()
}

func startFlood(t *testing.T, url string) *flood {
	t.Helper()
	texts := make([]string, 300)
	for i := range texts {
		texts[i] = strings.Repeat(fmt.Sprintf("A debt collector calls me about debt %d that is not mine. ", i), 20)
	}
	body, err := json.Marshal(map[string][]string{"text": texts})
	if err != nil {
		t.Fatal(err)
	}
	f := &flood{}
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	f.stop = func() { cancel(); clients.Wait() }
	t.Cleanup(f.stop)
	for range 16 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if err := f.ask(ctx, url, string(body)); err != nil && ctx.Err() == nil {
					t.Errorf("under overload: %v", err)
					return
				}
			}
		})
	}
	return f
}

func (f *flood) ask(ctx context.Context, url, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/predict", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		f.answered.Add(1)
	case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		f.refused.Add(1)
		time.Sleep(time.Millisecond) // a client that hears it, though it comes again much too early
	default:
		return fmt.Errorf("%s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	return nil
}

// Overload of the API is answered with 503, and the stream of the same process goes on.
func TestTheStreamGoesOnUnderOverload(t *testing.T) {
	s := startWebsite(t, "--http-max-in-flight", "3")
	f := startFlood(t, s.url)
	for deadline := time.Now().Add(time.Minute); f.refused.Load() == 0 || f.answered.Load() == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d requests were answered, %d refused", f.answered.Load(), f.refused.Load())
		}
	}
	answered, refused := f.answered.Load(), f.refused.Load()
	const published, valid = 1000, 980
	s.publish(t, published)
	s.awaitClassified(t, valid)
	if f.answered.Load() == answered || f.refused.Load() == refused {
		t.Errorf("there was no overload while the stream went on: %d answered, %d refused", f.answered.Load()-answered, f.refused.Load()-refused)
	}
	f.stop()
	t.Logf("%d requests were answered and %d refused while %d complaints were classified", f.answered.Load()-answered, f.refused.Load()-refused, valid)
}

// awaitClassified waits until a reader of committed records has seen so many results.
func (s website) awaitClassified(t *testing.T, n int) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.broker), kgo.ConsumeTopics("complaints.classified"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for seen := 0; seen < n; {
		fetches := cl.PollFetches(ctx)
		if seen += fetches.NumRecords(); ctx.Err() != nil {
			t.Fatalf("%d of %d complaints were classified in time", seen, n)
		}
	}
}

// Requests get no more than half of the cores where there is a stream.
func TestTheStreamKeepsHalfOfTheCores(t *testing.T) {
	a := &app{cfg: &runConfig{Roles: []string{"classify", "api"}}, models: &models{holder: new(classifier.Holder)}, status: new(groupStatus), classify: new(classify.Role)}
	if got, want := a.apiConfig().Limits.Workers, max(1, runtime.GOMAXPROCS(0)/2); got != want {
		t.Errorf("%d predictions may run at the same time, want %d", got, want)
	}
}

// A request that has begun when the process is told to end is answered to the end.
func TestShutdownFinishesRequests(t *testing.T) {
	s := startWebsite(t)
	addr := strings.TrimPrefix(s.url, "http://")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	first, rest := `{"text":["A debt collector calls me`, ` about a debt that is not mine."]}`
	fmt.Fprintf(conn, "POST /v1/predict HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", addr, len(first+rest), first)
	for !strings.Contains(s.get(t, "/metrics"), "\ncomplaints_http_in_flight 2\n") { // that request and this one
		time.Sleep(10 * time.Millisecond)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	for {
		other, err := net.Dial("tcp", addr)
		if err != nil {
			break // no new ones are let in
		}
		other.Close()
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := io.WriteString(conn, rest); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("the request in flight: %v", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(answer), "Debt Collection") {
		t.Errorf("the request in flight: %v, %s %s", err, resp.Status, answer)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func (s website) get(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
