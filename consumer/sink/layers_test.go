package sink

import (
	"bytes"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/rows"
	"complaints/internal/lake"
	"complaints/schema"
)

// output is a layer of the tests' topic.
func output(t *testing.T, layer schema.Layer) Output {
	t.Helper()
	format, err := rows.Of(layer, rows.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return Output{Name: layer, Topic: topic, Rows: format}
}

// objects reads the rows of all objects of a layer.
func objects[T any](t *testing.T, store lake.Store, layer schema.Layer) []T {
	t.Helper()
	infos, err := store.List(t.Context(), string(layer)+"/", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
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
			all = append(all, *row)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return all
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
	cfg.Layers = []Output{output(t, schema.Bronze)}
	r.wait(start(t, cfg))
	found := map[int64]schema.BronzeRow{}
	for _, row := range objects[schema.BronzeRow](t, r.store, schema.Bronze) {
		found[row.KafkaOffset] = row
	}
	for _, m := range messages {
		row := found[m.Offset]
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
