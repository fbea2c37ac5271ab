//go:build servers && failpoint

package chaos

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// answer is how the proxy treats a request.
type answer struct {
	name   string
	puts   bool // only requests that store
	stored bool // the request is done before it is answered wrongly
	status int  // with an error document of this code
	code   string
	reset  bool          // the connection is reset instead of an answer
	cut    bool          // the connection ends in the middle of the right answer
	hang   bool          // no answer comes
	delay  time.Duration // before all else
	chance float64
	most   int64 // how often at most; 0: always
}

// s3Proxy stands between a row's consumers and the gateway.
type s3Proxy struct {
	url      string
	server   *httptest.Server
	target   string // host:port
	injected *atomic.Int64
	closing  chan struct{}

	mu    sync.Mutex
	wrong *answer // guarded by mu; nil: all is well
	given int64   // guarded by mu
}

func newS3Proxy(target string, injected *atomic.Int64) *s3Proxy {
	p := &s3Proxy{target: strings.TrimPrefix(target, "http://"), injected: injected, closing: make(chan struct{})}
	p.server = httptest.NewServer(p)
	p.url = p.server.URL
	return p
}

func (p *s3Proxy) close() {
	close(p.closing)
	p.server.CloseClientConnections()
	p.server.Close()
}

// set makes requests be answered wrongly from now on; nil ends that.
func (p *s3Proxy) set(a *answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong, p.given = a, 0
}

// choose says how to treat a request.
func (p *s3Proxy) choose(r *http.Request) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.wrong
	if a == nil || (a.puts && r.Method != http.MethodPut) || (a.most > 0 && p.given >= a.most) || rand.Float64() >= a.chance {
		return answer{}
	}
	p.given++
	p.injected.Add(1)
	return *a
}

func (p *s3Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	a := p.choose(r)
	select {
	case <-time.After(a.delay):
	case <-p.closing:
	}
	right := a.name == "" || a.cut || a.delay > 0
	if !right && !a.stored {
		p.answerWrongly(w, r, a)
		return
	}
	// What is stored is stored, also if the client has given up.
	resp, err := p.forward(context.WithoutCancel(r.Context()), r, body)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	if !right {
		_, _ = io.Copy(io.Discard, resp.Body)
		p.answerWrongly(w, r, a)
		return
	}
	maps.Copy(w.Header(), resp.Header)
	if resp.ContentLength >= 0 {
		w.Header().Set("Content-Length", fmt.Sprint(resp.ContentLength))
	}
	if a.cut && resp.ContentLength > 1 {
		w.WriteHeader(resp.StatusCode)
		_, _ = io.CopyN(w, resp.Body, resp.ContentLength/2)
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// forward sends the request on with the Host that the client has signed.
func (p *s3Proxy) forward(ctx context.Context, r *http.Request, body []byte) (*http.Response, error) {
	out := r.Clone(ctx)
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", p.target
	out.Body, out.ContentLength, out.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	out.Header.Del("Expect") // the body was asked for already
	return http.DefaultTransport.RoundTrip(out)
}

func (p *s3Proxy) answerWrongly(w http.ResponseWriter, r *http.Request, a answer) {
	switch {
	case a.hang:
		select {
		case <-r.Context().Done():
		case <-p.closing:
		}
	case a.reset:
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	default:
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(a.status)
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>injected</Message></Error>`, a.code)
	}
}
