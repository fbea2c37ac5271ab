package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"complaints/internal/kafka"

	"github.com/twmb/franz-go/pkg/kgo"
)

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// consume runs an embedded consumer until it is idle.
func consume(t *testing.T, addr, dir string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var log bytes.Buffer
	err := run(ctx, append([]string{"--embedded", "--embedded-addr", addr, "--data", dir, "--roles", "classify,sink", "--exit-when-idle", "--idle-for", "4s"}, args...), &log, &log)
	if err := errors.Join(err, ctx.Err()); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
}

// publish puts n complaints on the embedded broker of dir.
func publish(t *testing.T, dir string, n int) {
	t.Helper()
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf(`{"complaint_id":"%d","product":"Debt collection","state":"NY","narrative":"A debt collector calls me about debt number %d that is not mine."}`, i, i)
	}
	publishTexts(t, dir, values...)
}

// publishTexts puts messages on the embedded broker of dir while nothing else runs
// on it: a consumer that ends when idle then cannot end before they are there.
func publishTexts(t *testing.T, dir string, values ...string) {
	t.Helper()
	broker, err := kafka.StartEmbedded("127.0.0.1:0", dir+"/kafka", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, err := kafka.EnsureTopics(t.Context(), cl, kafka.TopicConfig{Partitions: 12, Replication: -1}); err != nil {
		t.Fatal(err)
	}
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: "complaints", Value: []byte(v)}
	}
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func summaryOf(t *testing.T, dir string) (s summary) {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"summary", "--data", dir, "--json"}, &out, &out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func countOf(s summary, category string) int64 {
	for _, c := range s.Categories {
		if c.Category == category {
			return c.Count
		}
	}
	return 0
}

func TestEmbeddedFromComplaintsToGold(t *testing.T) {
	addr, dir := freeAddr(t), t.TempDir()
	for round := 1; round <= 2; round++ { // the second goes on where the first ended
		publish(t, dir, 300)
		consume(t, addr, dir)
		s := summaryOf(t, dir)
		if s.Rows != int64(300*round) || s.Foreign != 0 || s.Known != s.Rows || s.Accuracy < 0.9 || countOf(s, "Debt Collection") < s.Rows*9/10 {
			t.Errorf("round %d: gold holds %+v, want %d rows", round, s, 300*round)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"summary", "--data", dir}, &out, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Debt Collection") || !strings.Contains(out.String(), "all") {
		t.Errorf("summary prints\n%s", out.String())
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), []string{"--roles", "sink", "--batch-wait=-1s", "--roll-rows=0", "--roll-age=-5s", "--http-max-in-flight=-1", "--http-max-explained=0", "--http-cors-origin=https://example.org/"}, &out, &out)
	for _, want := range []string{"--lake", "--batch-wait is -1s", "--roll-rows is 0", "--roll-age", "--http-max-in-flight is -1", "--http-max-explained is 0", `--http-cors-origin is "https://example.org/"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q in it", err, want)
		}
	}
}

func TestSummaryOfADayThatIsNone(t *testing.T) {
	for _, day := range []string{"today", "2026-1-1", "2026-02-30"} {
		err := run(t.Context(), []string{"summary", "--data", t.TempDir(), "--day", day}, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), day) {
			t.Errorf("--day %s: err = %v, want the day named", day, err)
		}
	}
}

func TestAMissingChampionIsAnError(t *testing.T) {
	broker, err := kafka.StartEmbedded("127.0.0.1:0", t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	var log bytes.Buffer
	err = run(t.Context(), []string{"--roles", "classify", "--brokers", broker.Brokers[0], "--lake", "file://" + t.TempDir()}, &log, &log)
	if err == nil || !strings.Contains(err.Error(), "champion.json") || !strings.Contains(err.Error(), "--allow-bootstrap") {
		t.Errorf("err = %v, want the missing champion and the way out", err)
	}
}
