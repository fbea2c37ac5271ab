package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"complaints/internal/classifier"
	"complaints/schema"
)

// live makes the live page's numbers once a second, for all who look at it.
type live struct {
	cfg     Config
	metrics *metrics
	frame   atomic.Pointer[frame]

	// Owned by the goroutine of run.
	started    time.Time
	categories []string // of the model, and behind them those of models before it
	model      *classifier.Classifier
	since      time.Time // when it began to serve, as far as was seen
	seconds    []totals  // the last ones, oldest first
	minutes    []minute  // the last ones, oldest first
}

// frame is what is shown for a second. next is closed when another follows.
type frame struct {
	data []byte
	next chan struct{}
}

// totals are counters at one second.
type totals struct {
	at     time.Time
	stream map[string]int64 // by category
	http   map[string]int64
}

// minute is what was classified in one minute.
type minute struct {
	At     int64            `json:"at"`     // its begin, seconds since 1970
	Counts map[string]int64 `json:"counts"` // by category
}

const (
	liveEvery   = time.Second
	rateSeconds = 10 // that a rate is the mean of
	maxMinutes  = 60
	// maxViewers bounds the connections that stay open.
	maxViewers = 100
)

func newLive(cfg Config, m *metrics) *live {
	l := &live{cfg: cfg, metrics: m, started: time.Now()}
	l.frame.Store(&frame{next: make(chan struct{})})
	return l
}

// run makes frames until ctx ends.
func (l *live) run(ctx context.Context) {
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	l.step(time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			l.step(now)
		}
	}
}

// state is what the page gets, once a second and whole, so that a viewer who
// comes back has missed nothing.
type state struct {
	Version    string       `json:"version"`
	Roles      []string     `json:"roles"`
	UpSeconds  int64        `json:"up_seconds"`
	Model      *modelState  `json:"model"`
	Stream     *streamState `json:"stream"` // null: no stream role runs here
	HTTP       httpState    `json:"http"`
	Categories []string     `json:"categories"`
	Minutes    []minute     `json:"minutes"`
	Latest     []Sample     `json:"latest"`
}

type modelState struct {
	Version     string  `json:"version"`
	ServesSince int64   `json:"serves_since"` // seconds since 1970
	TrainedFrom string  `json:"trained_from"` // the days of its training data, where they are known
	TrainedTo   string  `json:"trained_to"`
	Accuracy    float64 `json:"accuracy"`
}

type streamState struct {
	Classified  int64                   `json:"classified"`
	PerSecond   float64                 `json:"per_second"`
	DeadLetters map[schema.Reason]int64 `json:"dead_letters"`
	Partitions  []Partition             `json:"partitions"`
	Lag         int64                   `json:"lag"`
}

type httpState struct {
	Texts     int64   `json:"texts"`
	PerSecond float64 `json:"per_second"`
}

// step makes the next frame.
func (l *live) step(now time.Time) {
	var activity Activity
	t := totals{at: now, http: l.metrics.textCounts()}
	if l.cfg.Stream != nil {
		activity = l.cfg.Stream.Activity()
		t.stream = activity.Classified
	}
	l.count(t)
	data, err := json.Marshal(l.state(now, t, activity))
	if err != nil {
		l.cfg.Logger.Error("the live page's numbers cannot be written", "err", err)
		return
	}
	old := l.frame.Swap(&frame{data, make(chan struct{})})
	close(old.next)
}

// count adds what came since the last second to the minutes.
func (l *live) count(t totals) {
	begin := t.at.Truncate(time.Minute).Unix()
	if len(l.minutes) == 0 || l.minutes[len(l.minutes)-1].At != begin {
		l.minutes = append(l.minutes, minute{begin, map[string]int64{}})
		l.minutes = l.minutes[max(0, len(l.minutes)-maxMinutes):]
	}
	if len(l.seconds) > 0 {
		last := l.seconds[len(l.seconds)-1]
		counts := l.minutes[len(l.minutes)-1].Counts
		for c, n := range t.stream {
			counts[c] += n - last.stream[c]
		}
		for c, n := range t.http {
			counts[c] += n - last.http[c]
		}
	}
	l.seconds = append(l.seconds, t)
	l.seconds = l.seconds[max(0, len(l.seconds)-rateSeconds-1):]
}

func (l *live) state(now time.Time, t totals, activity Activity) *state {
	first := l.seconds[0]
	rate := func(now, then int64) float64 {
		return float64(now-then) / max(t.at.Sub(first.at).Seconds(), 1)
	}
	s := &state{
		Version: l.cfg.Version, Roles: l.cfg.Roles, UpSeconds: int64(now.Sub(l.started).Seconds()), Model: l.modelState(now),
		HTTP:    httpState{sum(t.http), rate(sum(t.http), sum(first.http))},
		Minutes: l.minutes, Latest: activity.Latest,
	}
	s.Categories = l.names()
	if l.cfg.Stream != nil {
		s.Stream = &streamState{
			Classified: sum(t.stream), PerSecond: rate(sum(t.stream), sum(first.stream)),
			DeadLetters: activity.DeadLetters, Partitions: activity.Partitions, Lag: activity.Lag,
		}
	}
	return s
}

func (l *live) modelState(now time.Time) *modelState {
	model := l.cfg.Models.Current()
	if model == nil {
		return nil
	}
	if model != l.model {
		l.model, l.since = model, now
		l.metrics.predicts(model.Taxonomy())
	}
	m := model.Manifest()
	return &modelState{model.Version(), l.since.Unix(), m.Training.From, m.Training.To, m.Metrics.Accuracy}
}

// names are the categories of the model that serves, in the order of their codes,
// and behind them those of models before it that the chart may still show.
func (l *live) names() []string {
	if l.model == nil {
		return l.categories
	}
	now := l.model.Taxonomy().Names()
	for _, name := range l.categories {
		if !slices.Contains(now, name) {
			now = append(now, name)
		}
	}
	l.categories = now
	return now
}

func sum(counts map[string]int64) int64 {
	var n int64
	for _, c := range counts {
		n += c
	}
	return n
}

// stream answers GET /live with server-sent events: the state, once a second.
func (a *API) stream(w http.ResponseWriter, r *http.Request) *problem {
	if a.viewers.Add(1) > maxViewers {
		a.viewers.Add(-1)
		return busy("as many viewers as may be are looking")
	}
	defer a.viewers.Add(-1)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // nothing more is read
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy must not collect events
	if r.Method == http.MethodHead {
		return nil
	}
	for {
		f := a.live.frame.Load()
		if f.data != nil {
			_ = rc.SetWriteDeadline(time.Now().Add(a.limits.Time)) // a writer without deadlines needs none
			if !sendEvent(w, rc, f.data) {
				return nil
			}
		}
		select {
		case <-f.next:
		case <-r.Context().Done():
			return nil
		case <-a.closing:
			return nil
		}
	}
}

// sendEvent says whether the viewer is still there.
func sendEvent(w http.ResponseWriter, rc *http.ResponseController, data []byte) bool {
	for _, part := range [][]byte{[]byte("data: "), data, []byte("\n\n")} {
		if _, err := w.Write(part); err != nil {
			return false
		}
	}
	return rc.Flush() == nil
}
