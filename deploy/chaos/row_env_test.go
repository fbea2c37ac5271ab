//go:build servers && failpoint

package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kerr"
)

const defaultPartitions = 4

// rowEnv is what a row has to itself.
type rowEnv struct {
	shared   *sharedEnv
	ctx      context.Context //nolint:containedctx // of the row: its processes and requests end with it
	fail     context.CancelCauseFunc
	name     string
	dir      string // of logs
	lake     string // as --lake takes it
	root     string // the lake as files
	endpoint string // of S3, through the row's proxy
	s3       *s3Proxy
	flags    []string // of consumer run
	parts    int32    // partitions of each topic
	program  string   // of the consumers
	topics   schema.Topics
	messages *publisher
	atEnd    []func() error // what the row's fault has to undo

	injected atomic.Int64
	restarts atomic.Int64
	running  sync.WaitGroup // the goroutines of workers

	mu      sync.Mutex
	workers map[string]*worker // guarded by mu; the present one of each name
}

// rowWithin bounds a row.
func rowWithin() time.Duration {
	if *long {
		return 15 * time.Minute
	}
	return 5 * time.Minute
}

func (w *sharedEnv) newRowEnv(ctx context.Context, f fault, program string, try int) (s *rowEnv, end func() error, err error) {
	ctx, stopTimer := context.WithTimeout(ctx, cmp.Or(f.within, rowWithin()))
	ctx, fail := context.WithCancelCause(ctx)
	name := nameOf(f.name)
	if try > 0 {
		name += fmt.Sprint("-again-", try)
	}
	s = &rowEnv{
		shared: w, ctx: ctx, fail: fail, name: name, dir: filepath.Join(w.tb.TempDir(), name), program: program, workers: map[string]*worker{},
		lake: "s3://" + w.s3.Bucket + "/" + name, root: filepath.Join(w.s3.Dir, w.s3.Bucket, name),
		topics: schema.TopicNames(name + "."), parts: cmp.Or(f.partitions, defaultPartitions),
		flags: []string{
			"--roles", "classify,sink", "--allow-bootstrap", "--sessions", "1", "--session-timeout", "3s",
			"--batch-records", "200", "--roll-age", "500ms", "--idle-flush", "500ms",
		},
	}
	s.s3 = newS3Proxy(w.s3.URL, &s.injected)
	s.endpoint = s.s3.url
	end = func() error {
		fail(context.Canceled)
		s.killAll()
		s.running.Wait()
		s.s3.close()
		stopTimer()
		var errs []error
		for _, undo := range s.atEnd {
			errs = append(errs, undo())
		}
		return errors.Join(errs...)
	}
	if err := errors.Join(os.MkdirAll(s.dir, 0o700), s.createTopics()); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	s.flags = append(s.flags, f.flags...)
	s.messages = newPublisher(s, f)
	return s, end, nil
}

func (s *rowEnv) createTopics() error {
	settings := map[string]*string{
		// Records of any day may come, and stay.
		"message.timestamp.before.max.ms": new("9223372036854775807"),
		"message.timestamp.after.max.ms":  new("9223372036854775807"),
		"retention.ms":                    new("-1"),
	}
	_, err := s.shared.admin.CreateTopic(s.ctx, s.parts, 1, settings, s.topics.Complaints)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create %s: %w", s.topics.Complaints, err)
	}
	return nil
}

// where are the flags that say where a command works.
func (s *rowEnv) where(broker, endpoint string) []string {
	return []string{
		"--brokers", broker, "--topic-prefix", s.name + ".", "--group", s.name, "--partitions", fmt.Sprint(s.parts),
		"--lake", s.lake, "--s3-endpoint", endpoint, "--s3-region", s.shared.s3.Region,
	}
}

func (s *rowEnv) classifyGroup() string { return s.name + "-classify" }
func (s *rowEnv) sinkGroup() string     { return s.name + "-sink" }

// times is how often a fault is injected.
func (s *rowEnv) times(short, all int) int {
	if *long {
		return all
	}
	return short
}

// sleep waits, or says that the row is over.
func (s *rowEnv) sleep(d time.Duration) error {
	select {
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	case <-time.After(d):
		return nil
	}
}

// until asks again and again until it is so.
func (s *rowEnv) until(within time.Duration, what string, is func() (bool, error)) error {
	deadline := time.Now().Add(within)
	for {
		ok, err := is()
		if ok && err == nil {
			return nil
		}
		if s.ctx.Err() != nil {
			return errors.Join(context.Cause(s.ctx), err)
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("not within %s: %s", within, what), err)
		}
		if err := s.sleep(100 * time.Millisecond); err != nil {
			return err
		}
	}
}

// bringAbout waits for what a fault needs; without it the row is run again.
func (s *rowEnv) bringAbout(within time.Duration, what string, is func() (bool, error)) error {
	if err := s.until(within, what, is); err != nil {
		return fmt.Errorf("%w: %w", errNotInjected, err)
	}
	return nil
}

func (s *rowEnv) present() []*worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*worker
	for _, w := range s.workers {
		all = append(all, w)
	}
	return all
}

func (s *rowEnv) stopAll() error {
	var errs []error
	for _, w := range s.present() {
		select {
		case <-w.exited:
		default:
			errs = append(errs, w.stop())
		}
	}
	return errors.Join(errs...)
}

func (s *rowEnv) killAll() {
	for _, w := range s.present() {
		w.kill()
	}
}

// tails are what the present consumers said last.
func (s *rowEnv) tails() string {
	var b strings.Builder
	for _, w := range s.present() {
		fmt.Fprintf(&b, "last lines of %s:\n%s\n", w.name, w.tail())
	}
	return b.String()
}
