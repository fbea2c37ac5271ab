package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/compact"
	"complaints/consumer/erase"
	"complaints/consumer/rows"
	"complaints/internal/lake"
	"complaints/schema"
	"complaints/schema/schematest"
)

// person publishes a complaint of an id, its result, and another person's in the
// same objects.
func (e *environment) person(ids ...string) {
	e.t.Helper()
	var messages, results []*kgo.Record
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for _, id := range ids {
		messages = append(messages, &kgo.Record{
			Topic: e.topics.Complaints, Key: []byte(id),
			Value:   fmt.Appendf(nil, `{"complaint_id":%q,"narrative":"the story of %s"}`, id, id),
			Headers: []kgo.RecordHeader{{Key: "from", Value: []byte("desk of " + id)}},
		})
	}
	for i, offset := range e.PublishTransaction(kgo.TryCommit, messages...) {
		c := schematest.Classified(schema.Classified{
			Complaint:    schema.Complaint{ComplaintID: ids[i], Narrative: "the story of " + ids[i], State: "NY", Company: "bank of " + ids[i]},
			ModelVersion: "v",
			Source:       schema.Source{Topic: e.topics.Complaints, TopicID: e.id, Partition: 0, Offset: offset},
		}, 2, 1)
		results = append(results, &kgo.Record{Topic: e.topics.Classified, Timestamp: day, Value: c.AppendJSON(nil)})
		l := schema.Label{ComplaintID: ids[i], Taxonomy: "t", LabelledBy: "reader of " + ids[i], Source: "test"}
		results = append(results, &kgo.Record{Topic: e.topics.Labels, Timestamp: day, Value: l.AppendJSON(nil)})
		e.commit(0, offset+1)
	}
	e.PublishTransaction(kgo.TryCommit, results...)
	e.sink()
}

// holds says how often a text stands in the rows of the lake.
func (e *environment) holds(text string) (n int) {
	e.t.Helper()
	for _, folder := range []string{"bronze/", "silver", "gold", "labels"} {
		infos, err := e.store.List(e.t.Context(), folder, "", 10_000)
		if err != nil {
			e.t.Fatal(err)
		}
		for _, info := range infos {
			body, _, err := e.store.Get(e.t.Context(), info.Key)
			if err != nil {
				e.t.Fatal(err)
			}
			n += strings.Count(rowsOf(e.t, info.Key, body), text)
		}
	}
	return n
}

func rowsOf(t *testing.T, key string, body []byte) string {
	t.Helper()
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	text := func(p *[]byte) {
		if p != nil {
			b.Write(*p)
		}
	}
	switch {
	case strings.HasPrefix(key, "bronze"):
		err = lake.EachRow(f, func(row *schema.BronzeRow) error {
			text(row.Key)
			text(row.Value)
			for _, h := range row.Headers {
				text(h.Value)
			}
			return nil
		})
	case strings.HasPrefix(key, "silver"):
		err = lake.EachRow(f, func(row *schema.SilverRow) error {
			company := row.Company
			if company == nil {
				company = new(string)
			}
			b.WriteString(row.ComplaintID + row.Narrative + *company + row.TextHash)
			return nil
		})
	case strings.HasPrefix(key, "labels"):
		err = lake.EachRow(f, func(row *schema.LabelRow) error {
			b.WriteString(row.ComplaintID + row.LabelledBy)
			return nil
		})
	default:
		err = lake.EachRow(f, func(row *schema.GoldRow) error {
			company := row.Company
			if company == nil {
				company = new(string)
			}
			b.WriteString(row.ComplaintID + *company)
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (e *environment) erase(id string, dry bool) erase.Report {
	e.t.Helper()
	report, err := erase.Run(e.t.Context(), erase.Config{Store: e.store, IDs: rows.OneID(id), DryRun: dry})
	if err != nil {
		e.t.Fatal(err)
	}
	return report
}

// erasing is the life of two people's complaints in one lake.
func (e *environment) erasing() {
	t := e.t
	e.fill()
	e.person("secret-1", "secret-2")
	for _, o := range e.outputs()[1:] {
		cfg := compact.Config{Store: e.store, Layer: o.Name, Rows: o.Rows.(rows.Format), MaxBytes: 1 << 20, Now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
		if got, err := compact.Day(t.Context(), cfg, "2026-11-20"); err != nil || got.To == 0 {
			t.Fatalf("compact %s: %+v, %v", o.Name, got, err)
		}
	}
	before := e.verify()
	if !before.OK {
		t.Fatalf("%+v", before)
	}
	if e.holds("secret-1") == 0 {
		t.Fatal("the test's complaint is not in the lake")
	}

	dry := e.erase("secret-1", true)
	if dry.Rows != 7 || len(dry.Objects) != 7 || e.holds("secret-1") == 0 {
		t.Errorf("dry run: %+v, want a row in each of bronze, silver, gold, labels and three copies, and nothing changed", dry)
	}
	if done := e.erase("secret-1", false); !slices.Equal(done.Objects, dry.Objects) {
		t.Errorf("%+v was erased, the dry run said %+v", done, dry)
	}
	if n := e.holds("secret-1"); n != 0 {
		t.Errorf("the lake still holds it %d times", n)
	}
	if e.holds("story of secret-2") != 3 {
		t.Errorf("the other complaint stands %d times, want 3: bronze, silver and its copy", e.holds("story of secret-2"))
	}
	if again := e.erase("secret-1", false); again.Rows != 0 {
		t.Errorf("again: %+v", again)
	}
	after := e.verify()
	if !after.OK {
		t.Errorf("%+v", after.Faults)
	}
	for i, l := range after.Layers {
		if l.Erased != 1 || l.Rows != before.Layers[i].Rows {
			t.Errorf("%s: %d erased of %d rows, want 1 of %d", l.Layer, l.Erased, l.Rows, before.Layers[i].Rows)
		}
	}
	var text bytes.Buffer
	after.Print(&text)
	if !strings.Contains(text.String(), "1 of the rows were erased") {
		t.Error(text.String())
	}
}

func TestAnErasedComplaintIsGoneAndNoGap(t *testing.T) {
	e := newEnvironment(t)
	e.erasing()
	// What retention removes from Kafka later is still found in the lake.
	e.deleteRecords(e.topics.Complaints, 0, 100)
	for p := range int32(2) {
		e.deleteRecords(e.topics.Classified, p, 50)
	}
	if report := e.verify(); !report.OK {
		t.Errorf("%+v", report.Faults)
	}
}

// interrupted lets another act between the read and the replacement of an object.
type interrupted struct {
	lake.Store
	act func()
}

func (s *interrupted) Replace(ctx context.Context, key string, body []byte, etag string) error {
	if act := s.act; act != nil {
		s.act = nil
		act()
	}
	return s.Store.Replace(ctx, key, body, etag)
}

func TestTwoErasuresInOneObjectDoNotUndoEachOther(t *testing.T) {
	e := newEnvironment(t)
	e.person("secret-1", "secret-2")
	store := &interrupted{Store: e.store, act: func() { e.erase("secret-2", false) }}
	if _, err := erase.Run(t.Context(), erase.Config{Store: store, IDs: rows.OneID("secret-1")}); err != nil {
		t.Fatal(err)
	}
	if n := e.holds("secret-"); n != 0 {
		t.Errorf("%d traces are left", n)
	}
	report := e.verify()
	if !report.OK || report.Layers[0].Erased != 2 {
		t.Errorf("%+v", report)
	}
}

func TestBronzeMayExpire(t *testing.T) {
	for _, c := range []struct {
		days int
		ok   bool
	}{{0, false}, {40_000, false}, {1, true}} {
		e := newEnvironment(t)
		old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		e.PublishTransaction(kgo.TryCommit, &kgo.Record{Topic: e.topics.Complaints, Timestamp: old, Value: []byte("x")})
		e.PublishTransaction(kgo.TryCommit, e.deadLetter(0, 0))
		e.commit(0, 1)
		e.sink()
		e.PublishTransaction(kgo.TryCommit, &kgo.Record{Topic: e.topics.Complaints, Timestamp: old, Value: []byte("y")}) // so that the next link is the last
		e.sink()
		e.remove(e.files("bronze/", "part-00000-00000000000000000000")[0])
		cfg := e.config()
		cfg.BronzeFor = time.Duration(c.days) * 24 * time.Hour
		if report := e.verifyWith(cfg); report.OK != c.ok || c.ok && report.Layers[0].Expired != 1 {
			t.Errorf("bronze kept %d days: %+v", c.days, report.Faults)
		}
	}
}
