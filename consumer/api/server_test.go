package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Requests above the limit are refused at once, and those in flight are answered.
func TestOverload(t *testing.T) {
	holder := models(t)
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, func(c *Config) { c.Models, c.Limits = holder, Limits{InFlight: 2, Workers: 1, Time: time.Minute} })
		worker, err := a.concurrency.work(t.Context(), holder.Current())
		if err != nil {
			t.Fatal(err)
		}
		good := body(t, "a text")
		answers := make(chan int)
		for range 2 {
			go func() { answers <- ask(a, "POST", routePredict, good).Code }()
		}
		synctest.Wait() // for both to wait for the worker
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
	})
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
	holder := models(t)
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, func(c *Config) { c.Models, c.Limits = holder, Limits{Workers: 1} })
		worker, err := a.concurrency.work(t.Context(), holder.Current())
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		l := make(pipes)
		stopped := make(chan error, 1)
		go func() { stopped <- a.Serve(ctx, l) }()
		near, far := net.Pipe()
		defer near.Close()
		l <- far
		text := body(t, "a text")
		fmt.Fprintf(near, "POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", routePredict, len(text), text)
		synctest.Wait() // for the request to wait for the worker
		stop()
		synctest.Wait()
		if _, listens := <-l; listens {
			t.Error("new connections are taken")
		}
		a.concurrency.done(worker)
		resp, err := http.ReadResponse(bufio.NewReader(near), nil)
		if err != nil {
			t.Fatalf("the request in flight: %v", err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("the request in flight: %s", resp.Status)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
		near.Close()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("no error without models")
	}
	if _, err := New(Config{Models: models(t), Limits: Limits{Texts: -1, Workers: -2}}); err == nil || !strings.Contains(err.Error(), "texts") || !strings.Contains(err.Error(), "workers") {
		t.Errorf("err = %v", err)
	}
}
