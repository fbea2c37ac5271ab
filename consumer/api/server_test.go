package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Requests above the limit are refused at once, and those in flight are answered.
func TestOverload(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{InFlight: 2, Workers: 1, Time: time.Minute} })
	worker, err := a.concurrency.work(t.Context(), a.cfg.Models.Current())
	if err != nil {
		t.Fatal(err)
	}
	good := body(t, "a text")
	answers := make(chan int)
	for range 2 {
		go func() { answers <- ask(a, "POST", routePredict, good).Code }()
	}
	for len(a.concurrency.inFlight) < 2 {
		time.Sleep(time.Millisecond)
	}
	w := ask(a, "POST", routePredict, good)
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" || problemOf(t, w).Type != problemType+"overloaded" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	a.concurrency.done(worker)
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
	if _, err := a.concurrency.work(t.Context(), a.cfg.Models.Current()); err != nil {
		t.Fatal(err)
	}
	if w := ask(a, "POST", routePredict, body(t, "a text")); w.Code != 503 || w.Header().Get("Retry-After") == "" {
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

// Shutdown answers what is in flight and takes nothing new.
func TestGracefulShutdown(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{Workers: 1} })
	worker, err := a.concurrency.work(t.Context(), a.cfg.Models.Current())
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
	for len(a.concurrency.inFlight) < 1 {
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
	a.concurrency.done(worker)
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
