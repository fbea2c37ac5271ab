package rows

import (
	"encoding/json"
	"fmt"
	"testing"

	"complaints/internal/kafka"
	"complaints/schema"
	"complaints/schema/schematest"
)

// resultWith is a result with what is no field of ours.
func resultWith(extra schema.Extra) *kafka.Record {
	c := schematest.Classified(schema.Classified{
		Complaint: schema.Complaint{ComplaintID: "7", Narrative: "They foreclosed.", Extra: extra}, ModelVersion: "v",
		Notes: "date_received: no date", SourceKey: "jane@example.com", Source: schema.Source{Topic: "complaints", TopicID: topicID},
	}, 2, 1)
	return &kafka.Record{Value: c.AppendJSON(nil)}
}

func TestSilverMasksWhatIsNoField(t *testing.T) {
	for in, want := range map[schema.Extra]string{
		`{"case_id":"C-9","priority":1.50,"open":true,"by":null}`:             `{"case_id":"C-9","priority":1.50,"open":true,"by":null}`,
		`{"mail":"jane@example.com"}`:                                         `{"mail":"XXXX"}`,
		`{"mail":"jane\u0040example.com"}`:                                    `{"mail":"XXXX"}`,
		`{"card": 4111111111111111}`:                                          `{"card":"XXXX"}`,
		`{"jane@example.com":1}`:                                              `{"XXXX":1}`,
		`{"deep":{"list":["ok",{"ssn":"123-45-6789"},[]],"none":{}},"z":1e5}`: `{"deep":{"list":["ok",{"ssn":"XXXX"},[]],"none":{}},"z":1e5}`,
	} {
		row, masked := silverRow(new(columns), &schema.Claim{}, resultWith(in))
		if row.RecordError != nil || row.Extra == nil || *row.Extra != want || !json.Valid([]byte(*row.Extra)) {
			t.Errorf("%s: extra %v, error %v; want %s", in, row.Extra, row.RecordError, want)
		}
		if *row.SourceKey != "XXXX" || masked.Email == 0 || *row.Notes != "date_received: no date" {
			t.Errorf("source key %s, notes %s, %+v masked", *row.SourceKey, *row.Notes, masked)
		}
		if !eraseSilver(&row, OneID("7")) || row.Extra != nil || row.SourceKey != nil || row.Notes != nil {
			t.Errorf("erased: %+v", row)
		}
	}
}

func TestGoldHasWhatTheOperatorNames(t *testing.T) {
	const extra = `{"case_id":"C-9","branch":"NY","priority":1.50,"none":null,"org":{"unit":{"name":"a\nb"},"list":[1, 2]},"dotted.name":true}`
	format := formatOf(t, schema.Gold, Config{Extra: []string{"case_id", "priority", "none", "absent", "org.unit.name", "org.list", "dotted.name"}})
	row := rowsOf[schema.GoldRow](t, format, schema.Gold, []kafka.Record{*resultWith(extra)})[0]
	want := "[{case_id C-9} {priority 1.50} {org.unit.name a\nb} {org.list [1, 2]} {dotted.name true}]"
	if got := fmt.Sprint(row.Extra.Entries); got != want {
		t.Errorf("extra is %s, want %s", got, want)
	}
	if !eraseGold(&row, OneID("7")) || len(row.Extra.Entries) > 0 {
		t.Errorf("erased: %+v", row)
	}
	if row := rowsOf[schema.GoldRow](t, formatOf(t, schema.Gold, Config{}), schema.Gold, []kafka.Record{*resultWith(extra)})[0]; len(row.Extra.Entries) > 0 {
		t.Errorf("extra that nobody named: %v", row.Extra)
	}
}
