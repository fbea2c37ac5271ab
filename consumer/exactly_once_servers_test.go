//go:build servers && failpoint

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"complaints/deploy/servers"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var rounds = flag.Int("rounds", 1, "how often the kill and stop test runs on its servers")

const testPartitions = 4

// newSystem starts the servers and creates the source topic.
func newSystem(t *testing.T) *system {
	t.Helper()
	s := &system{t: t, kafka: servers.Kafka(t), s3: servers.VersityGW(t)}
	s.kafka.CreateTopics(t, testPartitions, "complaints")
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": s.s3.AccessKey, "AWS_SECRET_ACCESS_KEY": s.s3.SecretKey} {
		t.Setenv(name, value)
	}
	return s
}

func (s *system) client() *kgo.Client {
	s.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Brokers...))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(cl.Close)
	return cl
}

// publish sends n messages, one in twenty of them broken, at about perSecond.
func (s *system) publish(n, perSecond int) {
	s.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Brokers...))
	if err != nil {
		s.t.Error(err)
		return
	}
	defer cl.Close()
	start := time.Now()
	var failed atomic.Bool
	for i := range n {
		value := fmt.Appendf(nil, `{"complaint_id":"c%d","product":"Mortgage","state":"CA","narrative":"Message %d: the bank lost my mortgage payment and charged {$50.00}."}`, i, i)
		if i%20 == 0 {
			value = value[:len(value)/2]
		}
		cl.Produce(s.t.Context(), &kgo.Record{Topic: "complaints", Key: []byte(strconv.Itoa(i)), Value: value}, func(_ *kgo.Record, err error) {
			if err != nil && failed.CompareAndSwap(false, true) {
				s.t.Errorf("publish message %d: %v", i, err)
			}
		})
		if wait := time.Duration(i)*time.Second/time.Duration(perSecond) - time.Since(start); wait > 10*time.Millisecond {
			time.Sleep(wait)
		}
	}
	if err := cl.Flush(s.t.Context()); err != nil {
		s.t.Error(err)
	}
}

// proof is what consumer verify --json prints, as far as tests look at it.
type proof struct {
	Results struct {
		Classified   int64 `json:"classified"`
		DeadLettered int64 `json:"dead_lettered"`
	} `json:"results"`
}

// verify runs consumer verify in this process.
func (s *system) verify() (proof, error) {
	s.t.Helper()
	var out, errOut bytes.Buffer
	err := run(s.t.Context(), append([]string{"verify", "--wait", "90s", "--json"}, s.flags()...), &out, &errOut)
	var p proof
	if jsonErr := json.Unmarshal(out.Bytes(), &p); jsonErr != nil && err == nil {
		s.t.Fatalf("verify printed %q, %q: %v", out.String(), errOut.String(), jsonErr)
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out.String())
	}
	return p, err
}

// deleteSinkOffsets forgets where the sink was.
func (s *system) deleteSinkOffsets() {
	s.t.Helper()
	adm := kadm.NewClient(s.client())
	for range 50 {
		resp, err := adm.DeleteGroup(s.t.Context(), "complaints-sink")
		if err == nil && resp.Err == nil {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	s.t.Fatal("the sink's group cannot be deleted")
}

// killPoints and pausePoints are the steps of both roles at which a process dies
// or falls asleep.
var (
	killPoints = []string{
		"classify/after-begin", "classify/after-produce", "classify/before-commit", "classify/after-commit",
		"sink/before-claim", "sink/after-claim", "sink/after-put", "sink/before-commit", "sink/after-commit",
	}
	pausePoints = []string{"classify/before-commit", "sink/before-claim", "sink/after-claim", "sink/before-commit"}
)

// TestExactlyOnceWhenProcessesDieAndSleep runs two consumers on four partitions.
// One is killed in the middle of its work and starts again, the other sleeps
// past its session timeout and wakes up; then both stop, the sink's offsets are
// forgotten, and both start again.
func TestExactlyOnceWhenProcessesDieAndSleep(t *testing.T) {
	for round := range *rounds {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			s := newSystem(t)
			rng := rand.New(rand.NewPCG(uint64(round), uint64(time.Now().UnixNano())))
			kill := fmt.Sprintf("%s=kill:%d", killPoints[rng.IntN(len(killPoints))], 1+rng.IntN(3))
			pause := fmt.Sprintf("%s=pause:%d", pausePoints[rng.IntN(len(pausePoints))], 1+rng.IntN(3))
			t.Logf("a dies at %s, b sleeps at %s", kill, pause)

			a, b := s.start("a", kill), s.start("b", pause)
			published := make(chan struct{})
			const n = 20_000
			go func() { defer close(published); s.publish(n, 1500) }()
			a.waitKilled(60 * time.Second)
			a = s.start("a", "")
			b.waitPaused(60 * time.Second)
			// Past the session timeout, and every other time past the transaction's.
			time.Sleep(time.Duration(8+10*rng.IntN(2)) * time.Second)
			b.resume()
			<-published
			s.settled(n)

			a.stop()
			b.stop()
			s.deleteSinkOffsets()
			a, b = s.start("a", ""), s.start("b", "")
			s.publish(400, 400)
			s.settled(n + 400)
			a.stop()
			b.stop()
		})
	}
}

// settled waits until all n messages went all the way, each once.
func (s *system) settled(n int64) {
	s.t.Helper()
	p, err := s.verify()
	if err != nil {
		s.t.Fatal(err)
	}
	if r := p.Results; r.Classified+r.DeadLettered != n || r.DeadLettered == 0 {
		s.t.Fatalf("%d classified and %d dead-lettered, want %d in all", r.Classified, r.DeadLettered, n)
	}
}
