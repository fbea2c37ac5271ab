//go:build servers

package bench

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// percentiles are in milliseconds.
type percentiles struct{ p50, p99 float64 }

// warmUp is how much of the latency run is not counted: connections, groups and
// caches come to rest.
const warmUp = 12 * time.Second

// latency measures, at a constant rate, the time from a message's timestamp (set
// when it is handed to the producer's client) until a reader of committed records
// has its result. Gold is written every five seconds meanwhile.
func (r *testEnv) latency(rate float64, seconds int) percentiles {
	r.tb.Helper()
	const results = "latency.complaints.classified"
	c := r.consumer("latency", "classify,sink", "--topic-prefix", "latency.", "--roll-age", "5s")
	c.command = slices.DeleteFunc(c.command, func(arg string) bool { return arg == "--exit-when-idle" })
	var log bytes.Buffer
	stopConsumer := r.start(&log, c.env, c.command...)
	r.waitTopic(results)
	stopProducer := r.start(&log, nil, filepath.Join(r.bin, "producer"), "--brokers", r.kafka.Brokers[0], "--topic-prefix", "latency.",
		"--sample", "--repeat", "0", "--limit", "1000000000", "--rate", strconv.FormatFloat(rate, 'f', 0, 64))
	ctx, cancel := context.WithTimeout(r.tb.Context(), time.Duration(seconds)*time.Second+warmUp)
	defer cancel()
	delays := r.readDelays(ctx, results)
	stopProducer()
	stopConsumer()
	if want := int(rate) * seconds; len(delays) < want*9/10 {
		r.tb.Fatalf("%d results came in %d s, want %d\n%s", len(delays), seconds, want, log.String())
	}
	slices.Sort(delays)
	p := percentiles{delays[len(delays)/2], delays[len(delays)*99/100]}
	say("%-32s p50 %.0f ms, p99 %.0f ms, max %.0f ms of %d results at %.0f/s", "latency", p.p50, p.p99, delays[len(delays)-1], len(delays), rate)
	return p
}

// waitTopic waits until the consumer has created a topic.
func (r *testEnv) waitTopic(topic string) {
	r.tb.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.kafka.Internal...))
	if err != nil {
		r.tb.Fatal(err)
	}
	defer cl.Close()
	for range 300 {
		topics, err := kadm.NewClient(cl).ListTopics(r.tb.Context())
		if err == nil && topics.Has(topic) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.tb.Fatalf("topic %s does not appear", topic)
}

// start runs a program until the returned function is called.
func (r *testEnv) start(log *bytes.Buffer, env []string, command ...string) (stop func()) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		r.tb.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait()
		}
	}
	r.tb.Cleanup(stop)
	return stop
}

// readDelays reads results until ctx ends and returns how old their messages
// were then, in milliseconds.
func (r *testEnv) readDelays(ctx context.Context, topic string) []float64 {
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.kafka.Internal...), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		r.tb.Fatal(err)
	}
	defer cl.Close()
	var delays []float64
	var first time.Time
	for ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		now := time.Now()
		if first.IsZero() && fetches.NumRecords() > 0 {
			first = now
		}
		if first.IsZero() || now.Sub(first) < warmUp {
			continue
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			if at, ok := produced(rec.Value); ok {
				delays = append(delays, float64(now.UnixMilli()-at))
			}
		})
	}
	return delays
}

// produced is the timestamp of the message that a result is of, milliseconds
// since 1970. It looks for the last field only: the reader shares the processor
// with what it measures.
func produced(value []byte) (int64, bool) {
	const field = `"source_timestamp":"`
	i := bytes.LastIndex(value, []byte(field))
	if i < 0 {
		return 0, false
	}
	text, _, _ := bytes.Cut(value[i+len(field):], []byte(`"`))
	at, err := time.Parse(time.RFC3339, string(text))
	return at.UnixMilli(), err == nil
}
