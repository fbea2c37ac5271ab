package classify

import (
	"math"
	"sync"
	"time"

	"complaints/internal/classifier"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const (
	// driftSlots is into how many parts the window is cut, the oldest of which falls
	// out when a new one begins.
	driftSlots = 24
	// leastDriftRows is how many complaints the window must hold before it is
	// compared: of fewer, chance alone moves the index.
	leastDriftRows = 1000
)

// drift compares what was classified in a sliding window of time with what the
// model was judged on. The sessions of a process share it, a call a micro-batch;
// the index is only computed when somebody asks.
type drift struct {
	models *classifier.Holder
	slot   time.Duration

	mu    sync.Mutex             // guards all below
	model *classifier.Classifier // whose counts the slots hold
	slots [driftSlots]driftSlot
}

// driftSlot is what was classified in one part of the window: the one whose
// number, counted from 1970, stands there.
type driftSlot struct {
	number  int64
	profile *classifier.Profile // nil where nothing was
}

func newDrift(models *classifier.Holder, window time.Duration, reg prometheus.Registerer) *drift {
	d := &drift{models: models, slot: max(window/driftSlots, 1)}
	f := promauto.With(reg)
	for i, what := range classifier.NewProfile(0).DriftFrom(classifier.NewProfile(0)) {
		f.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "complaints_drift_psi",
			Help:        "Population stability index of classified complaints against those that the model was judged on, by property, over the drift window; NaN while there are too few, or where the model has no reference.",
			ConstLabels: prometheus.Labels{"what": what.What},
		}, func() float64 { return d.psi(i, time.Now()) })
	}
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "complaints_drift_rows", Help: "Classified complaints in the drift window.",
	}, func() float64 {
		if _, p := d.window(time.Now()); p != nil {
			return float64(p.Rows)
		}
		return 0
	})
	return d
}

// add counts a committed micro-batch. A new champion starts an empty window; what
// a session still finishes with the one before it counts nowhere.
func (d *drift) add(model *classifier.Classifier, counted *classifier.Profile, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if model != d.models.Current() {
		return
	}
	if model != d.model {
		d.model, d.slots = model, [driftSlots]driftSlot{}
	}
	number := now.UnixNano() / int64(d.slot)
	s := &d.slots[number%driftSlots]
	if s.number != number {
		if s.number = number; s.profile == nil {
			s.profile = classifier.NewProfile(model.Taxonomy().Len())
		}
		s.profile.Reset()
	}
	s.profile.Merge(counted)
}

// window is the model and the sum of the slots that are not too old; nil, nil
// before the first micro-batch.
func (d *drift) window(now time.Time) (*classifier.Classifier, *classifier.Profile) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.model == nil {
		return nil, nil
	}
	sum := classifier.NewProfile(d.model.Taxonomy().Len())
	first := now.UnixNano()/int64(d.slot) - driftSlots
	for i := range d.slots {
		if d.slots[i].number > first {
			sum.Merge(d.slots[i].profile)
		}
	}
	return d.model, sum
}

// psi is the index of a property, by its place in what DriftFrom gives.
func (d *drift) psi(property int, now time.Time) float64 {
	model, counted := d.window(now)
	if model == nil || counted.Rows < leastDriftRows {
		return math.NaN()
	}
	reference := model.Manifest().Reference
	if reference == nil {
		return math.NaN()
	}
	return counted.DriftFrom(reference)[property].PSI
}
