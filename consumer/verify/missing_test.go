package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/verify"
	"complaints/internal/lake"
	"complaints/schema"
)

// A proof is never about nothing: what was asked about and is not there is a fault.
func TestVerifyIsNeverAboutNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*environment, *verify.Config)
		want map[verify.Kind]int64
		line string
	}{
		{
			"a group that is not there", func(_ *environment, cfg *verify.Config) { cfg.Group = "typo-classify" },
			map[verify.Kind]int64{verify.Missing: 1},
			"missing group typo-classify: it has no committed offset of topic complaints,",
		},
		{"the group of other topics", func(e *environment, cfg *verify.Config) {
			e.Commit("other-classify", e.topics.DeadLetter, 0, 3)
			cfg.Group = "other-classify"
		}, map[verify.Kind]int64{verify.Missing: 1}, "missing group other-classify: it has no committed offset of topic complaints,"},
		{"other topics", func(e *environment, cfg *verify.Config) {
			cfg.Topics = schema.TopicNames("other.")
			for _, topic := range []string{cfg.Topics.Complaints, cfg.Topics.Classified, cfg.Topics.Labels, cfg.Topics.DeadLetter} {
				if err := e.CreateTopic(topic, 1, nil); err != nil {
					e.t.Fatal(err)
				}
			}
			e.Publish(&kgo.Record{Topic: cfg.Topics.Complaints, Value: []byte("x")})
		}, map[verify.Kind]int64{verify.Missing: 2}, "missing layer bronze: the lake has no claim of topic other.complaints "},
		{
			"a lake of nothing", func(e *environment, cfg *verify.Config) { cfg.Store = e.openLake(e.t.TempDir()) },
			map[verify.Kind]int64{verify.Missing: 4},
			"missing layer gold: the lake has no claim of topic complaints.classified ",
		},
		{"a group that was reset to earliest", func(e *environment, _ *verify.Config) {
			e.commit(0, 0)
			e.commit(1, 0)
		}, map[verify.Kind]int64{verify.Ahead: 200}, "ahead   group complaints-classify: 200 results are of messages past its committed offsets,"},
		{"a group that was reset to latest", func(e *environment, _ *verify.Config) {
			e.complaints(0, 8, kgo.TryCommit)
			e.commit(0, 118)
			e.sink()
		}, map[verify.Kind]int64{verify.Gap: 8}, "gap     complaints/0, offsets 110 up to 118: no result"},
		{
			"a group of which one partition was reset", func(e *environment, _ *verify.Config) { e.commit(1, 30) },
			map[verify.Kind]int64{verify.Ahead: 70},
			"70 results are of messages past its committed offsets",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEnvironment(t)
			e.fill()
			cfg := e.config()
			c.do(e, &cfg)
			report := e.verifyWith(cfg)
			wantKinds(t, report, c.want)
			if n := strings.Count(textOf(report), c.line); n != 1 {
				t.Errorf("%q stands %d times in\n%s", c.line, n, textOf(report))
			}
			body, err := json.Marshal(report)
			for kind := range c.want {
				if err != nil || !bytes.Contains(body, []byte(`"ok":false`)) || !bytes.Contains(body, []byte(`"kind":"`+string(kind)+`"`)) {
					t.Errorf("%s, %v", body, err)
				}
			}
		})
	}
}

// A system without a message is proven by the offsets that its group committed when it came.
func TestVerifyOfAnEmptySystem(t *testing.T) {
	e := newEnvironment(t)
	wantKinds(t, e.verify(), map[verify.Kind]int64{verify.Missing: 1})
	e.commit(0, 0)
	e.commit(1, 0)
	report := e.verify()
	wantKinds(t, report, nil)
	if report.Results.Messages != 0 {
		t.Errorf("%+v", report.Results)
	}
}

func TestVerifyCountsWhatIsNotClassifiedYet(t *testing.T) {
	e := newEnvironment(t)
	e.fill()
	e.complaints(0, 5, kgo.TryCommit)
	e.complaints(0, 3, kgo.TryAbort)
	report := e.verify()
	wantKinds(t, report, nil)
	if report.Results.NotClassified != 5 || report.Results.Messages != 200 || !strings.Contains(textOf(report), "        5 messages are not classified yet\n") {
		t.Errorf("%+v\n%s", report.Results, textOf(report))
	}
}

// Results and offsets are one transaction, but a reader may see the results first.
func TestVerifyWaitsForTheOffsetsOfAResult(t *testing.T) {
	e := newEnvironment(t)
	e.fill()
	offsets := e.complaints(0, 5, kgo.TryCommit)
	e.answer(0, offsets)
	cfg := e.config()
	cfg.CommitWait = time.Minute
	cfg.Store = &listed{Store: e.store, act: func() { e.commit(0, offsets[4]+1) }}
	report := e.verifyWith(cfg)
	wantKinds(t, report, nil)
	if report.Results.Later != 5 {
		t.Errorf("%+v", report.Results)
	}
}

// listed acts a moment after it was first listed.
type listed struct {
	lake.Store
	once sync.Once
	act  func()
}

func (s *listed) List(ctx context.Context, prefix, after string, limit int) ([]lake.Info, error) {
	s.once.Do(func() { time.AfterFunc(300*time.Millisecond, s.act) })
	return s.Store.List(ctx, prefix, after, limit)
}
