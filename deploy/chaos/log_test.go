//go:build servers && failpoint

package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kadm"
)

// offsetsTo stops the consumers, moves the sink's offsets, and starts them again.
// A partition where it says -1 keeps its offset.
func offsetsTo(where func(*rowEnv, string, schema.Layer, int32) (int64, error)) func(*rowEnv) error {
	return withoutConsumers(func(s *rowEnv) error {
		offsets, moved := kadm.Offsets{}, 0
		for topic, layer := range map[string]schema.Layer{s.topics.Complaints: schema.Bronze, s.topics.Classified: schema.Gold} {
			for p := range s.parts {
				at, err := where(s, topic, layer, p)
				if err != nil {
					return err
				}
				if at >= 0 {
					offsets.AddOffset(topic, p, at, -1)
					moved++
				}
			}
		}
		if moved == 0 {
			return errors.New("no partition has such an offset")
		}
		return s.shared.admin.CommitAllOffsets(s.ctx, s.sinkGroup(), offsets)
	})
}

func offsetsDeleted(s *rowEnv) error {
	return withoutConsumers(func(s *rowEnv) error {
		resp, err := s.shared.admin.DeleteGroup(s.ctx, s.sinkGroup())
		return errors.Join(err, resp.Err)
	})(s)
}

func withoutConsumers(do func(*rowEnv) error) func(*rowEnv) error {
	return func(s *rowEnv) error {
		for range s.times(1, 4) {
			w, err := s.start("a", "")
			if err != nil {
				return err
			}
			if err := errors.Join(s.members(1), s.begun(), s.sleep(3*time.Second), w.stop()); err != nil {
				return err
			}
			var last error
			err = s.bringAbout(30*time.Second, "the group is empty", func() (bool, error) {
				last = do(s)
				return last == nil, nil
			})
			if err != nil {
				return errors.Join(err, last)
			}
			s.injected.Add(1)
		}
		_, err := s.start("a", "")
		return err
	}
}

// begun waits until something is in the lake. The publisher may begin seconds after
// the consumers, and offsets of nothing cannot be moved.
func (s *rowEnv) begun() error {
	return s.bringAbout(time.Minute, "something is in the lake", func() (bool, error) {
		claims, err := filepath.Glob(filepath.Join(s.root, "chain", "*", "*", "*", "*.json"))
		return len(claims) > 0, err
	})
}

func start(*rowEnv, string, schema.Layer, int32) (int64, error) { return 0, nil }

// middleOfAClaim is an offset that lies within a claim, so that no claim starts there.
func middleOfAClaim(s *rowEnv, topic string, layer schema.Layer, partition int32) (int64, error) {
	claims, err := s.claims(layer, topic, partition)
	if err != nil {
		return 0, err
	}
	slices.Reverse(claims)
	for _, l := range claims {
		if l.Next-l.Start >= 3 {
			return (l.Start + l.Next) / 2, nil
		}
	}
	return -1, nil
}

// claims reads the chain of a partition, in the order of its offsets.
func (s *rowEnv) claims(layer schema.Layer, topic string, partition int32) ([]schema.Claim, error) {
	paths, err := filepath.Glob(filepath.Join(s.root, "chain", string(layer), "*", fmt.Sprint(partition), "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var claims []schema.Claim
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var l schema.Claim
		if err := json.Unmarshal(body, &l); err != nil {
			return nil, err
		}
		if l.Topic == topic {
			claims = append(claims, l)
		}
	}
	return claims, nil
}

func (s *rowEnv) two() error {
	_, errA := s.start("a", "")
	_, errB := s.start("b", "")
	return errors.Join(errA, errB)
}

// brokerEnds ends the broker and starts it again, while a consumer stands between
// the results and the end of its transaction. A lone broker that ends a moment
// later, between the end of a transaction and its marks, was seen to leave them out
// for good ("these partitions are likely deleted already and hence can be skipped"):
// then nobody can go on, which is no fault of ours.
func brokerEnds(end func(*rowEnv)) func(*rowEnv) error {
	return func(s *rowEnv) error {
		for n := range s.times(1, 4) {
			w, err := s.start("a", fmt.Sprintf("classify/before-commit=pause:%d", 3+n))
			if err != nil {
				return err
			}
			if err := w.waitPaused(); err != nil {
				return err
			}
			end(s)
			s.shared.kafka.Start()
			if err := w.resume(); err != nil {
				return err
			}
			if n == s.times(1, 4)-1 {
				break
			}
			if err := s.sleep(3 * time.Second); err != nil {
				return err
			}
			s.current("a").kill() // which may still be finding its broker
		}
		return nil
	}
}

func (s *rowEnv) current(name string) *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workers[name]
}

// network breaks what lies between the broker and its clients for a while.
func network(lasts time.Duration, breaks func(*rowEnv)) func(*rowEnv) error {
	return func(s *rowEnv) error {
		if err := s.two(); err != nil {
			return err
		}
		for range s.times(1, 4) {
			if err := errors.Join(s.members(2), s.sleep(2*time.Second)); err != nil {
				return err
			}
			breaks(s)
			s.injected.Add(1)
			err := s.sleep(lasts)
			s.shared.kafka.Proxy.Heal()
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// storeDies kills the S3 server.
func storeDies(s *rowEnv) error {
	if err := s.two(); err != nil {
		return err
	}
	for range s.times(2, 4) {
		if err := errors.Join(s.members(2), s.sleep(2*time.Second)); err != nil {
			return err
		}
		s.shared.s3.Kill()
		err := s.sleep(3 * time.Second)
		s.shared.s3.Start()
		if err != nil {
			return err
		}
		s.injected.Add(1)
	}
	return nil
}
