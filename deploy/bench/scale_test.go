//go:build servers

package bench

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"complaints/internal/kafka"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	scaleMessages  = flag.Int64("scale-messages", 20_000, "messages that each consumer of the scaling run gets")
	scaleConsumers = flag.String("scale-consumers", "1,2,4", "how many consumers, one run each")
	scaleCores     = flag.Float64("scale-cores", 0.25, "cores that a consumer gets")
)

// BenchmarkScale runs once: -benchtime 1x. Consumers, each held to a share of a core, work on one topic of 12 partitions;
// the broker and the S3 gateway are apart. It prints how the rate grows with their number.
func BenchmarkScale(b *testing.B) {
	// A group of their own gives broker, gateway and producer their turn, whatever else this machine does.
	newCPUGroup(b, "apart", 0).enter(b)
	r := newTestEnv(b)
	var first float64
	for text := range strings.SplitSeq(*scaleConsumers, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatalf("-scale-consumers: %v", err)
		}
		rate := r.scale(n)
		if first == 0 {
			first = rate / float64(n)
		}
		say("%32s %.2f times one consumer", "", rate/first)
		b.ReportMetric(rate, fmt.Sprintf("msg/s-of-%d", n))
	}
	b.ReportMetric(0, "ns/op")
}

// scaled is one of the consumers of a run.
type scaled struct {
	group *cpuGroup
	cmd   *exec.Cmd
	log   bytes.Buffer
}

// scale has n consumers join an empty topic, publishes, and returns the messages a second from the first to when all of them
// are classified and in the lake.
func (r *testEnv) scale(n int) float64 {
	r.tb.Helper()
	prefix := fmt.Sprintf("scale%d.", n)
	messages := *scaleMessages * int64(n)
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.kafka.Internal...))
	if err != nil {
		r.tb.Fatal(err)
	}
	defer cl.Close()
	consumers := make([]*scaled, n)
	for i := range consumers {
		consumers[i] = r.startScaled(prefix, i)
	}
	r.waitMembers(kadm.NewClient(cl), prefix, n)
	r.waitQuiet(consumers)

	objects := r.requests()
	began, before, cpu := time.Now(), readTicks(), seconds(consumers)
	r.mustRun("", filepath.Join(r.bin, "producer"), "--brokers", r.kafka.Brokers[0], "--topic-prefix", prefix,
		"--sample", "--repeat", "0", "--limit", strconv.FormatInt(messages, 10))
	published := time.Since(began)
	for r.lag(cl, prefix) > 0 {
		r.checkAlive(consumers)
		time.Sleep(50 * time.Millisecond)
	}
	took := time.Since(began)
	cpu = seconds(consumers) - cpu
	elapsed := readTicks().minus(before)
	var rss float64
	for _, c := range consumers {
		rss = max(rss, r.stopScaled(c))
	}
	rate := float64(messages) / took.Seconds()
	say("%-32s %9.0f messages/s, %6.1f µs CPU a message, %3.0f%% of their share, %4.0f MB the largest; Kafka and S3 took %.2f cores; %d messages in %.1f s, published in %.1f s; requests %v",
		fmt.Sprintf("%d consumers of %g cores", n, *scaleCores), rate, cpu*1e6/float64(messages), 100*cpu/took.Seconds()/(*scaleCores*float64(n)), rss/1e6,
		elapsed.servers.Seconds()/took.Seconds(), messages, took.Seconds(), published.Seconds(), minus(r.requests(), objects))
	return rate
}

func (r *testEnv) startScaled(prefix string, i int) *scaled {
	r.tb.Helper()
	c := &scaled{group: newCPUGroup(r.tb, fmt.Sprintf("%s%d", prefix, i), *scaleCores)}
	args := []string{
		"run", "--brokers", r.kafka.Brokers[0], "--topic-prefix", prefix, "--group", prefix,
		"--instance", strconv.Itoa(i), "--roles", "classify,sink", "--log-level", "warn", "--partitions", strconv.Itoa(partitions), "--allow-bootstrap",
		"--roll-age", "5s", "--idle-flush", "1s", "--lake", "s3://" + r.s3.Bucket + "/" + prefix, "--s3-endpoint", r.s3.URL, "--s3-region", r.s3.Region,
	}
	c.cmd = c.group.command(filepath.Join(r.bin, "consumer"), append(args, strings.Fields(*consumerFlags)...)...)
	c.cmd.Env = append(append(os.Environ(), r.s3.Env()...), "GOMAXPROCS=1")
	c.cmd.Stdout, c.cmd.Stderr = &c.log, &c.log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		r.tb.Fatal(err)
	}
	return c
}

// stopScaled returns the peak of its memory, bytes.
func (r *testEnv) stopScaled(c *scaled) float64 {
	r.tb.Helper()
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	if err := c.cmd.Wait(); err != nil {
		r.tb.Fatalf("a consumer: %v\n%s", err, c.log.String())
	}
	return float64(c.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) * 1024
}

func (r *testEnv) checkAlive(consumers []*scaled) {
	r.tb.Helper()
	for _, c := range consumers {
		if err := c.cmd.Process.Signal(syscall.Signal(0)); err != nil {
			r.tb.Fatalf("a consumer is gone: %v\n%s", err, c.log.String())
		}
	}
}

func seconds(consumers []*scaled) (sum float64) {
	for _, c := range consumers {
		sum += c.group.seconds()
	}
	return sum
}

// waitMembers waits until both groups have n members and each has its partitions.
func (r *testEnv) waitMembers(adm *kadm.Client, prefix string, n int) {
	r.tb.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		groups, err := adm.DescribeGroups(r.tb.Context(), prefix+"-classify", prefix+"-sink")
		ready := err == nil
		for _, g := range groups {
			ready = ready && g.Err == nil && g.State == "Stable" && len(g.Members) == n
			for _, m := range g.Members {
				assigned, ok := m.Assigned.AsConsumer()
				ready = ready && ok && len(assigned.Topics) > 0
			}
		}
		if ready {
			return
		}
		if time.Now().After(deadline) {
			r.tb.Fatalf("%d consumers do not share the partitions: %v %+v", n, err, groups)
		}
	}
}

// waitQuiet waits until the consumers have found in the lake where to begin, and only wait for messages.
func (r *testEnv) waitQuiet(consumers []*scaled) {
	r.tb.Helper()
	const look = 500 * time.Millisecond
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		before := seconds(consumers)
		time.Sleep(look)
		if seconds(consumers)-before < 0.1**scaleCores*float64(len(consumers))*look.Seconds() {
			return
		}
	}
	r.tb.Fatal("the consumers do not come to rest")
}

// lag is what both groups have not done yet.
func (r *testEnv) lag(cl *kgo.Client, prefix string) int64 {
	r.tb.Helper()
	var total int64
	for group, topics := range map[string][]string{
		prefix + "-classify": {prefix + "complaints"},
		prefix + "-sink":     {prefix + "complaints", prefix + "complaints.classified"},
	} {
		ctx, cancel := context.WithTimeout(r.tb.Context(), 30*time.Second)
		lags, err := kafka.Lag(ctx, cl, group, topics...)
		cancel()
		if err != nil {
			r.tb.Fatal(err)
		}
		total += lags.Total()
	}
	return total
}

var gatewayLine = regexp.MustCompile(`\| (\d+) \| +\S+ \| \S+ \| (\w+) \| (\S+)`)

// requests counts the requests that the S3 gateway has answered, by method and what they were for.
func (r *testEnv) requests() map[string]int {
	counts := map[string]int{}
	for _, m := range gatewayLine.FindAllStringSubmatch(r.s3.Log(), -1) {
		what := m[2]
		switch {
		case what == "GET" && strings.TrimSuffix(m[3], "/") == "/"+r.s3.Bucket:
			what = "LIST"
		case strings.Contains(m[3], "/chain/"):
			what += " chain"
		case strings.Contains(m[3], ".parquet"):
			what += " object"
		}
		counts[what]++
	}
	return counts
}

func minus(a, b map[string]int) map[string]int {
	for k, n := range b {
		if a[k] -= n; a[k] == 0 {
			delete(a, k)
		}
	}
	return a
}
