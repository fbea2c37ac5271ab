package complaintfile

import (
	"bytes"
	"errors"
	"hash"
	"io"
)

// errTooLong says that a row does not fit the window.
var errTooLong = errors.New("the row is longer than 4 MiB, the limit (is a quote not closed?)")

// window is the part of a stream that is in memory: a parser looks at a whole
// row at once and can go back to the line after the one where a broken row
// began, which encoding/csv cannot; and an unclosed quote costs no more memory
// than MaxRowBytes.
type window struct {
	r          io.Reader
	buf        []byte
	start, end int       // the bytes not yet taken
	line       int       // of buf[start], from 1
	hash       hash.Hash // of all bytes taken; nil: none is wanted
	err        error     // that r ended with; io.EOF is a good end
}

func newWindow(r io.Reader) *window { return &window{r: r, buf: make([]byte, 128<<10), line: 1} }

// bytes returns what is in memory and not yet taken.
func (w *window) bytes() []byte { return w.buf[w.start:w.end] }

// final says that bytes are the last of the stream.
func (w *window) final() bool { return errors.Is(w.err, io.EOF) }

// more reads on. At the end of the stream it returns nil and final becomes
// true; a fault of the stream is its error; a row that fills the window is
// errTooLong.
func (w *window) more() error {
	if w.err != nil {
		if errors.Is(w.err, io.EOF) {
			return nil
		}
		return w.err
	}
	if err := w.room(); err != nil {
		return err
	}
	for range 100 {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		w.err = err
		switch {
		case n > 0 || errors.Is(err, io.EOF):
			return nil // an error besides comes after these bytes
		case err != nil:
			return err
		}
	}
	w.err = io.ErrNoProgress
	return w.err
}

// room makes place for more bytes behind end.
func (w *window) room() error {
	if w.end < len(w.buf) {
		return nil
	}
	if w.start > 0 {
		w.end = copy(w.buf, w.buf[w.start:w.end])
		w.start = 0
		if w.end < len(w.buf)*3/4 {
			return nil
		}
	}
	if len(w.buf) >= MaxRowBytes {
		if w.end < len(w.buf) {
			return nil
		}
		return errTooLong
	}
	bigger := make([]byte, min(2*len(w.buf), MaxRowBytes))
	copy(bigger, w.buf[:w.end])
	w.buf = bigger
	return nil
}

// advance takes n bytes.
func (w *window) advance(n int) {
	taken := w.buf[w.start : w.start+n]
	if w.hash != nil {
		w.hash.Write(taken)
	}
	w.line += bytes.Count(taken, []byte{'\n'})
	w.start += n
}

// skipLine takes the rest of the line, however long it is, and says whether it has an end.
func (w *window) skipLine() (ended bool, err error) {
	for {
		if i := bytes.IndexByte(w.bytes(), '\n'); i >= 0 {
			w.advance(i + 1)
			return true, nil
		}
		w.advance(len(w.bytes()))
		if w.final() {
			return false, nil
		}
		if err := w.more(); err != nil {
			return false, err
		}
	}
}

// peekLine returns the line at hand as far as n bytes, without its end.
func (w *window) peekLine(n int) ([]byte, error) {
	for {
		b := w.bytes()
		if i := bytes.IndexByte(b[:min(n, len(b))], '\n'); i >= 0 {
			return b[:i], nil
		}
		if len(b) >= n || w.final() {
			return b[:min(n, len(b))], nil
		}
		if err := w.more(); err != nil {
			return nil, err
		}
	}
}
