package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// healthcheckConfig is the configuration of consumer healthcheck. It takes its
// address where the roles take theirs, so that both agree in a container.
type healthcheckConfig struct {
	HTTPAddr string        `name:"http-addr" help:"Where the process to be asked serves HTTP." default:"127.0.0.1:8000" placeholder:"HOST:PORT"`
	Timeout  time.Duration `help:"How long the answer may take." default:"3s"`
}

// runHealthcheck fails unless the process lives. Images without a shell need it:
// who supervises a container runs it beside the process.
func runHealthcheck(ctx context.Context, cfg *healthcheckConfig) error {
	host, port, err := net.SplitHostPort(cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("--http-addr %q: want host:port: %w", cfg.HTTPAddr, err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1" // it listens everywhere, so here too
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	url := "http://" + net.JoinHostPort(host, port) + "/healthz"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("healthcheck: GET %s: %s", url, resp.Status)
	}
	return nil
}
