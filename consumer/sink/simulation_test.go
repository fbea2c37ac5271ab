package sink

import (
	"flag"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	seedFlag      = flag.Uint64("seed", 0, "replay this schedule of the simulation, and print what happens")
	schedulesFlag = flag.Int("schedules", 10_000, "how many schedules the simulation runs")
)

func simMetrics() *metrics { return newMetrics(nil, (&simulation{}).layers()) }

// schedule runs the schedule of a seed and returns what was wrong.
func schedule(seed uint64, broken breakage, m *metrics) *simulation {
	w := newSimulation(seed, broken, m)
	w.tracing = *seedFlag != 0
	from := w.start // what was gone before the lake was there is nobody's loss
	for range 100 + w.rng.IntN(200) {
		if w.wrong != nil {
			break
		}
		w.turn()
	}
	w.settle()
	if w.wrong == nil {
		w.checkEnd(from)
	}
	for _, s := range w.writers {
		s.stop()
	}
	return w
}

// turn lets one thing happen.
func (w *simulation) turn() {
	switch n := w.rng.IntN(100); {
	case n < 5:
		w.produce()
	case n < 10 || len(w.writers) == 0:
		if len(w.writers) < 5 {
			w.say("writer %d starts", w.startWriter().name)
		}
	case n < 13:
		i := w.rng.IntN(len(w.writers))
		w.say("writer %d is killed", w.writers[i].name)
		w.writers[i].stop()
		w.writers = append(w.writers[:i], w.writers[i+1:]...)
	case n < 17:
		s := w.writers[w.rng.IntN(len(w.writers))]
		s.asleep = !s.asleep
		w.say("writer %d sleeps: %v", s.name, s.asleep)
	case n < 19:
		w.resetOffset()
	case n < 21:
		w.retain()
	case n < 25:
		w.land(w.rng.IntN(3) > 0)
	default:
		w.run(w.writers[w.rng.IntN(len(w.writers))])
	}
}

func (w *simulation) run(s *simWriter) {
	if !s.asleep && !s.ended {
		s.next()
	}
}

// resetOffset loses the committed offset or sets it anywhere.
func (w *simulation) resetOffset() {
	w.committed = -1
	if w.rng.IntN(3) > 0 {
		w.committed = int64(w.rng.IntN(len(w.log) + 5))
	}
	w.say("the offset is reset to %d", w.committed)
}

// retain removes the start of the log, but nothing that the last claims cover.
func (w *simulation) retain() {
	low := int64(len(w.log))
	for _, l := range w.layers() {
		last := int64(0)
		for _, claim := range w.claims {
			if claim.Layer == l.Name {
				last = max(last, claim.Start)
			}
		}
		low = min(low, last)
	}
	if low > w.start {
		w.start += 1 + w.rng.Int64N(low-w.start)
		w.say("the log starts at %d", w.start)
	}
}

// land lets a put that was on its way arrive, or never.
func (w *simulation) land(arrives bool) {
	if len(w.late) == 0 {
		return
	}
	i := w.rng.IntN(len(w.late))
	put := w.late[i]
	w.late = append(w.late[:i], w.late[i+1:]...)
	w.say("a late put arrives: %v", arrives)
	if arrives {
		put()
	}
}

// settle ends the faults, lets a new writer finish, and then wakes up all that
// were asleep, late puts among them.
func (w *simulation) settle() {
	w.calm = true
	w.say("writer %d shall finish", w.startWriter().name)
	last := w.writers[len(w.writers)-1]
	for range 20_000 {
		if w.wrong != nil || last.p.lowest() >= int64(len(w.log)) {
			break
		}
		w.run(last)
	}
	if w.wrong == nil && last.p.lowest() < int64(len(w.log)) {
		w.fail("the last writer is at %d of %d", last.p.lowest(), len(w.log))
	}
	for len(w.late) > 0 {
		w.land(true)
	}
	for _, s := range w.writers {
		s.asleep = false
	}
	for range 500 {
		if w.wrong != nil {
			return
		}
		w.run(w.writers[w.rng.IntN(len(w.writers))])
	}
}

func TestSimulation(t *testing.T) {
	if *seedFlag != 0 {
		w := schedule(*seedFlag, asIs, simMetrics())
		t.Logf("%s\n%v", strings.Join(w.trace, "\n"), w.wrong)
		return
	}
	n := *schedulesFlag
	if testing.Short() {
		n = 1000
	}
	var rows, claims, collisions, wrong atomic.Int64
	var seeds atomic.Uint64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			m := simMetrics()
			for seed := seeds.Add(1); seed <= uint64(n) && wrong.Load() == 0; seed = seeds.Add(1) {
				w := schedule(seed, asIs, m)
				if w.wrong != nil {
					wrong.Add(1)
					t.Errorf("%v\nreplay it with: go test ./consumer/sink -run 'TestSimulation$' -v -seed=%d", w.wrong, seed)
				}
				rows.Add(int64(len(w.rows)))
				claims.Add(int64(len(w.claims)))
				collisions.Add(int64(w.collisions))
			}
		})
	}
	wg.Wait()
	t.Logf("%d schedules: %d rows, %d claims, %d collisions, each row once", n, rows.Load(), claims.Load(), collisions.Load())
	if collisions.Load() < int64(n)/10 {
		t.Errorf("%d collisions in %d schedules: the writers hardly meet", collisions.Load(), n)
	}
}

// TestSimulationNotices takes the guarantees out one by one.
func TestSimulationNotices(t *testing.T) {
	for name, broken := range map[string]breakage{
		"create-once":                      plainPut,
		"resume from the lake":             committedOffsetIsTheTruth,
		"the claim before the data":        dataBeforeClaim,
		"a look after an ambiguous answer": ambiguousIsSuccess,
		"comparing a claim that exists":    existingIsOurs,
		"completing the last claim":        neverComplete,
	} {
		t.Run("without "+name, func(t *testing.T) {
			m, noticed := simMetrics(), 0
			const n = 500
			for seed := range uint64(n) {
				if w := schedule(seed+1, broken, m); w.wrong != nil {
					noticed++
					if noticed == 1 {
						t.Logf("schedule %d: %v", seed+1, w.wrong)
					}
				}
			}
			t.Logf("%d of %d schedules go wrong", noticed, n)
			if noticed == 0 {
				t.Errorf("nothing goes wrong without %s", name)
			}
		})
	}
}
