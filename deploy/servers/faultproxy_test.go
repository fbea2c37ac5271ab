//go:build servers

package servers

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestFaultProxyBreaksAndHeals(t *testing.T) {
	var asked atomic.Int32
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
	}))
	t.Cleanup(upstream.Close) // after the proxy, which holds its connections
	p := NewFaultProxy(t, upstream.Listener.Addr().String())

	// Each try has a connection of its own, so that none meets an earlier one's fault.
	get := func() (string, error) {
		client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		resp, err := client.Get("http://" + p.Addr)
		if err != nil {
			return "", err
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	timedOut := func(err error) bool {
		var timeout interface{ Timeout() bool }
		return errors.As(err, &timeout) && timeout.Timeout()
	}
	for _, fault := range []struct {
		name  string
		start func()
		shows func(error) bool
		asked int32 // how many requests reach the server
	}{
		{"slow", func() { p.Slow(3 * time.Second) }, timedOut, 1},
		{"throttled", func() { p.Throttle(1000) }, timedOut, 1},
		{"silent", p.Silence, timedOut, 0},
		{"answers lost", p.LoseAnswers, timedOut, 1},
		{"request cut", func() { p.CutRequests(10) }, func(err error) bool { return errors.Is(err, io.EOF) }, 0},
		{"answer cut", func() { p.CutAnswers(5000) }, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }, 1},
		{"reset", func() { p.Reset(0) }, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }, 1},
		{"refused", p.Refuse, func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }, 0},
	} {
		asked.Store(0)
		fault.start()
		if _, err := get(); !fault.shows(err) || asked.Load() != fault.asked {
			t.Errorf("%s: got %v after %d requests, want %d", fault.name, err, asked.Load(), fault.asked)
		}
		p.Heal()
		if body, err := get(); err != nil || len(body) != 10_000 {
			t.Errorf("healed of %s: %d bytes, %v", fault.name, len(body), err)
		}
	}
}
