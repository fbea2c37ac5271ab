//go:build servers && failpoint

package chaos

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	soakMessages = flag.Int("soak.messages", 0, "how many messages the soak publishes; 0: it does not run")
	soakRate     = flag.Int("soak.rate", 4000, "messages a second that the soak publishes")
	soakSeed     = flag.Uint64("soak.seed", 0, "of the times and victims of the soak's kills; 0: chosen and printed")
)

// The soak's consumers: the first lives from start to end, so that its memory
// shows what grows; the others are killed.
var soakConsumers = []string{"lives", "dies1", "dies2"}

// What the consumer that lives may take: in the median of the second half of the
// soak so much more than in that of the first, and never more than maxMB, which is
// what its sink alone may take. Its peaks come and go with the partitions of the dead.
const (
	maxGrowth = 1.25
	maxMB     = 512
)

// TestSoak publishes to twelve partitions, kills a consumer every few seconds, and
// wants each message once everywhere, and memory that stays as it was.
func TestSoak(t *testing.T) {
	if *soakMessages == 0 {
		t.Skip("takes long: -soak.messages 1000000, or make soak")
	}
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-soak.seed %d", seed)
	memory := &memoryLog{tb: t}
	w := newSharedEnv(t)
	o := w.perform(t.Context(), fault{
		name: "soak", messages: *soakMessages, perSecond: *soakRate, partitions: 12, within: 3 * time.Hour,
		flags: []string{"--batch-records", "2000", "--roll-age", "5s"},
		run: func(s *rowEnv) error {
			return soak(s, rand.New(rand.NewPCG(seed, seed)), memory)
		},
	}, w.program)
	t.Logf("\n%s", table([]outcome{o}))
	if err := o.failure(); err != nil {
		t.Error(err)
	}
	first, second, peak := memory.summary()
	t.Logf("the consumer that lives: median %.0f MB in the first half, %.0f MB in the second, peak %.0f MB", first, second, peak)
	if second > maxGrowth*first || peak > maxMB {
		t.Errorf("its memory is not flat: want a second median of at most %.2f times the first, and a peak of at most %d MB", maxGrowth, maxMB)
	}
}

func soak(s *rowEnv, rng *rand.Rand, memory *memoryLog) error {
	for _, name := range soakConsumers {
		if _, err := s.start(name, ""); err != nil {
			return err
		}
	}
	began := time.Now()
	kill := began.Add(10 * time.Second)
	for {
		select {
		case <-s.messages.done:
			return nil
		default:
		}
		if err := s.sleep(time.Second); err != nil {
			return err
		}
		if err := memory.look(s, time.Since(began)); err != nil {
			return err
		}
		if time.Now().Before(kill) {
			continue
		}
		victim := soakConsumers[1+rng.IntN(len(soakConsumers)-1)]
		s.current(victim).kill()
		s.injected.Add(1)
		if _, err := s.start(victim, ""); err != nil {
			return err
		}
		kill = time.Now().Add(time.Duration(2000+rng.IntN(4000)) * time.Millisecond)
	}
}

// memoryLog is what the consumers take over time.
type memoryLog struct {
	tb    testing.TB
	lives []float64 // resident MB of the consumer that lives, a second each
	peak  []float64 // of each consumer since the last line
	lines int
}

// memoryEvery is the time of a line of the log.
const memoryEvery = 20 * time.Second

func (m *memoryLog) look(s *rowEnv, since time.Duration) error {
	if m.peak == nil {
		m.peak = make([]float64, len(soakConsumers))
		m.tb.Logf("seconds, messages, kills, peak MB since the last line of %v", soakConsumers)
	}
	for i, name := range soakConsumers {
		mb, err := residentMB(s.current(name).cmd.Process.Pid)
		if err != nil {
			if i == 0 {
				return err
			}
			continue // it has just ended
		}
		m.peak[i] = max(m.peak[i], mb)
		if i == 0 {
			m.lives = append(m.lives, mb)
		}
	}
	if since >= time.Duration(m.lines+1)*memoryEvery {
		m.tb.Logf("%6.0f %9d %5d   %.0f", since.Seconds(), s.messages.published.Load(), s.injected.Load(), m.peak)
		m.lines, m.peak = m.lines+1, make([]float64, len(soakConsumers))
	}
	return nil
}

// summary is the median of each half, and the peak, of the consumer that lives.
func (m *memoryLog) summary() (first, second, peak float64) {
	if len(m.lives) < 2 {
		return 0, 0, 0
	}
	half := len(m.lives) / 2
	return median(m.lives[:half]), median(m.lives[half:]), slices.Max(m.lives)
}

func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

func residentMB(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := bytes.Cut(status, []byte("VmRSS:"))
	kb, _, _ := strings.Cut(strings.TrimSpace(string(after)), " ")
	n, err := strconv.ParseFloat(kb, 64)
	return n / 1000, err
}
