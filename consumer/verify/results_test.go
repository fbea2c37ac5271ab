package verify_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/verify"
	"complaints/schema"
)

func TestVerifyCountsWhatIsThere(t *testing.T) {
	e := newEnvironment(t)
	e.fill()
	report := e.verify()
	if !report.OK || report.Results.Messages != 200 || report.Results.Classified+report.Results.DeadLettered != 200 || report.Results.DeadLettered == 0 {
		t.Errorf("%+v", report)
	}
	if report.Layers[0].Layer != schema.Bronze || report.Layers[0].Rows != report.Results.Messages {
		t.Errorf("%+v", report.Layers[0])
	}
	l := report.Layers[2]
	if l.Layer != schema.Gold || report.Layers[1].Rows != l.Rows || l.Rows != report.Results.Classified || l.Partitions != 2 || l.Objects < 10 || l.Claims < 8 || l.Pending != 0 {
		t.Errorf("%+v", l)
	}
	var text bytes.Buffer
	report.Print(&text)
	if !strings.Contains(text.String(), "OK: nothing lost, nothing repeated") {
		t.Error(text.String())
	}
	body, err := json.Marshal(report)
	if err != nil || !bytes.Contains(body, []byte(`"ok":true`)) || !bytes.Contains(body, []byte(`"dead_lettered":`)) {
		t.Errorf("%s, %v", body, err)
	}
}

func TestVerifyReportsWrongResults(t *testing.T) {
	wantFaults(t, []harm{
		{"a message without a result", func(e *environment) {
			offsets := e.complaints(0, 5, kgo.TryCommit)
			e.answer(0, offsets[1:])
			e.commit(0, offsets[4]+1)
			e.sink()
		}, map[verify.Kind]int64{verify.Gap: 1}},
		{"a result twice", func(e *environment) {
			e.PublishTransaction(kgo.TryCommit, e.result(1, 12))
			e.sink()
		}, map[verify.Kind]int64{verify.Repeat: 1}},
		{"a dead letter of a classified message", func(e *environment) {
			e.PublishTransaction(kgo.TryCommit, e.deadLetter(1, 12))
		}, map[verify.Kind]int64{verify.Repeat: 1}},
		{"a result of an aborted message", func(e *environment) {
			e.PublishTransaction(kgo.TryCommit, e.result(1, 63))
			e.sink()
		}, map[verify.Kind]int64{verify.Foreign: 1}},
		{"a result of a partition that is none", func(e *environment) {
			e.PublishTransaction(kgo.TryCommit, e.result(17, 4))
			e.sink()
		}, map[verify.Kind]int64{verify.Foreign: 1}},
		{"a classified message that is none", func(e *environment) {
			e.PublishTransaction(kgo.TryCommit, &kgo.Record{Topic: e.topics.Classified, Value: []byte("{}")})
			e.sink()
		}, map[verify.Kind]int64{verify.Damaged: 1}},
		{"a dead letter without headers", func(e *environment) {
			e.PublishTransaction(kgo.TryCommit, &kgo.Record{Topic: e.topics.DeadLetter, Value: []byte("x")})
		}, map[verify.Kind]int64{verify.Damaged: 1}},
		{"a result that is aborted", func(e *environment) {
			e.PublishTransaction(kgo.TryAbort, e.result(1, 12))
			e.sink()
		}, nil},
	})
}
