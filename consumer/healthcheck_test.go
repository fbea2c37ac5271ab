package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestHealthcheck(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	u, _ := url.Parse(server.URL)
	check := func(addr string) error {
		return run(t.Context(), []string{"healthcheck", "--http-addr", addr}, io.Discard, io.Discard)
	}
	for _, addr := range []string{u.Host, ":" + u.Port(), "0.0.0.0:" + u.Port(), "[::]:" + u.Port()} {
		if err := check(addr); err != nil {
			t.Errorf("a process that lives, asked by %s: %v", addr, err)
		}
	}
	status = http.StatusServiceUnavailable
	if err := check(u.Host); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a process that answers 503: %v", err)
	}
	server.Close()
	if err := check(u.Host); err == nil {
		t.Error("nobody answers: no error")
	}
	if err := check("nowhere"); err == nil || !strings.Contains(err.Error(), "host:port") {
		t.Errorf("an address without a port: %v", err)
	}
}
