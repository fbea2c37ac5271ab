package classify_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/classify"
)

// A reset of the group by hand repeats results or leaves messages out, which is wanted, and not to be missed.
func TestGroupResetIsLogged(t *testing.T) {
	const (
		earlier = `msg="the group was reset to earlier offsets; results of these messages stand in the outputs already and come again" messages=20 partitions="[0 1 2 3]"`
		later   = `msg="the group was reset to later offsets; these messages are left out" messages=24 partitions="[0 1 2 3]"`
	)
	for _, tc := range []struct {
		name      string
		to        int64
		committed int // messages a partition that were published since
		want      string
		outputs   int
	}{
		{"to earliest", 0, 0, earlier, 40},
		{"to latest", 18, 6, later, 20},
		{"to where it stands", 6, 6, "", 44},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t)
			f.upstream(5, kgo.TryCommit)
			f.runOnce(f.config("a"))
			f.upstream(4, kgo.TryAbort)
			if tc.committed > 0 {
				f.upstream(tc.committed, kgo.TryCommit)
			}
			for p := range int32(partitions) {
				f.Commit(group, f.topics.Complaints, p, tc.to)
			}
			cfg, log := f.logged()
			stop := f.start(cfg)
			f.waitLag(stop)
			log.wait(t, tc.want)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if tc.want == "" && strings.Contains(log.String(), "reset") {
				t.Errorf("the log tells of a reset:\n%s", log)
			}
			n := 0
			for _, out := range f.outputs() {
				n += out.count
			}
			if n != tc.outputs {
				t.Errorf("%d outputs, want %d", n, tc.outputs)
			}
			// What a consumer has committed is no reset.
			f.upstream(1, kgo.TryCommit)
			f.runOnce(f.config("a"))
			cfg, log = f.logged()
			f.runOnce(cfg)
			if strings.Contains(log.String(), "reset") {
				t.Errorf("the next start tells of a reset: %s", log)
			}
		})
	}
}

// logged is a configuration whose log can be read.
func (f *fixture) logged() (classify.Config, *logBuffer) {
	log, cfg := new(logBuffer), f.config("a")
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	return cfg, log
}

// logBuffer is a log that many goroutines write.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// wait waits until the log holds a text.
func (l *logBuffer) wait(t *testing.T, text string) {
	t.Helper()
	for range 500 {
		if strings.Contains(l.String(), text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the log lacks %s:\n%s", text, l)
}
