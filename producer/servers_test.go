//go:build servers

package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"complaints/deploy/servers"
)

// On a real broker that is killed and started again in the middle of a run,
// each message arrives once.
func TestRealKafkaKilledMidway(t *testing.T) {
	k := servers.Kafka(t)
	const rows = 60_000
	file := numbered(t, rows)
	done := make(chan result)
	go func() {
		done <- produce(t.Context(), t, k.Brokers, "", file, "--rate", "10000", "--partitions", "4")
	}()
	time.Sleep(2 * time.Second)
	k.Kill()
	k.Start()
	if r := <-done; r.err != nil || r.summary.Published != rows {
		t.Errorf("%v, %+v\n%s", r.err, r.summary, r.log)
	}
	if got := ids(t, k.Brokers); len(got) != rows || distinct(got) != rows {
		t.Errorf("%d messages, %d distinct, want %d", len(got), distinct(got), rows)
	}
}

func TestRealKafkaSignalAndResume(t *testing.T) {
	k := servers.Kafka(t)
	resume := filepath.Join(t.TempDir(), "resume.json")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil && !topicHolds(t, k.Brokers, 300) {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	first := produce(ctx, t, k.Brokers, "", "--sample", "--resume", resume, "--rate", "500")
	if first.err != nil || first.summary.Complete || first.summary.Published == 0 {
		t.Fatalf("%v, %+v", first.err, first.summary)
	}
	second := must(t, k.Brokers, "", "--sample", "--resume", resume).summary
	got := ids(t, k.Brokers)
	if int64(len(got)) != first.summary.Published+second.Published || distinct(got) != len(got) || int64(len(got)) != second.RowsRead {
		t.Errorf("%d messages, %d distinct; first %+v, second %+v", len(got), distinct(got), first.summary, second)
	}
}
