//go:build servers

package servers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// FaultProxy is a TCP proxy (toxiproxy) in front of another server. Its faults add up until Heal takes them all away,
// and strike open connections as well as new ones. Its methods may be called from any goroutine of the test.
type FaultProxy struct {
	process
	Addr string // host:port that clients connect to
	api  string
}

// NewFaultProxy starts a proxy in front of the server at this host:port, which need not be there yet.
func NewFaultProxy(tb testing.TB, upstream string) *FaultProxy {
	tb.Helper()
	binary := cached(tb, "toxiproxy", "bin/toxiproxy")
	port := FreePort(tb)
	p := &FaultProxy{Addr: localAddr(FreePort(tb)), api: "http://" + localAddr(port)}
	p.process = process{
		name:   "toxiproxy",
		within: 30 * time.Second,
		ready:  func(ctx context.Context) error { return answers(ctx, p.api+"/version") },
		command: func() *exec.Cmd {
			cmd := exec.Command(binary, "-host", "127.0.0.1", "-port", strconv.Itoa(port))
			cmd.Env = append(os.Environ(), "LOG_LEVEL=error")
			return cmd
		},
	}
	p.launch(tb)
	p.post("/proxies", map[string]any{"name": proxyName, "listen": p.Addr, "upstream": upstream, "enabled": true})
	return p
}

const proxyName = "proxy"

// Slow delays everything that the server answers.
func (p *FaultProxy) Slow(delay time.Duration) {
	p.toxic("latency", "downstream", map[string]any{"latency": delay.Milliseconds()})
}

// Throttle lets through this much in each direction.
func (p *FaultProxy) Throttle(bytesPerSecond int) {
	attributes := map[string]any{"rate": max(1, bytesPerSecond/1000)} // toxiproxy counts in KB
	p.toxic("bandwidth", "upstream", attributes)
	p.toxic("bandwidth", "downstream", attributes)
}

// Silence swallows all data in both directions and keeps the connections open, like a network that fell apart.
func (p *FaultProxy) Silence() {
	p.toxic("timeout", "upstream", map[string]any{"timeout": 0})
	p.toxic("timeout", "downstream", map[string]any{"timeout": 0})
}

// LoseAnswers lets requests reach the server and swallows what it answers: done, but nobody is told. If the server
// closes the connection, the client sees that.
func (p *FaultProxy) LoseAnswers() {
	p.toxic("timeout", "downstream", map[string]any{"timeout": 0})
}

// CutRequests closes each connection once this many bytes went to the server.
func (p *FaultProxy) CutRequests(after int) {
	p.toxic("limit_data", "upstream", map[string]any{"bytes": after})
}

// CutAnswers closes each connection once this many bytes came from the server.
func (p *FaultProxy) CutAnswers(after int) {
	p.toxic("limit_data", "downstream", map[string]any{"bytes": after})
}

// Reset resets (RST) each connection this long after its next data.
func (p *FaultProxy) Reset(after time.Duration) {
	p.toxic("reset_peer", "downstream", map[string]any{"timeout": after.Milliseconds()})
}

// Refuse closes all connections and accepts none.
func (p *FaultProxy) Refuse() { p.post("/proxies/"+proxyName, map[string]any{"enabled": false}) }

// Heal ends all faults.
func (p *FaultProxy) Heal() { p.post("/reset", nil) }

func (p *FaultProxy) toxic(kind, stream string, attributes map[string]any) {
	p.tb.Helper()
	p.post("/proxies/"+proxyName+"/toxics", map[string]any{"type": kind, "stream": stream, "attributes": attributes})
}

func (p *FaultProxy) post(path string, body any) {
	p.tb.Helper()
	if err := postJSON(p.api+path, body); err != nil {
		p.tb.Errorf("toxiproxy: %v", err)
	}
}

// postJSON is nil if a POST of the body gives a status of 200 to 299.
func postJSON(url string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	resp, err := http.Post(url, "application/json", bytes.NewReader(b))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("POST %s: %s: %s", url, resp.Status, text)
	}
	return nil
}
