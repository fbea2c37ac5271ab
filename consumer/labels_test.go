package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"complaints/internal/lake"
	"complaints/schema"
)

// sendLabels posts labels, and returns the answer.
func sendLabels(t *testing.T, addr, body string) (status int, answer string) {
	t.Helper()
	resp, err := http.Post("http://"+addr+"/v1/labels", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// labelRows are all rows of labels in a lake.
func labelRows(t *testing.T, dir string) (rows []schema.LabelRow) {
	t.Helper()
	for _, path := range layerObjects(t, dir, schema.Labels) {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
		if err == nil {
			err = lake.EachRow(f, func(row *schema.LabelRow) error {
				rows = append(rows, *row)
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// What is sent over HTTP stands in the lake, each record once, and verify counts it.
func TestLabelsFromHTTPToTheLake(t *testing.T) {
	dir, addr, broker := t.TempDir(), freeAddr(t), freeAddr(t)
	publish(t, dir, 20)
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--embedded", "--embedded-addr", broker, "--data", dir, "--http-addr", addr, "--idle-flush", "200ms"}, io.Discard, &log)
	}()
	for deadline := time.Now().Add(30 * time.Second); !ready(addr); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			cancel()
			t.Fatalf("it is not ready: %v\n%s", <-ended, log.String())
		}
	}
	at := func(minute int) string { return fmt.Sprintf("2026-11-24T10:%02d:00Z", minute) }
	label := func(id, category string, minute int) string {
		return fmt.Sprintf(`{"complaint_id":%q,"category":%q,"labelled_by":"ana","labelled_at":%q}`, id, category, at(minute))
	}
	newest, older := label("7", "Loans", 9), label("7", "Credit Reporting", 3)
	for _, body := range []string{newest, older, newest} { // the same one again
		if status, answer := sendLabels(t, addr, `{"labels":[`+body+`]}`); status != 200 || !strings.Contains(answer, `"published":true`) {
			t.Fatalf("%d %s", status, answer)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"verify", "--brokers", broker, "--data", dir, "--wait", "30s"}, &out, io.Discard); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !regexp.MustCompile(`(?m)^labels +1 chains, .* 3 rows$`).MatchString(out.String()) {
		t.Error(out.String())
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("%v\n%s", err, log.String())
	}
	rows := labelRows(t, dir)
	if len(rows) != 3 {
		t.Fatalf("%d rows of 3 records", len(rows))
	}
	wins := rows[0]
	for _, row := range rows[1:] {
		if row.Newer(&wins) {
			wins = row
		}
	}
	if *wins.Category != "Loans" || wins.KafkaOffset != 2 || wins.LabelledBy != "ana" || wins.RecordError != nil {
		t.Errorf("the newest is %+v", wins)
	}
	out.Reset()
	if err := run(t.Context(), []string{"erase", "--lake-only", "--data", dir, "--complaint-id", "7"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, row := range labelRows(t, dir) {
		if row.ComplaintID != "" || row.LabelledBy != "" || *row.RecordError != schema.Erased {
			t.Errorf("erased it is %+v", row)
		}
	}
}

// Labels are taken from whoever has the token, or is on this machine.
func TestWhoMaySendLabels(t *testing.T) {
	for _, c := range []struct {
		addr, token string
		roles       []string
		want        bool
	}{
		{"127.0.0.1:8000", "", []string{"api"}, true},
		{"[::1]:8000", "", []string{"api"}, true},
		{"localhost:8000", "", []string{"api"}, true},
		{":8000", "", []string{"api"}, false},
		{"0.0.0.0:8000", "", []string{"api"}, false},
		{"0.0.0.0:8000", "secret", []string{"api"}, true},
		{"127.0.0.1:8000", "", []string{"sink"}, false},
	} {
		cfg := runConfig{HTTPAddr: c.addr, HTTPToken: c.token, Roles: c.roles}
		if got := cfg.takesLabels(); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

// A process that only predicts needs no Kafka, and says so to who sends labels.
func TestLabelsWithoutBrokers(t *testing.T) {
	addr := freeAddr(t)
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--roles", "api", "--http-addr", addr, "--brokers", freeAddr(t), "--http-timeout", "2s"}, io.Discard, &log)
	}()
	for deadline := time.Now().Add(30 * time.Second); !ready(addr); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			cancel()
			t.Fatalf("it is not ready: %v\n%s", <-ended, log.String())
		}
	}
	status, answer := sendLabels(t, addr, `{"labels":[{"complaint_id":"1","category":"Loans","labelled_by":"ana"}]}`)
	if status != http.StatusServiceUnavailable || !strings.Contains(answer, "not-published") {
		t.Errorf("%d %s", status, answer)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "labels are not acknowledged") {
		t.Error(log.String())
	}
}
