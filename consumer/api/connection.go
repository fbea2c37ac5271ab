package api

import (
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
	rc   *http.ResponseController
	time time.Duration

	mu    sync.Mutex // guards all below, and the deadlines
	ended bool       // the upload
}

// extend starts the time anew.
func (c *connection) extend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := time.Now().Add(c.time)
	_ = c.rc.SetWriteDeadline(end) // a writer without deadlines needs none
	if !c.ended {
		_ = c.rc.SetReadDeadline(end)
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
			err = c.write(w, buf[:n])
		}
		if err != nil {
			results.fail(err)
			return err
		}
	}
}

func (c *connection) write(w io.Writer, b []byte) error {
	c.extend()
	_, err := w.Write(b)
	if err == nil {
		err = c.rc.Flush()
	}
	c.extend()
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
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
