package sink

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/lake"
	"complaints/schema"
)

// objects reads the rows of all objects of a layer.
func objects[T any](t *testing.T, store lake.Store, layer schema.Layer) []T {
	t.Helper()
	infos, err := store.List(t.Context(), string(layer)+"/", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	var rows []T
	for _, info := range infos {
		body, _, err := store.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		if err := lake.EachRow(f, func(row *T) error {
			rows = append(rows, *row)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func TestBronzeKeepsMessagesAsTheyCame(t *testing.T) {
	r := fakeRig(t, 1)
	at := time.Date(2099, 12, 31, 23, 59, 59, 999e6, time.UTC)
	messages := []*kgo.Record{
		{Value: []byte("{}"), Key: []byte("key"), Timestamp: at},
		{Value: nil, Key: []byte("tombstone")},
		{Value: []byte{}, Key: nil},
		{Value: []byte{0xff, 0, '\n'}, Key: []byte{}},
		{Value: bytes.Repeat([]byte("long"), 100_000), Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}, {Key: "", Value: []byte{}}}},
	}
	client := r.client(kgo.DefaultProduceTopic(topic))
	if err := client.ProduceSync(t.Context(), messages...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	cfg := r.config()
	cfg.Layers = []Layer{Bronze(topic)}
	r.wait(start(t, cfg))
	rows := map[int64]schema.BronzeRow{}
	for _, row := range objects[schema.BronzeRow](t, r.store, schema.Bronze) {
		rows[row.KafkaOffset] = row
	}
	for _, m := range messages {
		row := rows[m.Offset]
		if !sameBytes(row.Key, m.Key) || !sameBytes(row.Value, m.Value) || len(row.Headers) != len(m.Headers) ||
			row.KafkaTimestamp != m.Timestamp.UnixMilli() || row.KafkaTopic != topic || row.KafkaTopicID != r.id() {
			t.Errorf("message %d became %+v", m.Offset, row)
		}
		for i, h := range m.Headers {
			if row.Headers[i].Key != h.Key || !sameBytes(row.Headers[i].Value, h.Value) {
				t.Errorf("header %d of message %d became %+v", i, m.Offset, row.Headers[i])
			}
		}
	}
}

// sameBytes compares with a pointer that is nil where the bytes are.
func sameBytes(got *[]byte, want []byte) bool {
	return (got == nil) == (want == nil) && (got == nil || bytes.Equal(*got, want))
}

func TestSilverHasNoPersonalDataAndAllOtherWords(t *testing.T) {
	body, err := os.ReadFile("../../schema/testdata/masking.txt")
	if err != nil {
		t.Fatal(err)
	}
	marked := regexp.MustCompile(`«(\w+):([^»]*)»`)
	r := fakeRig(t, 2)
	client := r.client(kgo.DefaultProduceTopic(topic))
	want := map[string]string{}
	for i, line := range strings.Split(strings.TrimSpace(string(body)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		id := fmt.Sprint(i)
		want[id] = schema.Tidy(marked.ReplaceAllString(line, schema.Mask))
		text := marked.ReplaceAllString(line, "$2")
		c := schema.Classified{
			Complaint: schema.Complaint{ComplaintID: id, Narrative: text, Company: text, Product: "Mortgage", ZipCode: "94087-1234", Timely: "Yes", DateSentToCompany: "2026-11-24"},
			Category:  "Loans", CategoryCode: 2, Probability: 0.5, ModelVersion: "v",
			Source: schema.Source{Topic: "complaints", TopicID: simID},
		}
		client.Produce(t.Context(), &kgo.Record{Value: c.AppendJSON(nil)}, nil)
	}
	client.Produce(t.Context(), &kgo.Record{Value: []byte("no classified complaint")}, nil)
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := r.config()
	cfg.Layers = []Layer{Silver(topic), Gold(topic)}
	registry := prometheus.NewRegistry()
	cfg.Registerer = registry
	r.wait(start(t, cfg))
	silver, gold := objects[schema.SilverRow](t, r.store, schema.Silver), objects[schema.GoldRow](t, r.store, schema.Gold)
	if len(silver) != len(want)+1 || len(gold) != len(want)+1 {
		t.Errorf("%d and %d rows of %d records", len(silver), len(gold), len(want)+1)
	}
	broken := 0
	for _, row := range silver {
		if row.RecordError != nil {
			if broken++; broken > 1 {
				t.Fatal(*row.RecordError)
			}
			continue
		}
		if row.Narrative != want[row.ComplaintID] || *row.Company != row.Narrative {
			t.Errorf("%q, want %q", row.Narrative, want[row.ComplaintID])
		}
		if *row.TrueCategory != "Loans" || *row.TrueCategoryCode != 2 || *row.ZipCode != "94087-1234" || !*row.Timely || row.DateSentToCompany == nil || len(row.TextHash) != 32 {
			t.Errorf("%+v", row)
		}
	}
	for _, row := range gold {
		if row.RecordError == nil && *row.Company != want[row.ComplaintID] {
			t.Errorf("gold has %q", *row.Company)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	kinds := 0
	for _, f := range families {
		if f.GetName() != "complaints_lake_masked_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetCounter().GetValue() > 0 {
				kinds++
			}
		}
	}
	if kinds != 5 {
		t.Errorf("%d kinds are counted, want 5", kinds)
	}
}
