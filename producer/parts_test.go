package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"complaints/schema"
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
		"no day":      {[]string{"--api"}, []string{"--since"}},
		"no end":      {[]string{"--sample", "--repeat", "0"}, []string{"--limit"}},
		"partitions":  {[]string{"--sample", "--partitions", "0"}, []string{"--partitions"}},
		"no such one": {[]string{"--sampel"}, []string{"--sampel"}},
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
		p := pacer{rate: 100}
		start := time.Now()
		send := func(from, to int64) {
			for n := from; n < to; n++ {
				if err := p.wait(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			}
		}
		send(0, 1001)
		if took := time.Since(start); took < 9990*time.Millisecond || took > 10*time.Second {
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
		if err := p.wait(ctx, 2001); err == nil {
			t.Error("a context that ended does not end the wait")
		}
	})
}

func TestMessageOfAPass(t *testing.T) {
	for _, id := range []string{"1", `a"b\c`, "é\n"} {
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

func TestScreen(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out)
	if s.terminal {
		t.Error("a buffer is no terminal")
	}
	m := meter{counts: &counts{}, screen: s}
	m.size.Store(100)
	r := m.watch(bytes.NewReader(make([]byte, 50)))
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	bar := m.line(summary{RowsRead: 10, Published: 9, PerSecond: 3, Seconds: 60})
	if bar != "[============            ]  50%  10 rows read, 9 published, 3/s, 1m0s left" {
		t.Errorf("%q", bar)
	}
	s.draw(bar)
	if _, err := s.Write([]byte("a log line\n")); err != nil {
		t.Fatal(err)
	}
	s.draw("")
	want := clearLine + bar + clearLine + "a log line\n" + bar + clearLine
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
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
