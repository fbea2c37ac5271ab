//go:build servers

package api

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is a client that costs little beside the server that it measures: it
// writes bytes that were made before and reads no more of an answer than its
// status and length.
type load struct {
	addr    string
	request []byte
	conns   int
}

func newLoad(addr string, body []byte, conns int) load {
	head := fmt.Sprintf("POST /v1/predict HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", addr, len(body))
	return load{addr, append([]byte(head), body...), conns}
}

// figures are what a run gave.
type figures struct {
	requests int
	seconds  float64
	times    []time.Duration // sorted
}

func (f figures) rate() float64 { return float64(f.requests) / f.seconds }

func (f figures) quantile(q float64) time.Duration {
	if len(f.times) == 0 {
		return 0
	}
	return f.times[min(int(q*float64(len(f.times))), len(f.times)-1)]
}

// run sends requests for some time. With a rate they are due at even intervals,
// and their time counts from then, also if an earlier one held them up; without,
// each connection sends the next one once it has its answer.
func (l load) run(tb testing.TB, d time.Duration, rate float64) figures {
	tb.Helper()
	var mu sync.Mutex
	var f figures
	var wg sync.WaitGroup
	var ticket atomic.Int64
	start := time.Now()
	for range l.conns {
		wg.Go(func() {
			times, err := l.connection(start, d, rate, &ticket)
			mu.Lock()
			defer mu.Unlock()
			f.times = append(f.times, times...)
			if err != nil {
				tb.Error(err)
			}
		})
	}
	wg.Wait()
	f.seconds, f.requests = time.Since(start).Seconds(), len(f.times)
	slices.Sort(f.times)
	return f
}

func (l load) connection(start time.Time, d time.Duration, rate float64, ticket *atomic.Int64) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answers := bufio.NewReaderSize(conn, 64<<10)
	var times []time.Duration
	for {
		due := time.Now()
		if rate > 0 {
			due = start.Add(time.Duration(float64(ticket.Add(1)) / rate * float64(time.Second)))
			time.Sleep(time.Until(due))
		}
		if due.Sub(start) > d {
			return times, nil
		}
		if _, err := conn.Write(l.request); err != nil {
			return times, err
		}
		if err := readAnswer(answers); err != nil {
			return times, err
		}
		times = append(times, time.Since(due))
	}
}

// readAnswer passes over one answer, which must be a 200.
func readAnswer(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("answered %q", line)
	}
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return fmt.Errorf("an answer without Content-Length")
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return err
}
