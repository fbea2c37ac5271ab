package main

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"complaints/schema"

	"github.com/vbauerster/mpb/v8"
)

func TestConfigReportsAllFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"nothing":     {nil, []string{"--sample", "--api"}},
		"two sources": {[]string{"--sample", "f.csv"}, []string{"give one of"}},
		"many": {
			[]string{"-", "f.csv", "--resume", "r", "--repeat", "2", "--rate=-1", "--limit=-2", "--since", "May", "--sasl", "plain", "--api-url", "x"},
			[]string{"goes alone", "recognised again", "read again", "exclude", "--rate", "--limit is -2", `"May"`, "--since needs", "--sasl-user", "--api-url"},
		},
		"labels of nothing":   {[]string{"--sample", "--labels"}, []string{"--labels needs files"}},
		"taxonomy of nothing": {[]string{"f.csv", "--taxonomy", "t"}, []string{"--taxonomy needs --labels"}},
		"no day":              {[]string{"--api"}, []string{"--since"}},
		"no end":              {[]string{"--sample", "--repeat", "0"}, []string{"--limit"}},
		"partitions":          {[]string{"--sample", "--partitions", "0"}, []string{"--partitions"}},
		"no such one":         {[]string{"--sampel"}, []string{"--sampel"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := parse(tc.args, io.Discard, io.Discard)
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("err = %v, want %q in it", err, want)
				}
			}
		})
	}
	t.Setenv("COMPLAINTS_RATE", "7")
	if c, _, err := parse([]string{"--sample"}, io.Discard, io.Discard); err != nil || c.Rate != 7 {
		t.Errorf("%+v, %v", c, err)
	}
	var out bytes.Buffer
	if _, done, err := parse([]string{"--help"}, &out, io.Discard); err != nil || !done || !strings.Contains(out.String(), "Exit status") {
		t.Errorf("--help: %v, %v, %s", done, err, out.String())
	}
}

func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(100)
		start := time.Now()
		send := func(from, to int64) {
			for range to - from {
				if err := p.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		send(0, 1001)
		if took := time.Since(start); took < 9990*time.Millisecond || took > 10100*time.Millisecond {
			t.Errorf("1,000 messages at 100/s took %s", took)
		}
		time.Sleep(time.Hour) // the broker stalled: no burst of 360,000 after it
		start = time.Now()
		send(1001, 2001)
		if took := time.Since(start); took < 9*time.Second {
			t.Errorf("after a stall 1,000 messages took %s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Wait(ctx); err == nil {
			t.Error("a context that ended does not end the wait")
		}
	})
}

func TestMessageOfAPass(t *testing.T) {
	for _, id := range []string{"1", `a"b\c`, "é\tè"} {
		c := schema.Complaint{ComplaintID: id, Narrative: "n", State: "CA"}
		m := encode(&c)
		for pass, want := range map[int]string{1: id, 2: id + "-2", 1234: id + "-1234"} {
			key, value := m.message(pass)
			got, err := schema.DecodeComplaint(value, 0)
			if err != nil || got.ComplaintID != want || string(key) != want || got.State != "CA" {
				t.Errorf("pass %d of %q: key %q, value %s, %v", pass, id, key, value, err)
			}
		}
	}
}

// The bar fits the terminal, whatever the numbers, and log lines stand above it.
func TestBarFitsTheTerminal(t *testing.T) {
	if newScreen(&bytes.Buffer{}).terminal {
		t.Error("a buffer is no terminal")
	}
	for _, width := range []int{40, 80, 200} {
		var out bytes.Buffer
		s := newScreen(&out)
		p := progress{counts: &counts{}, screen: s}
		p.size.Store(100)
		p.counts.read.Store(123_456_789_012)
		p.counts.published.Store(123_456_789_011)
		if _, err := io.Copy(io.Discard, p.watch(bytes.NewReader(make([]byte, 50)))); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			p.drawBar(ctx, time.Now(), mpb.WithOutput(&out), mpb.WithAutoRefresh(), mpb.WithWidth(width))
		}()
		for s.bars.Load() == nil {
			time.Sleep(time.Millisecond)
		}
		if _, err := s.Write([]byte("a log line\n")); err != nil {
			t.Fatal(err)
		}
		cancel()
		<-ended
		if _, err := s.Write([]byte("the last line\n")); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(regexp.MustCompile("\x1b\\[[0-9]*[A-Za-z]|\r").ReplaceAllString(out.String(), "")) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("a line of %d columns on %d: %q", n, width, line)
			}
		}
		if got := out.String(); !strings.Contains(got, "a log line\n") || !strings.HasSuffix(got, "the last line\n") || !strings.Contains(got, "50%") {
			t.Errorf("%d columns: %q", width, got)
		}
	}
}

func TestSummaryText(t *testing.T) {
	var out bytes.Buffer
	s := summary{RowsRead: 7, Published: 4, Skipped: skipped{NoNarrative: 2, Broken: 1}, Seconds: 2, PerSecond: 2, Complete: true}
	if err := s.write(&out, false); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "7 rows read, 4 published, skipped: 2 without a narrative, 1 broken; 2.0 s, 2/s\n" {
		t.Errorf("%q", got)
	}
}
