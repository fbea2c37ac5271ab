package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Many clients send all before they read, and then find what the sockets cannot hold.
func TestFileClientReadsLast(t *testing.T) {
	url, _ := serve(t, newAPI(t, func(c *Config) { c.Limits = Limits{Time: 10 * time.Second} }))
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const rows = 100_000
	row := "My card was charged twice." + strings.Repeat(" ", 200) + "\n"
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\nnarrative\n", routeFile, len("narrative\n")+rows*len(row))
	if _, err := io.Copy(conn, strings.NewReader(strings.Repeat(row, rows))); err != nil {
		t.Fatalf("send: %v", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); n++ {
		if !bytes.HasPrefix(lines.Bytes(), []byte(`{"prediction":"`)) {
			t.Fatalf("row %d: %s", n, lines.Text())
		}
	}
	if n != rows {
		t.Errorf("%d results of %d rows", n, rows)
	}
}

// pipes is a listener in memory, where a client can be slow without waiting.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (pipes) Addr() net.Addr { return &net.UnixAddr{} }
func (p pipes) Close() error { close(p); return nil }

// slowly runs a client of /v1/predict/file against a server that waits 30 s.
func slowly(t *testing.T, cfg Config, client func(t *testing.T, conn net.Conn)) {
	cfg.Models = models(t)
	synctest.Test(t, func(t *testing.T) {
		a, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		l := make(pipes)
		served := make(chan error, 1)
		go func() { served <- a.Serve(ctx, l) }()
		defer func() {
			stop()
			if err := <-served; err != nil {
				t.Error(err)
			}
		}()
		near, far := net.Pipe()
		defer near.Close()
		l <- far
		client(t, near)
	})
}

const slowHeader = "POST " + routeFile + " HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"

func sendChunk(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", len(text), text); err != nil {
		t.Fatalf("after %s: %v", time.Now().Format(time.TimeOnly), err)
	}
}

// A client has the time for each thing that it does, however long all takes.
func TestFileTimeCountsSilence(t *testing.T) {
	const rows = 200
	slowly(t, Config{}, func(t *testing.T, conn net.Conn) {
		fmt.Fprint(conn, slowHeader)
		sendChunk(t, conn, "narrative\n")
		for range rows {
			time.Sleep(20 * time.Second)
			sendChunk(t, conn, "My card was charged twice.\n")
		}
		fmt.Fprint(conn, "0\r\n\r\n")
		time.Sleep(20 * time.Second)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		n, buf := 0, make([]byte, sendBytes)
		for err == nil {
			var read int
			read, err = io.ReadFull(resp.Body, buf)
			n += bytes.Count(buf[:read], []byte("\n"))
			time.Sleep(20 * time.Second)
		}
		if n != rows || !errors.Is(err, io.ErrUnexpectedEOF) { // as ReadFull calls an end within what it wanted
			t.Errorf("%d results of %d rows, %v", n, rows, err)
		}
	})
}

// A client that neither sends nor reads is cut off, and the log says so.
func TestFileSilentClientIsCutOff(t *testing.T) {
	log := new(lockedBuffer)
	slowly(t, Config{Logger: slog.New(slog.NewTextHandler(log, nil))}, func(t *testing.T, conn net.Conn) {
		fmt.Fprint(conn, slowHeader)
		sendChunk(t, conn, "narrative\n")
		sendChunk(t, conn, "My card was charged twice.\n")
		fmt.Fprint(conn, "0\r\n\r\n")
		time.Sleep(time.Minute)
		if left, err := io.ReadAll(conn); err != nil || bytes.Contains(left, []byte("prediction")) {
			t.Errorf("the connection lives: %q, %v", left, err)
		}
	})
	if !strings.Contains(log.String(), `level=WARN msg="a client was cut off`) {
		t.Errorf("the log says: %s", log)
	}
}

// lockedBuffer is written by many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A file that is refused by its first bytes is read to its end all the same, since
// a client that is still sending would not see why.
func TestFileRefusedWhileSending(t *testing.T) {
	url, _ := serve(t, newAPI(t, nil))
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	row := "1,2" + strings.Repeat(" ", 1000) + "\n"
	const rows = 30_000
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\na,b\n", routeFile, len("a,b\n")+rows*len(row))
	if _, err := io.Copy(conn, strings.NewReader(strings.Repeat(row, rows))); err != nil {
		t.Fatalf("send: %v", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %s", resp.Status)
	}
}
