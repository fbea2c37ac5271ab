package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestLagOfEachTopic has the classifier get on and the sink wait: the lag of both topics that the sink reads must show.
func TestLagOfEachTopic(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	const n = 40
	publish(t, dir, n)
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{
			"--embedded", "--embedded-addr", freeAddr(t), "--data", dir, "--roles", "classify,sink", "--http-addr", addr, "--roll-age", "1h",
		}, io.Discard, &log)
	}()
	var got map[string]int64
	ok := func() bool {
		got = lagsOf(t, addr)
		// Offsets of the results' transactions count too.
		return got["classify complaints"] == 0 && got["sink complaints"] == n && got["sink complaints.classified"] >= n && ready(addr)
	}
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			cancel()
			t.Fatalf("lag %v; want none of classify, %d of the sink in complaints, and as many or more in complaints.classified; %v\n%s", got, n, <-ended, log.String())
		}
	}
	if len(got) != 4 {
		t.Errorf("lag %v, want four series", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestASinkAloneIsReady has no model, so nothing but the check itself asks whether the store answers.
func TestASinkAloneIsReady(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	publish(t, dir, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{
			"--embedded", "--embedded-addr", freeAddr(t), "--data", dir, "--roles", "sink", "--layers", "bronze", "--http-addr", addr,
		}, io.Discard, &log)
	}()
	isReady := false
	for range 100 {
		if isReady = ready(addr); isReady {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil || !isReady {
		t.Errorf("ready is %t; the sink ended with %v\n%s", isReady, err, log.String())
	}
}

var lagSeries = regexp.MustCompile(`(?m)^complaints_lag_records{role="(\w+)",topic="([\w.-]+)"} (\S+)$`)

func lagsOf(t *testing.T, addr string) map[string]int64 {
	t.Helper()
	lags := map[string]int64{}
	resp, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		return lags // not there yet
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range lagSeries.FindAllStringSubmatch(string(body), -1) {
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		lags[fmt.Sprintf("%s %s", m[1], m[2])] = int64(value)
	}
	return lags
}

func ready(addr string) bool {
	resp, err := http.Get("http://" + addr + "/readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
