package rows

import (
	"testing"

	"complaints/schema"
)

func TestBronzeIsErasedByIDAlone(t *testing.T) {
	c := schema.Complaint{Narrative: "no id is given"}
	for _, m := range []struct {
		key, value, id string
		want           bool
	}{
		{"7", "not JSON", "7", true},
		{"", `{"complaint_id":"7","narrative":"a text"}`, "7", true},
		{"", `{"complaint_id":7,"narrative":"a text"}`, "7", true},
		{"", `{"complaint_id":"7"}`, "7", true}, // dead-lettered: no text
		{"", `{"complaint_id":7}`, "7", true},
		{"", `{"narrative":"no id is given"}`, c.DerivedID(), true},
		{"77", `{"complaint_id":"77","narrative":"7"}`, "7", false},
		{"", "not JSON: 7", "7", false},
		{"", `{"complaint_id":null}`, "7", false},
		{"", `{"complaint_id":"7","narrative":"it was cut he`, "7", true},
		{"", `{"product":{"complaint_id":"7"},"narrative":"a text","complaint_id":"8",`, "7", false},
		{"", `{"product":["7"],"Complaint_ID": 7 oops`, "7", true},
		{"", `["complaint_id","7"]`, "7", false},
	} {
		row := schema.BronzeRow{Value: new([]byte(m.value)), Headers: []schema.BronzeHeader{{Key: "from"}}, KafkaOffset: 3}
		if m.key != "" {
			row.Key = new([]byte(m.key))
		}
		if got := eraseBronze(schema.BureauMapping(), &row, OneID(m.id)); got != m.want {
			t.Errorf("key %q, value %s: erased %v, want %v", m.key, m.value, got, m.want)
		}
		if m.want && (row.Key != nil || row.Value != nil || len(row.Headers) != 1 || row.Headers[0].Key != schema.HeaderErased || row.KafkaOffset != 3) {
			t.Errorf("what is left: %+v", row)
		}
		if m.want && eraseBronze(schema.BureauMapping(), &row, OneID(m.id)) {
			t.Error("it is erased twice")
		}
	}
}
