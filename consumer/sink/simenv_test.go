package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"

	"complaints/internal/lake"
	"complaints/schema"
)

// The simulation runs the sink's partition code, as it is, over a log and a
// store in memory. Writers are coroutines that hand control back at every
// request; a seeded scheduler says who goes on, who dies, who sleeps, and how
// requests fail. All of a schedule follows from its seed.

const simID = "00000000000000000000000000000001"

// breakage takes a guarantee out, to see that the simulation notices.
type breakage int

const (
	asIs breakage = iota
	plainPut
	committedOffsetIsTheTruth
	dataBeforeClaim
	ambiguousIsSuccess
	existingIsOurs
	neverComplete
)

type entryKind int

const (
	data entryKind = iota
	aborted
	marker
)

type entry struct {
	kind entryKind
	day  int64
}

// errKilled unwinds a writer that the scheduler has killed.
var errKilled = errors.New("killed")

// row names a row of a layer.
type row struct {
	layer  schema.Layer
	offset int64
}

// simulation is one schedule.
type simulation struct {
	rng    *rand.Rand
	broken breakage
	calm   bool // no faults any more

	log       []entry
	start     int64 // of the log
	committed int64

	objects    map[string][]byte
	keys       []string                 // of objects, sorted
	late       []func()                 // puts that may still land
	claims     map[string]*schema.Claim // those of the objects
	rows       map[row]bool
	tracing    bool
	wrong      error // what was found to be wrong first
	trace      []string
	writers    []*simWriter
	names      int
	collisions int
	metrics    *metrics
}

func newSimulation(seed uint64, broken breakage, m *metrics) *simulation {
	w := &simulation{
		rng: rand.New(rand.NewPCG(seed, 7)), broken: broken, metrics: m,
		objects: map[string][]byte{}, rows: map[row]bool{}, claims: map[string]*schema.Claim{}, committed: -1,
	}
	w.produce()
	if w.rng.IntN(5) == 0 { // a log that was there before the lake
		w.produce()
		w.start = int64(w.rng.IntN(len(w.log)))
	}
	return w
}

func (w *simulation) say(format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, fmt.Sprintf(format, args...))
	}
}

func (w *simulation) fail(format string, args ...any) {
	if w.wrong == nil {
		w.wrong = fmt.Errorf(format, args...)
	}
}

// produce appends a transaction, whose records alternate between days.
func (w *simulation) produce() {
	kind := data
	if w.rng.IntN(4) == 0 {
		kind = aborted
	}
	days := 1 + w.rng.IntN(3)
	for i := range 1 + w.rng.IntN(6) {
		w.log = append(w.log, entry{kind, int64(i % days)})
	}
	w.log = append(w.log, entry{kind: marker})
}

func (w *simulation) record(offset int64) Record {
	return Record{Offset: offset, Timestamp: (20000 + w.log[offset].day) * 24 * 60 * 60 * 1000}
}

// layers are the two of the simulated topic.
func (w *simulation) layers() []Output {
	return []Output{{Name: schema.Gold, Topic: "t", Rows: simCodec{}}, {Name: schema.Silver, Topic: "t", Rows: simCodec{}}}
}

// store puts an object into the store and checks what must always hold.
func (w *simulation) store(key string, body []byte) {
	if _, there := w.objects[key]; there {
		if !bytes.Equal(w.objects[key], body) && strings.HasPrefix(key, "chain/") {
			w.fail("claim %s was overwritten", key)
		}
		w.forget(key)
	} else {
		i, _ := slices.BinarySearch(w.keys, key)
		w.keys = slices.Insert(w.keys, i, key)
	}
	w.objects[key] = body
	if strings.HasPrefix(key, "chain/") {
		l, err := schema.ParseClaim(key, body)
		if err != nil {
			w.fail("%w", err)
			return
		}
		w.checkClaim(l)
		w.claims[key] = l
		return
	}
	o := parseSim(body)
	for _, offset := range o.Offsets {
		if w.rows[row{o.Layer, offset}] {
			w.fail("%s repeats offset %d", key, offset)
		}
		w.rows[row{o.Layer, offset}] = true
	}
}

// forget takes back the rows of an object that is overwritten.
func (w *simulation) forget(key string) {
	delete(w.claims, key)
	if o := parseSim(w.objects[key]); o.Layer != "" {
		for _, offset := range o.Offsets {
			delete(w.rows, row{o.Layer, offset})
		}
	}
}

func (w *simulation) checkClaim(l *schema.Claim) {
	before := l.Start == 0
	for _, other := range w.claims {
		if other.Layer != l.Layer || other.Start == l.Start {
			continue
		}
		before = before || other.Next == l.Start
		if other.Start < l.Next && l.Start < other.Next {
			w.fail("claims %s and %s overlap", other.Key(), l.Key())
		}
	}
	if !before {
		w.fail("claim %s starts where none ends", l.Key())
	}
}

// checkEnd says whether every committed record stands in both layers, and
// nothing else.
func (w *simulation) checkEnd(from int64) {
	want := 0
	for offset := from; offset < int64(len(w.log)); offset++ {
		for _, l := range w.layers() {
			there := w.rows[row{l.Name, offset}]
			if w.log[offset].kind == data {
				want++
				if !there {
					w.fail("%s lacks offset %d", l.Name, offset)
				}
			} else if there {
				w.fail("%s has offset %d, which is no committed record", l.Name, offset)
			}
		}
	}
	if len(w.rows) != want {
		w.fail("%d rows, want %d", len(w.rows), want)
	}
}

// simObject is the body of an object of the simulation.
type simObject struct {
	Layer   schema.Layer `json:"layer"`
	Start   int64        `json:"start"`
	Next    int64        `json:"next"`
	Offsets []int64      `json:"offsets"`
}

func parseSim(body []byte) (o simObject) {
	_ = json.Unmarshal(body, &o)
	if o.Offsets == nil {
		return simObject{}
	}
	return o
}

type simCodec struct{}

func (simCodec) Encode(l *schema.Claim, _ schema.Day, records []Record) ([]byte, func(), error) {
	o := simObject{Layer: l.Layer, Start: l.Start, Next: l.Next, Offsets: []int64{}}
	for _, r := range records {
		o.Offsets = append(o.Offsets, r.Offset)
	}
	body, err := json.Marshal(o)
	return body, func() {}, err
}

func (simCodec) Check(body []byte, _ *schema.Claim, _ schema.Day, records []Record) error {
	same := slices.EqualFunc(parseSim(body).Offsets, records, func(offset int64, r Record) bool { return r.Offset == offset })
	if !same {
		return fmt.Errorf("%w: the object has other offsets than its records", errBroken)
	}
	return nil
}

func (simCodec) Belongs(r io.ReaderAt, size int64, l *schema.Claim, _ schema.Day) error {
	body := make([]byte, size)
	if _, err := r.ReadAt(body, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if o := parseSim(body); o.Start != l.Start || o.Next != l.Next {
		return fmt.Errorf("%w: object of %d to %d, claim of %d to %d", errBroken, o.Start, o.Next, l.Start, l.Next)
	}
	return nil
}

// simWriter is one process that owns, or believes to own, the partition.
type simWriter struct {
	w      *simulation
	name   int
	p      *partition
	yield  func(struct{}) bool
	next   func() (struct{}, bool)
	stop   func()
	asleep bool
	ended  bool
	pos    int64
}

func (w *simulation) startWriter() *simWriter {
	w.names++
	s := &simWriter{w: w, name: w.names}
	s.p = &partition{
		log: s, rolls: rolls{rows: 1 + w.rng.IntN(6), bytes: 1 << 40, days: 1 + w.rng.IntN(3)},
		logger: slog.New(slog.DiscardHandler), metrics: w.metrics, days: map[int64]struct{}{},
	}
	for _, l := range w.layers() {
		s.p.chains = append(s.p.chains, &chain{store: s, layer: l, topicID: simID})
	}
	s.next, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			s.ended = true
			if r := recover(); r != nil {
				if err, ok := r.(error); !ok || !errors.Is(err, errKilled) {
					panic(r)
				}
			}
		}()
		s.yield = yield
		s.run()
	})
	w.writers = append(w.writers, s)
	return s
}

// step hands control to the scheduler, which may never give it back.
func (s *simWriter) step(format string, args ...any) {
	if s.w.tracing {
		s.w.say("writer %d: "+format, append([]any{s.name}, args...)...)
	}
	if !s.yield(struct{}{}) {
		panic(errKilled)
	}
}

// run is what loop.go does: open, take in, flush; after a collision open again.
func (s *simWriter) run() {
	ctx := context.Background()
	s.openUntil(ctx)
	for s.w.wrong == nil {
		s.step("reads at %d", s.p.pos)
		s.takeIn()
		age := s.w.rng.IntN(4) == 0 || s.w.calm && s.pos >= int64(len(s.w.log))
		if s.p.full() || age && s.p.pending() {
			s.flush(ctx)
		}
	}
}

func (s *simWriter) takeIn() {
	for range 1 + s.w.rng.IntN(5) {
		if s.pos >= int64(len(s.w.log)) {
			return
		}
		switch s.w.log[s.pos].kind {
		case data:
			s.p.add(s.w.record(s.pos))
		case marker:
			s.p.pass(s.pos + 1)
		}
		s.pos++
		if s.p.full() {
			return
		}
	}
}

func (s *simWriter) open(ctx context.Context) bool {
	s.p.committed = s.w.committed
	err := s.p.open(ctx)
	if s.w.broken == committedOffsetIsTheTruth && s.w.committed >= 0 {
		err = nil
		s.p.pos = s.w.committed
		for _, c := range s.p.chains {
			c.next = s.w.committed
		}
	}
	s.pos = s.p.pos
	return s.judge(err)
}

// openUntil opens until that succeeds or something is wrong.
func (s *simWriter) openUntil(ctx context.Context) {
	opened := s.open(ctx)
	for !opened && s.w.wrong == nil {
		opened = s.open(ctx)
	}
}

func (s *simWriter) flush(ctx context.Context) {
	for {
		var err error
		if s.w.broken == dataBeforeClaim {
			err = s.flushDataFirst(ctx)
		} else {
			err = s.p.flush(ctx)
		}
		if errors.Is(err, errTaken) {
			s.w.collisions++
			s.openUntil(ctx)
			return
		}
		if s.judge(err) || s.w.wrong != nil {
			return
		}
	}
}

func (s *simWriter) flushDataFirst(ctx context.Context) error {
	for _, c := range s.p.chains {
		if c.next >= s.p.pos {
			continue
		}
		l, days := s.p.nextClaim(c)
		if err := s.p.put(ctx, c, l, days); err != nil {
			return err
		}
		if err := c.claim(ctx, l); err != nil {
			return err
		}
		c.next = l.Next
	}
	s.p.drop()
	s.p.commit(ctx)
	return nil
}

// judge says whether an operation succeeded; an error that no retry helps is a
// finding, for nothing in a schedule justifies it.
func (s *simWriter) judge(err error) bool {
	if errors.Is(err, ErrDataLoss) || errors.Is(err, errBroken) {
		s.w.fail("writer %d: %w", s.name, err)
	}
	return err == nil
}

// fault chooses how a request fails, if it does.
func (s *simWriter) fault(choices int) int {
	if s.w.calm || s.w.rng.IntN(6) > 0 {
		return 0
	}
	return 1 + s.w.rng.IntN(choices)
}

var errSim = errors.New("injected")

func (s *simWriter) PutNew(_ context.Context, key string, body []byte, _ map[string]string) error {
	s.step("puts %s", key)
	put := func() error {
		if _, there := s.w.objects[key]; there && s.w.broken != plainPut {
			return lake.ErrExists
		}
		s.w.store(key, body)
		return nil
	}
	ambiguous := lake.ErrAmbiguous
	if s.w.broken == ambiguousIsSuccess {
		ambiguous = nil
	}
	var err error
	switch s.fault(4) {
	case 0:
		err = put()
	case 1:
		err = errSim
	case 2: // lost
		err = ambiguous
	case 3: // stored, and the answer is lost
		_ = put()
		err = ambiguous
	case 4: // on its way
		s.w.late = append(s.w.late, func() { _ = put() })
		err = ambiguous
	}
	if errors.Is(err, lake.ErrExists) && s.w.broken == existingIsOurs {
		err = nil
	}
	s.step("put %s: %v", key, err)
	return err
}

func (s *simWriter) Get(_ context.Context, key string) ([]byte, string, error) {
	s.step("gets %s", key)
	if s.fault(1) > 0 {
		return nil, "", errSim
	}
	body, there := s.w.objects[key]
	if !there {
		return nil, "", lake.ErrNotFound
	}
	return body, "", nil
}

func (s *simWriter) Head(_ context.Context, key string) (lake.Info, error) {
	s.step("heads %s", key)
	if s.fault(1) > 0 {
		return lake.Info{}, errSim
	}
	if _, there := s.w.objects[key]; !there && s.w.broken != neverComplete {
		return lake.Info{}, lake.ErrNotFound
	}
	return lake.Info{Key: key}, nil
}

type simReader struct{ *bytes.Reader }

func (simReader) Close() error { return nil }

func (s *simWriter) Open(ctx context.Context, key string) (lake.Reader, error) {
	body, _, err := s.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	return simReader{bytes.NewReader(body)}, nil
}

func (s *simWriter) List(_ context.Context, prefix, after string, limit int) ([]lake.Info, error) {
	s.step("lists %s after %s", prefix, after)
	if s.fault(1) > 0 {
		return nil, errSim
	}
	var found []lake.Info
	i, _ := slices.BinarySearch(s.w.keys, after)
	for _, key := range s.w.keys[i:] {
		if strings.HasPrefix(key, prefix) && key > after && len(found) < limit {
			found = append(found, lake.Info{Key: key})
		}
	}
	return found, nil
}

func (s *simWriter) Bounds(context.Context) (start, end int64, err error) {
	s.step("asks for the bounds")
	if s.fault(1) > 0 {
		return 0, 0, errSim
	}
	return s.w.start, int64(len(s.w.log)), nil
}

func (s *simWriter) Read(_ context.Context, from, to int64, each func(Record) error) error {
	for offset := from; offset < to; offset++ {
		s.step("reads %d again", offset)
		if s.fault(1) > 0 {
			return errSim
		}
		if offset < s.w.start {
			return fmt.Errorf("offset %d is out of range", offset)
		}
		if s.w.log[offset].kind == data {
			if err := each(s.w.record(offset)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *simWriter) Commit(_ context.Context, next int64) error {
	s.step("commits %d", next)
	if s.fault(1) > 0 {
		return errSim
	}
	s.w.committed = next
	s.step("committed %d", next)
	return nil
}
