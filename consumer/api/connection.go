package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// connection ends when its client has neither sent nor taken anything for some
// time. What moves in one direction gives the other time too: a client may send
// all before it reads, or read all before it sends on.
type connection struct {
	ctx  context.Context //nolint:containedctx // of the request, which the server ends where it cannot send
	rc   *http.ResponseController
	time time.Duration

	mu    sync.Mutex // guards all below, and the deadlines
	ended bool       // the upload
	end   time.Time  // of the client's time
}

// extend starts the time anew.
func (c *connection) extend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end = time.Now().Add(c.time)
	_ = c.rc.SetWriteDeadline(c.end) // a writer without deadlines needs none
	if !c.ended {
		_ = c.rc.SetReadDeadline(c.end)
	}
}

// uploaded lifts the read deadline: at its end the server would take a client that
// only reads for one that has gone.
func (c *connection) uploaded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	_ = c.rc.SetReadDeadline(time.Time{})
}

// sendBytes is how many bytes are sent at once: a client that takes so many within
// the time is not silent.
const sendBytes = 4 << 10

// send sends what comes out of results as soon as it is there.
func (c *connection) send(w io.Writer, results *spool) error {
	buf := make([]byte, sendBytes)
	for {
		n, err := results.Read(buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = c.write(w, buf[:n], results.empty())
		}
		if err != nil {
			results.fail(err)
			return err
		}
	}
}

// write sends b; last says that nothing waits behind it.
func (c *connection) write(w io.Writer, b []byte, last bool) error {
	c.extend()
	if _, err := w.Write(b); err != nil {
		return err
	}
	if last {
		if err := c.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	// Through a compressor a flush has no error. The server ends the request where it cannot send.
	if err := c.ctx.Err(); err != nil {
		return err
	}
	c.extend()
	return nil
}

// silent says whether the client was cut off because its time was over.
func (c *connection) silent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !time.Now().Before(c.end)
}

// uploadReader reads what a client sends.
type uploadReader struct {
	body io.Reader
	c    *connection
	err  error // the first, which stays: the client had its time
}

func (u *uploadReader) Read(b []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	u.c.extend()
	n, err := u.body.Read(b)
	if n > 0 {
		u.c.extend()
	}
	u.err = err
	return n, err
}

// discard reads the rest of the upload. A client that sends before it reads would
// never see the answer to a connection that was closed meanwhile.
func (u *uploadReader) discard() {
	_, _ = io.Copy(io.Discard, u) // whoever breaks off now does not want the answer
}
