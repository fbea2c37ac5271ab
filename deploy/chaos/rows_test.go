//go:build servers && failpoint

package chaos

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// fault is a row of the matrix. Run injects it while messages are published, and
// returns when it is over and consumers run that can finish the work.
type fault struct {
	name      string
	long      bool // only in the long matrix
	alone     bool // it breaks what all rows share
	run       func(*rowEnv) error
	timestamp func(n int) time.Time // of messages; nil: now

	// What the soak has otherwise; zero: as the matrix.
	messages, perSecond int
	partitions          int32
	within              time.Duration
	flags               []string
}

// The steps at which a process dies or falls asleep.
var (
	classifySteps = []string{"classify/after-begin", "classify/after-produce", "classify/before-commit", "classify/after-commit"}
	sinkSteps     = []string{"sink/before-claim", "sink/after-claim", "sink/after-put", "sink/before-commit", "sink/after-commit"}
)

func faults() []fault {
	var all []fault
	for _, step := range append(append([]string{}, classifySteps...), sinkSteps...) {
		all = append(all, fault{name: "SIGKILL at " + step, run: killAt(step)})
	}
	for _, step := range []string{"classify/before-commit", "sink/before-claim", "sink/after-claim", "sink/after-put", "sink/before-commit"} {
		all = append(all, fault{name: "zombie wakes at " + step, run: sleepAt(step, 0), long: step == "sink/before-commit"})
	}
	all = append(all,
		fault{name: "zombie wakes after its transaction", run: sleepAt("classify/before-commit", 18*time.Second), long: true},
		fault{name: "consumers come and go", run: comeAndGo},
		fault{name: "SIGKILL at any time", run: killAnyTime, long: true},
	)
	for _, a := range answers() {
		all = append(all, fault{name: "S3: " + a.name, run: answerWith(a), long: a.hang})
	}
	return append(all,
		fault{name: "offsets reset to the middle of a claim", run: offsetsTo(middleOfAClaim)},
		fault{name: "offsets reset to the start", run: offsetsTo(start), long: true},
		fault{name: "offsets deleted", run: offsetsDeleted},
		fault{name: "local disk is full", run: diskIsFull},
		fault{name: "timestamps jump between days, to 2099", run: killAt("sink/after-put"), timestamp: jumping},
		fault{name: "broker restarts in transactions", run: brokerEnds(func(s *rowEnv) { s.shared.kafka.Stop() }), alone: true},
		fault{name: "broker SIGKILL in transactions", run: brokerEnds(func(s *rowEnv) { s.shared.kafka.Kill() }), alone: true},
		fault{name: "Kafka: slow", run: network(5*time.Second, func(s *rowEnv) { s.shared.kafka.Proxy.Slow(300 * time.Millisecond) }), alone: true, long: true},
		fault{name: "Kafka: connections reset", run: network(4*time.Second, func(s *rowEnv) { s.shared.kafka.Proxy.Reset(100 * time.Millisecond) }), alone: true},
		fault{name: "Kafka: connections cut in answers", run: network(4*time.Second, func(s *rowEnv) { s.shared.kafka.Proxy.CutAnswers(20_000) }), alone: true, long: true},
		fault{name: "Kafka: refused", run: network(5*time.Second, func(s *rowEnv) { s.shared.kafka.Proxy.Refuse() }), alone: true, long: true},
		fault{name: "Kafka: silent", run: network(8*time.Second, func(s *rowEnv) { s.shared.kafka.Proxy.Silence() }), alone: true, long: true},
		fault{name: "Kafka: answers lost", run: network(5*time.Second, func(s *rowEnv) { s.shared.kafka.Proxy.LoseAnswers() }), alone: true, long: true},
		fault{name: "S3 server SIGKILL", run: storeDies, alone: true, long: true},
	)
}

func answers() []answer {
	return []answer{
		{name: "429", status: http.StatusTooManyRequests, code: "SlowDown", chance: 0.3},
		{name: "500", status: http.StatusInternalServerError, code: "InternalError", chance: 0.3},
		{name: "500 though stored", puts: true, stored: true, status: http.StatusInternalServerError, code: "InternalError", chance: 0.4},
		{name: "503", status: http.StatusServiceUnavailable, code: "ServiceUnavailable", chance: 0.3},
		{name: "409", puts: true, status: http.StatusConflict, code: "ConditionalRequestConflict", chance: 0.4},
		{name: "412 though absent", puts: true, status: http.StatusPreconditionFailed, code: "PreconditionFailed", chance: 0.2},
		{name: "412 within a 200", puts: true, stored: true, status: http.StatusOK, code: "PreconditionFailed", chance: 0.4},
		{name: "reset", reset: true, chance: 0.3},
		{name: "reset though stored", puts: true, stored: true, reset: true, chance: 0.4},
		{name: "time-out", puts: true, hang: true, chance: 0.1, most: 6},
		{name: "time-out though stored", puts: true, stored: true, hang: true, chance: 0.1, most: 6},
		{name: "slow", delay: 300 * time.Millisecond, chance: 1},
		{name: "answers cut", cut: true, chance: 0.3},
	}
}

// killAt lets a process die at a step, again and again, while another one works.
func killAt(step string) func(*rowEnv) error {
	return func(s *rowEnv) error {
		if *long {
			if _, err := s.start("b", ""); err != nil {
				return err
			}
		}
		for n := range s.times(2, 6) {
			w, err := s.start("a", fmt.Sprintf("%s=kill:%d", step, 1+n%3))
			if err != nil {
				return err
			}
			if err := w.waitKilled(); err != nil {
				return err
			}
		}
		_, err := s.start("a", "")
		return err
	}
}

// sleepAt lets a process fall asleep at a step until its partitions have moved,
// and wakes it.
func sleepAt(step string, further time.Duration) func(*rowEnv) error {
	return func(s *rowEnv) error {
		for n := range s.times(1, 4) {
			a, err := s.start("a", fmt.Sprintf("%s=pause:%d", step, 2+n))
			if err != nil {
				return err
			}
			if err := a.waitPaused(); err != nil {
				return err
			}
			sleeper, err := s.listed()
			if err != nil {
				return err
			}
			b, err := s.start("b", "")
			if err != nil {
				return err
			}
			// The sleeper is put out of its groups, and the other goes on with its partitions.
			if err := errors.Join(s.without(sleeper), s.sleep(3*time.Second+further), a.resume()); err != nil {
				return err
			}
			if n == s.times(1, 4)-1 {
				break
			}
			if err := s.sleep(3 * time.Second); err != nil {
				return err
			}
			a.kill()
			b.kill()
		}
		return nil
	}
}

// comeAndGo lets a second consumer join, work for a second and leave, every other
// time without a word.
func comeAndGo(s *rowEnv) error {
	if _, err := s.start("a", ""); err != nil {
		return err
	}
	for n := range s.times(4, 20) {
		others, err := s.memberIDs()
		if err != nil {
			return err
		}
		b, err := s.start("b", "")
		if err != nil {
			return err
		}
		if err := errors.Join(s.joined(others), s.sleep(time.Second)); err != nil {
			return err
		}
		s.injected.Add(1)
		if n%2 == 1 {
			b.kill()
		} else if err := b.stop(); err != nil {
			return err
		}
		if err := s.sleep(time.Second); err != nil {
			return err
		}
	}
	return nil
}

// killAnyTime kills one of two consumers, wherever it is.
func killAnyTime(s *rowEnv) error {
	for n := range s.times(4, 20) {
		for _, name := range []string{"a", "b"} {
			s.mu.Lock()
			w := s.workers[name]
			s.mu.Unlock()
			if n == 0 {
				w = nil
			}
			if w != nil && n%2 == int(name[0]-'a') {
				w.kill()
				s.injected.Add(1)
				w = nil
			}
			if w == nil {
				if _, err := s.start(name, ""); err != nil {
					return err
				}
			}
		}
		if err := s.sleep(time.Duration(1000+777*n%2500) * time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// answerWith has the store answer wrongly for a while.
func answerWith(a answer) func(*rowEnv) error {
	return func(s *rowEnv) error {
		if _, err := s.start("a", ""); err != nil {
			return err
		}
		if err := errors.Join(s.members(1), s.sleep(time.Second)); err != nil {
			return err
		}
		s.s3.set(&a)
		lasts := time.Duration(s.times(5, 20)) * time.Second
		if a.hang {
			lasts = 60 * time.Second
		}
		err := s.sleep(lasts)
		s.s3.set(nil)
		return err
	}
}

// jumping are the timestamps of messages on five days, one of them far ahead.
func jumping(n int) time.Time {
	days := []time.Time{
		time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC), time.Date(2099, 12, 31, 12, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2011, 12, 1, 8, 0, 0, 0, time.UTC), time.Now(),
	}
	return days[n/7%len(days)]
}

// diskIsFull keeps the lake on a small disk and fills it.
func diskIsFull(s *rowEnv) error {
	dir, err := s.smallDisk()
	if err != nil {
		return err
	}
	s.lake, s.root = "file://"+dir+"/lake", dir+"/lake"
	w, err := s.start("a", "")
	if err != nil {
		return err
	}
	for range s.times(2, 6) {
		if err := errors.Join(s.members(1), s.sleep(2*time.Second)); err != nil {
			return err
		}
		if err := fill(dir + "/ballast"); err != nil {
			return err
		}
		err := errors.Join(w.waitSaid("no space left on device"), s.sleep(2*time.Second), os.Remove(dir+"/ballast"))
		if err != nil {
			return err
		}
		s.injected.Add(1)
	}
	return nil
}
