package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// BenchmarkRun runs the consumer with the arguments in COMPLAINTS_BENCH_RUN, so
// that go test's profiles are of the whole program; make bench-stream's profiles
// come from here.
func BenchmarkRun(b *testing.B) {
	args := os.Getenv("COMPLAINTS_BENCH_RUN")
	if args == "" {
		b.Skip("COMPLAINTS_BENCH_RUN is not set")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for b.Loop() {
		if err := run(ctx, strings.Fields(args), os.Stdout, os.Stderr); err != nil {
			b.Fatal(err)
		}
	}
}
