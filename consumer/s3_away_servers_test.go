//go:build servers && failpoint

package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"complaints/deploy/servers"
	"complaints/internal/classifier/classifiertest"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/internal/registry"
)

// eventually waits until it is so.
func (s *system) eventually(within time.Duration, what string, is func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(within); !is(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// classified waits until all that was published is classified.
func (s *system) classified() {
	s.t.Helper()
	cl := s.client()
	s.eventually(time.Minute, "all is classified", func() bool {
		lag, err := kafka.Lag(s.t.Context(), cl, "complaints-classify", "complaints")
		return err == nil && lag.Total() == 0
	})
}

func fetchText(url string) string {
	resp, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.Status + "\n" + string(body)
}

// TestS3AwayStopsNoClassification takes S3 away from a running consumer, and keeps it
// away while another one starts: both go on classifying, with the model in hand. When
// it is back the lake catches up with nothing lost or repeated.
func TestS3AwayStopsNoClassification(t *testing.T) {
	s := newSystem(t)
	proxy := servers.NewFaultProxy(t, strings.TrimPrefix(s.s3.URL, "http://"))
	store, err := lake.Open(t.Context(), lake.Config{URL: "s3://" + s.s3.Bucket, S3Endpoint: s.s3.URL, S3Region: s.s3.Region})
	if err != nil {
		t.Fatal(err)
	}
	version, parts := classifiertest.Bundle(t, "published", nil)
	if err := registry.Publish(t.Context(), store, version, parts); err != nil {
		t.Fatal(err)
	}
	champion, err := registry.Champion(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.Promote(t.Context(), store, champion, version, "test"); err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprint("127.0.0.1:", servers.FreePort(t))
	const budget = 10 << 20
	flags := []string{
		"--s3-endpoint", "http://" + proxy.Addr, "--model-cache", filepath.Join(t.TempDir(), "models"), "--model-poll", "1s",
		"--http-addr", addr, "--memory-budget", fmt.Sprint(budget), "--drain-timeout", "3s",
	}
	a := s.start("a", "", flags...)
	s.publish(2000, 2000)
	s.settled(2000)

	proxy.Refuse()
	s.publish(20_000, 4000)
	s.classified()
	s.eventually(2*time.Minute, "the sink is not ready, and says why", func() bool {
		answer := fetchText("http://" + addr + "/readyz")
		return strings.HasPrefix(answer, "503") && strings.Contains(answer, "partitions wait for the lake") && strings.Contains(answer, "connection refused")
	})
	if metrics := fetchText("http://" + addr + "/metrics"); !strings.Contains(metrics, "complaints_sink_throttled 1") ||
		strings.Contains(metrics, `complaints_sink_failures_total{cause="unavailable",what="flush"} 0`) {
		t.Errorf("the sink is not paused, or does not count:\n%s", lines(metrics, "complaints_sink"))
	}
	// The last flush cannot succeed: status 1, and one line that says why.
	a.end()
	if last := a.tail(); a.err == nil || strings.Count(last[strings.LastIndex(last, "\n")+1:], "connection refused") != 1 {
		t.Errorf("the process ended with %v, want one line with the cause once:\n%s", a.err, last)
	}

	b := s.start("a", "", flags...)
	s.publish(500, 2000)
	s.classified()
	if log := b.said(); !strings.Contains(log, "the model that was kept serves") || !strings.Contains(log, version) {
		t.Errorf("the log does not say which model serves, and why:\n%s", log)
	}
	proxy.Heal()
	s.settled(22_500)
	s.eventually(time.Minute, "the sink is ready again", func() bool { return strings.HasPrefix(fetchText("http://"+addr+"/readyz"), "200") })
	b.stop()
}

// lines are those of a text that contain a word.
func lines(text, word string) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}
