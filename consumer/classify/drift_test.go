package classify

import (
	"math"
	"testing"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/classifier/classifiertest"

	"github.com/prometheus/client_golang/prometheus"
)

// withReference is the built-in model with a reference of 1,000 complaints, and
// another name.
func withReference(t *testing.T, name string, reference *classifier.Profile) *classifier.Classifier {
	t.Helper()
	return classifiertest.Model(t, name, func(m *classifier.Manifest) { m.Reference = reference })
}

// many are n complaints of which the first share are of category 0, all else equal.
func many(n int, share float64) *classifier.Profile {
	p := classifier.NewProfile(5)
	for i := range n {
		if float64(i) < share*float64(n) {
			p.Add(500, 0, 0.97, 0.01)
		} else {
			p.Add(500, 1, 0.97, 0.01)
		}
	}
	return p
}

// indexes are the gauges by the property, and the rows, as Prometheus sees them.
func indexes(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := "rows"
			for _, l := range m.GetLabel() {
				name = l.GetValue()
			}
			out[name] = m.GetGauge().GetValue()
		}
	}
	return out
}

func TestDriftOverASlidingWindow(t *testing.T) {
	reference := many(1000, 0.5)
	holder := classifier.NewHolder(withReference(t, "a", reference))
	reg := prometheus.NewRegistry()
	d := newDrift(holder, 24*time.Hour, reg)
	for what, psi := range indexes(t, reg) {
		if what != "rows" && !math.IsNaN(psi) {
			t.Errorf("%s is %v before anything was classified, want NaN", what, psi)
		}
	}
	now := time.Now()
	d.add(holder.Current(), many(999, 0.5), now)
	if got := d.psi(0, now); !math.IsNaN(got) {
		t.Errorf("the index of 999 complaints is %v, want NaN", got)
	}
	d.add(holder.Current(), many(1, 1), now)
	if got := indexes(t, reg); got["rows"] != 1000 || got["category"] > 1e-5 || got["text_length"] != 0 || got["unknown_words"] != 0 || got["probability"] != 0 {
		t.Errorf("complaints as those of the reference give %v", got)
	}
	// From half and half to nine in ten: 0.4·ln(1.8) − 0.4·ln(0.2).
	later := now.Add(25 * time.Hour)
	d.add(holder.Current(), many(2000, 0.9), later)
	if got, want := d.psi(0, later), 0.4*math.Log(1.8)-0.4*math.Log(0.2); math.Abs(got-want) > 1e-9 {
		t.Errorf("the index is %v, want %v: the first day must have left the window", got, want)
	}
	if got := d.psi(0, later.Add(25*time.Hour)); !math.IsNaN(got) {
		t.Errorf("a day without complaints has the index %v, want NaN", got)
	}
}

func TestDriftStartsOverWithANewModel(t *testing.T) {
	first, second := withReference(t, "a", many(1000, 0.5)), withReference(t, "b", many(1000, 0.9))
	holder := classifier.NewHolder(first)
	d := newDrift(holder, time.Hour, prometheus.NewRegistry())
	now := time.Now()
	d.add(first, many(1500, 0.5), now)
	holder.Swap(second)
	d.add(second, many(1500, 0.9), now)
	d.add(first, many(2000, 0.5), now) // a session that finishes with the model before
	if _, window := d.window(now); window.Rows != 1500 {
		t.Errorf("the window holds %d complaints, want those of the new model alone", window.Rows)
	}
	if got := d.psi(0, now); got != 0 {
		t.Errorf("the index is %v, want 0", got)
	}
	holder.Swap(withReference(t, "c", nil))
	d.add(holder.Current(), many(1500, 0.9), now)
	if got := d.psi(0, now); !math.IsNaN(got) {
		t.Errorf("the index of a model without reference is %v, want NaN", got)
	}
}

func TestDriftDoesNotAllocate(t *testing.T) {
	holder := classifier.NewHolder(withReference(t, "a", many(1000, 0.5)))
	d := newDrift(holder, time.Hour, prometheus.NewRegistry())
	batch, now := many(100, 0.5), time.Now()
	if n := testing.AllocsPerRun(100, func() { d.add(holder.Current(), batch, now); now = now.Add(time.Minute) }); n != 0 {
		t.Errorf("%v allocations a micro-batch", n)
	}
}
