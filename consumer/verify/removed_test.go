package verify_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/sink"
	"complaints/consumer/verify"
	"complaints/schema"
)

func TestVerifyTakesWhatRetentionRemovedFromTheLake(t *testing.T) {
	e := newEnvironment(t)
	e.fill()
	lost := e.complaints(0, 1, kgo.TryCommit)[0] // never answered
	e.commit(0, lost+1)
	e.sink()
	e.deleteRecords(e.topics.Classified, 0, 60)
	e.deleteRecords(e.topics.Classified, 1, 60)
	e.deleteRecords(e.topics.Complaints, 0, lost+1)
	report := e.verify()
	s := report.Results
	if s.Messages != 201 || s.FromBronze != 101 || s.FromGold < 100 || s.NotCheckable != 0 {
		t.Errorf("%+v", s)
	}
	if report.Counts[verify.Gap] != 1 || len(report.Faults) != 1 || report.Faults[0].From != lost {
		t.Errorf("%+v, want the gap at %d", report.Faults, lost)
	}
}

func TestVerifyReportsWhatRetentionRemovedUnread(t *testing.T) {
	e := newEnvironment(t)
	e.fill() // up to 110
	e.deleteRecords(e.topics.Complaints, 0, 100)
	if report := e.verify(); !report.OK {
		t.Errorf("what was read before is reported: %+v", report.Faults)
	}
	unread := e.complaints(0, 30, kgo.TryCommit) // 110 to 139, and a marker
	e.deleteRecords(e.topics.Complaints, 0, unread[20])

	report := e.verify()
	wantKinds(t, report, map[verify.Kind]int64{verify.Gap: 40})
	want := []verify.Fault{
		{Kind: verify.Gap, Where: "complaints/0", From: unread[0], Next: unread[20], Detail: "removed from the topic before they were classified"},
		{Kind: verify.Gap, Where: "chain/bronze/" + e.id + "/0", From: unread[0], Next: unread[20], Detail: "removed from the topic before they were written to the lake"},
	}
	if !slices.Equal(report.Faults, want) {
		t.Errorf("%+v, want %+v", report.Faults, want)
	}

	// The operator gives the lost ones up.
	e.answer(0, unread[20:])
	e.commit(0, unread[29]+2)
	e.sinkWith(sink.Config{AcceptLoss: true})
	report = e.verify()
	wantKinds(t, report, nil)
	if report.AcceptedLosses != 1 || report.Results.NotClassified != 0 {
		t.Errorf("%d accepted losses, %+v", report.AcceptedLosses, report.Results)
	}
	for _, want := range []string{
		"OK except 1 accepted loss (",
		"complaints/0, offsets 110 up to 130: an accepted loss: they were removed from the topic before they were read\n",
	} {
		if !strings.Contains(textOf(report), want) {
			t.Errorf("%q is not in\n%s", want, textOf(report))
		}
	}
	if body, err := json.Marshal(report); err != nil || !bytes.Contains(body, []byte(`"accepted_losses":1`)) || !bytes.Contains(body, []byte(`"from":110,"next":130`)) {
		t.Errorf("%s, %v", body, err)
	}
}

// Without bronze nobody knows what stood there, so each offset counts.
func TestVerifyReportsWhatRetentionRemovedUnreadWithoutALake(t *testing.T) {
	e := newEnvironment(t)
	offsets := e.complaints(0, 10, kgo.TryCommit)
	e.answer(0, offsets[:4])
	e.commit(0, 4)
	e.deleteRecords(e.topics.Complaints, 0, 8)
	cfg := e.config()
	cfg.Store = nil
	wantKinds(t, e.verifyWith(cfg), map[verify.Kind]int64{verify.Gap: 4})
}

// Bronze knows that aborted records and markers are no loss, and has the messages that the classifier missed.
func TestVerifyAsksBronzeWhatRetentionRemoved(t *testing.T) {
	for _, c := range []struct {
		end  kgo.TransactionEndTry
		want map[verify.Kind]int64
	}{{kgo.TryAbort, nil}, {kgo.TryCommit, map[verify.Kind]int64{verify.Gap: 7}}} {
		e := newEnvironment(t)
		e.fill()
		at := e.Committed(group, e.topics.Complaints, 0)
		offsets := e.complaints(0, 7, c.end)
		e.sink()
		e.complaints(0, 1, kgo.TryCommit) // not written yet
		next := offsets[6] + 2
		e.deleteRecords(e.topics.Complaints, 0, next)
		wantKinds(t, e.verify(), c.want)
		rows, known, err := verify.CountRows(t.Context(), e.store, schema.Bronze, verify.Range{TopicID: e.id, Partition: 0, From: at, Next: next})
		if err != nil || !known || rows != c.want[verify.Gap] {
			t.Errorf("bronze has %d rows of the hole, %v, %v, want %d", rows, known, err, c.want[verify.Gap])
		}
		if _, known, err := verify.CountRows(t.Context(), e.store, schema.Bronze, verify.Range{TopicID: e.id, Partition: 0, From: at, Next: next + 5}); known || err != nil {
			t.Errorf("bronze knows of offsets that it does not cover: %v, %v", known, err)
		}
	}
}

// A lake that began after its topic lacks what the topic had lost by then, and nobody gave that up.
func TestVerifyOfALakeThatBeganLater(t *testing.T) {
	e := newEnvironment(t)
	offsets := e.complaints(0, 10, kgo.TryCommit)
	e.answer(0, offsets)
	e.commit(0, 11)
	for p := range int32(2) {
		e.deleteRecords(e.topics.Classified, p, 2)
	}
	e.deleteRecords(e.topics.Complaints, 0, 5)
	e.sink()
	report := e.verify()
	wantKinds(t, report, nil)
	if report.AcceptedLosses != 0 || len(report.Layers[0].Lost) != 1 || !strings.Contains(textOf(report), "OK: nothing lost") {
		t.Errorf("%d accepted losses\n%s", report.AcceptedLosses, textOf(report))
	}
}
