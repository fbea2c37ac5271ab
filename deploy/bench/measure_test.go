//go:build servers

package bench

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// measurement is what one contender did.
type measurement struct {
	messages int64
	rate     float64 // messages a second, from the first committed result to the last, and to the last gold object
	cpu      time.Duration
	dead     int64   // of the messages, the dead letters
	rss      float64 // bytes, the peak of its largest process
	others   float64 // cores that neither it nor a server nor the bench took
}

func (m measurement) cpuMicros() float64 {
	if m.messages == 0 {
		return 0
	}
	return float64(m.cpu.Microseconds()) / float64(m.messages)
}

// measure runs a contender to its end. Time counts from the first results that a
// reader of committed records sees, which are not counted, so that neither the
// start of a program nor its join of the group weighs.
func (r *testEnv) measure(title string, c contender, n int64) measurement {
	r.tb.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.kafka.Internal...),
		// That a topic is not there yet must not be remembered for seconds.
		kgo.MetadataMinAge(20*time.Millisecond))
	if err != nil {
		r.tb.Fatal(err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)

	log := &sharedLog{}
	before := readTicks()
	programs := c.start(r.tb, log)
	exited := make(chan error, 1)
	go func() {
		var errs []error
		for _, p := range programs {
			errs = append(errs, p.Wait())
		}
		exited <- errors.Join(errs...)
	}()
	w := watch{testEnv: r, adm: adm, contender: c}
	for running := true; running; {
		w.look()
		select {
		case err = <-exited:
			running = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	w.look()
	elapsed := readTicks().minus(before)
	if err != nil || w.committed < n && c.group != "" {
		r.tb.Fatalf("%s: %v; %d of %d messages committed\n%s", title, err, w.committed, n, log.String())
	}
	if c.gold != "" {
		w.last = lastChange(c.gold)
	}
	dead := r.results(adm, deadLetters)
	r.forget(adm, c.target, deadLetters)
	m := measurement{messages: n, dead: dead, rate: float64(n-w.seen) / w.last.Sub(w.first).Seconds()}
	for _, p := range programs {
		usage := p.ProcessState.SysUsage().(*syscall.Rusage)
		m.cpu += p.ProcessState.UserTime() + p.ProcessState.SystemTime()
		m.rss = max(m.rss, float64(usage.Maxrss)*1024)
	}
	m.others = round(elapsed.others(m.cpu))
	say("%-32s %9.0f messages/s, %6.1f µs CPU a message, %5.0f MB; Kafka took %5.1f µs, others %.1f cores",
		title, m.rate, m.cpuMicros(), m.rss/1e6, elapsed.servers.Seconds()*1e6/float64(n), m.others)
	return m
}

// sharedLog is what several programs say.
type sharedLog struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

// start runs the contender's programs.
func (c contender) start(tb testing.TB, log io.Writer) (programs []*exec.Cmd) {
	tb.Helper()
	for _, command := range [][]string{c.command, c.beside} {
		if len(command) == 0 {
			continue
		}
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = append(os.Environ(), c.env...)
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Start(); err != nil {
			tb.Fatal(err)
		}
		programs = append(programs, cmd)
	}
	return programs
}

// watch follows a contender from outside.
type watch struct {
	testEnv *testEnv
	adm     *kadm.Client
	contender
	first, last     time.Time // when results were first there, and when the group went on last
	seen, committed int64     // results at first, messages at last
}

func (w *watch) look() {
	if w.first.IsZero() {
		if w.seen = w.testEnv.results(w.adm, w.target); w.seen > 0 {
			w.first = time.Now()
		}
	}
	if at := w.testEnv.committed(w.adm, w.group); at > w.committed {
		w.committed, w.last = at, time.Now()
	}
}

// results is how many results a reader of committed records sees, and the
// markers of their transactions. A topic that is not there yet has none.
func (r *testEnv) results(adm *kadm.Client, topic string) (n int64) {
	offsets, err := adm.ListCommittedOffsets(r.tb.Context(), topic)
	if err == nil {
		offsets.Each(func(o kadm.ListedOffset) { n += max(o.Offset, 0) })
	}
	return n
}

// committed is how many messages the group is through with; a group that is not
// there yet, with none.
func (r *testEnv) committed(adm *kadm.Client, group string) (n int64) {
	if group == "" {
		return 0
	}
	offsets, err := adm.FetchOffsets(r.tb.Context(), group)
	if err == nil {
		offsets.Each(func(o kadm.OffsetResponse) { n += max(o.At, 0) })
	}
	return n
}

// deadLetters is the topic to which the consumer takes what it refuses, which
// the sample has a little of.
const deadLetters = "complaints.dead-letter"

// forget makes room for the next contender.
func (r *testEnv) forget(adm *kadm.Client, topics ...string) {
	r.tb.Helper()
	if _, err := adm.DeleteTopics(r.tb.Context(), topics...); err != nil {
		r.tb.Fatal(err)
	}
	for range 100 {
		there, err := adm.ListTopics(r.tb.Context())
		if err == nil && !slices.ContainsFunc(topics, there.Has) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.tb.Fatalf("topics %v cannot be deleted", topics)
}

// lastChange is when the last file below a folder was written.
func lastChange(dir string) (last time.Time) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".parquet") {
			return err
		}
		info, err := d.Info()
		if err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return err
	})
	return last
}
