//go:build servers

package bench

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"complaints/deploy/servers"
)

var (
	messages       = flag.Int64("messages", 1_000_000, "messages of the preloaded topic")
	pythonMessages = flag.Int64("python-messages", 100_000, "of them, how many the Python stack gets")
	pythonRounds   = flag.Int("python-rounds", 100, "boosting rounds of the Python stack's model")
	pythonLeaves   = flag.Int("python-leaves", 31, "leaves of its trees")
	latencyRate    = flag.Float64("latency-rate", 0, "messages a second while the latency is measured; 0 is a tenth of what was reached")
	latencySeconds = flag.Int("latency-seconds", 30, "how long to measure the latency")
	report         = flag.String("report", "", "file for the result, one line of JSON")
	parts          = flag.String("parts", "ceiling,classify,both,python,latency", "what to measure; a tenth of the rate of both is that of latency")
	profiles       = flag.String("profiles", "", "folder for profiles of the consumer, which then runs as a test binary")
	layers         = flag.String("layers", "gold", "layers that the consumer writes; the Python stack writes gold only")
	consumerFlags  = flag.String("consumer-flags", "", "more flags of the consumer, separated by spaces")
)

func wanted(part string) bool { return slices.Contains(strings.Split(*parts, ","), part) }

// result is the last line of make bench-stream.
type result struct {
	MessagesPerSecond float64 `json:"messages_per_second"`
	CPUMicros         float64 `json:"cpu_us_per_message"` // of the whole process
	P50               float64 `json:"p50_ms"`             // from producing to reading the committed result, at a tenth of the rate
	P99               float64 `json:"p99_ms"`
	PeakRSS           float64 `json:"peak_rss_mb"`

	Messages         int64   `json:"messages"`
	ClassifyOnly     float64 `json:"classify_only_messages_per_second"` // without the role sink
	Ceiling          float64 `json:"ceiling_messages_per_second"`       // the same bytes, no classification, no sink
	Ceiling300       float64 `json:"ceiling_300_bytes_messages_per_second"`
	CeilingSink      float64 `json:"ceiling_with_sink_messages_per_second"` // the same bytes, no classification, and the sink beside it
	ClassifyOfCeil   float64 `json:"classify_only_of_ceiling"`
	OfCeiling        float64 `json:"of_ceiling"`
	OfCeilingSink    float64 `json:"of_ceiling_with_sink"`
	Python           float64 `json:"python_messages_per_second"`
	PythonCPUMicros  float64 `json:"python_cpu_us_per_message"`
	TimesPython      float64 `json:"times_python"`
	CoresTakenByElse float64 `json:"cores_taken_by_others"` // while the consumer ran: what was neither it nor a server
}

// BenchmarkStream runs once: -benchtime 1x.
func BenchmarkStream(b *testing.B) {
	r := newTestEnv(b)
	r.preload(*messages)
	var ceiling, ceiling300, ceilingSink, classify, both, python measurement
	if wanted("ceiling") {
		ceiling = r.measure("ceiling, the same bytes", r.ceiling("ceiling"), *messages)
		ceiling300 = r.measure("ceiling, results of 300 bytes", r.ceiling("ceiling300", "-fixed", "300"), *messages)
		ceilingSink = r.measure("ceiling, the same bytes, and sink", r.ceilingAndSink("ceilingsink"), *messages)
		r.checkGold("ceilingsink", ceilingSink)
	}
	if wanted("classify") {
		classify = r.measure("consumer, classify only", r.consumer("only", "classify"), *messages)
	}
	if wanted("both") {
		both = r.measure("consumer, classify and sink", r.consumer("both", "classify,sink"), *messages)
		r.checkGold("both", both)
	}
	if wanted("python") {
		python = r.measure("Python stack", r.python("python"), *pythonMessages)
	}
	var latency percentiles
	if wanted("latency") {
		latency = r.latency(cmp.Or(*latencyRate, both.rate/10), *latencySeconds)
	}
	out := result{
		MessagesPerSecond: round(both.rate), CPUMicros: round(both.cpuMicros()), P50: latency.p50, P99: latency.p99, PeakRSS: round(both.rss / 1e6),
		Messages: *messages, ClassifyOnly: round(classify.rate), Ceiling: round(ceiling.rate), Ceiling300: round(ceiling300.rate),
		ClassifyOfCeil: ratio(classify.rate, ceiling.rate), OfCeiling: ratio(both.rate, ceiling.rate),
		CeilingSink: round(ceilingSink.rate), OfCeilingSink: ratio(both.rate, ceilingSink.rate),
		Python: round(python.rate), PythonCPUMicros: round(python.cpuMicros()), TimesPython: ratio(both.rate, python.rate),
		CoresTakenByElse: both.others,
	}
	line, err := json.Marshal(out)
	if err != nil {
		b.Fatal(err)
	}
	if *report != "" {
		if err := os.WriteFile(*report, append(line, '\n'), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(both.rate, "msg/s")
	b.ReportMetric(both.cpuMicros(), "cpu-µs/msg")
	b.ReportMetric(0, "ns/op")
}

func round(x float64) float64 { return float64(int64(x*10+0.5)) / 10 }

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return float64(int64(a/b*100+0.5)) / 100
}

// say prints what a user waits for.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// testEnv is the servers, the programs and the topics of one run.
type testEnv struct {
	tb    testing.TB
	kafka *servers.KafkaServer
	s3    *servers.S3Server
	bin   string // folder of the built programs
	cores int
}

const partitions = 12

func newTestEnv(tb testing.TB) *testEnv {
	tb.Helper()
	r := &testEnv{tb: tb, kafka: servers.Kafka(tb), s3: servers.VersityGW(tb), bin: tb.TempDir(), cores: min(2, runtime.NumCPU())}
	r.mustRun("", "go", "build", "-o", r.bin, "complaints/consumer", "complaints/producer", "complaints/deploy/bench/ceiling")
	if *profiles != "" {
		r.mustRun("", "go", "test", "-c", "-o", filepath.Join(r.bin, "consumer.test"), "complaints/consumer")
	}
	return r
}

// preload publishes the messages: the sample, over and over.
func (r *testEnv) preload(n int64) {
	r.tb.Helper()
	started := time.Now()
	r.mustRun("", filepath.Join(r.bin, "producer"), "--brokers", r.kafka.Brokers[0], "--partitions", strconv.Itoa(partitions),
		"--sample", "--repeat", "0", "--limit", strconv.FormatInt(n, 10))
	say("%-32s %9d messages in %.1f s", "preloaded", n, time.Since(started).Seconds())
}

// contender is a program to measure.
type contender struct {
	command []string
	beside  []string // another program that runs with it, if any
	env     []string
	target  string // topic of the results
	group   string // consumer group whose offsets say how far it is
	gold    string // folder of Parquet files; "" writes none
}

// ceiling is the loop without classification, with a topic of its own.
func (r *testEnv) ceiling(target string, more ...string) contender {
	r.kafka.CreateTopics(r.tb, partitions, target)
	return r.loop(target, more...)
}

func (r *testEnv) loop(target string, more ...string) contender {
	args := []string{
		filepath.Join(r.bin, "ceiling"), "-brokers", r.kafka.Brokers[0], "-target", target,
		"-sessions", strconv.Itoa(r.cores), "-limit", strconv.FormatInt(*messages, 10),
	}
	return contender{command: append(args, more...), target: target, group: target}
}

// ceilingAndSink is the loop and, in a process of its own, the sink of its results.
func (r *testEnv) ceilingAndSink(name string) contender {
	sink := r.consumer(name, "sink", "--idle-for", "5s")
	c := r.loop(sink.target)
	c.beside, c.env, c.gold, c.group = sink.command, sink.env, sink.gold, name+"-sink"
	return c
}
