package schema_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"complaints/schema"
)

func label() schema.Label {
	return schema.Label{
		ComplaintID: "1", Category: new("Loans"), Taxonomy: schema.Bureau().ID(), LabelledBy: "ana", LabelledAt: schema.TimeOf(time.UnixMilli(1764000000123)), Source: "review",
		PredictedCategory: "Mortgages and \"more\"", PredictedProbability: new(0.5), ModelVersion: "v1", ReviewReason: schema.ReviewAudit,
	}
}

func TestLabelRoundTrip(t *testing.T) {
	withdrawn := label()
	withdrawn.Category, withdrawn.PredictedProbability, withdrawn.ReviewReason = nil, nil, ""
	for _, want := range []schema.Label{label(), withdrawn} {
		value := want.AppendJSON([]byte("x"))[1:]
		got, err := schema.DecodeLabel(value)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
		}
		var viaLibrary schema.Label
		if err := json.Unmarshal(value, &viaLibrary); err != nil || !reflect.DeepEqual(viaLibrary, want) {
			t.Errorf("encoding/json reads %+v, %v\nwant %+v", viaLibrary, err, want)
		}
		if again, err := json.Marshal(want); err != nil || !bytes.Equal(again, value) {
			t.Errorf("encoding/json writes %s, %v\nwant %s", again, err, value)
		}
	}
}

// TestLabelMessages takes each field out and breaks each field's value, and asks the
// Go type and the JSON Schema.
func TestLabelMessages(t *testing.T) {
	jsonSchema := compile(t, "label.schema.json")
	good := label()
	var fields map[string]any
	if err := json.Unmarshal(good.AppendJSON(nil), &fields); err != nil {
		t.Fatal(err)
	}
	broken := 0
	check := func(what string) {
		value, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		_, err = schema.DecodeLabel(value)
		if ok := valid(jsonSchema, string(value)); ok != (err == nil) {
			t.Errorf("%s: the JSON Schema says valid = %v, the Go type says %v", what, ok, err)
		}
		if err != nil {
			broken++
		}
	}
	for name, old := range fields {
		delete(fields, name)
		check("without " + name)
		for _, v := range []any{nil, "", 7, -1, 0.5, true, []any{}, map[string]any{}, "Loans", "uncertain"} {
			fields[name] = v
			text, _ := json.Marshal(v)
			check(name + " = " + string(text))
		}
		fields[name] = old
	}
	check("as it was")
	if len(fields) != reflect.TypeFor[schema.Label]().NumField() || broken < 60 {
		t.Errorf("%d fields, and %d of the changed messages were refused", len(fields), broken)
	}
}

func TestLabelsThatJSONSchemaCannotSee(t *testing.T) {
	for value, reason := range map[string]schema.Reason{
		"": schema.ReasonNotJSON, "[]": schema.ReasonNotObject, "\xff": schema.ReasonInvalidUTF8,
		`{"complaint_id":"1","category":"Loans","taxonomy":"t","labelled_by":"a","source":"s","labelled_at":"9999-12-31T23:59:59-05:00"}`: schema.ReasonBadDate,
	} {
		if _, err := schema.DecodeLabel([]byte(value)); reasonOf(err) != reason {
			t.Errorf("%q: %v, want %s", value, err, reason)
		}
	}
	if _, err := schema.DecodeLabel(nil); reasonOf(err) != schema.ReasonTombstone {
		t.Errorf("null: %v", err)
	}
}

func TestCompleteLabel(t *testing.T) {
	now := label().LabelledAt.Time()
	for what, c := range map[string]struct {
		change func(*schema.Label)
		wrong  string
	}{
		"as it is":             {func(*schema.Label) {}, ""},
		"no taxonomy":          {func(l *schema.Label) { l.Taxonomy = "" }, ""},
		"another spelling":     {func(l *schema.Label) { l.Category = new("loans ") }, ""},
		"withdrawn":            {func(l *schema.Label) { l.Category = nil }, ""},
		"unknown category":     {func(l *schema.Label) { l.Category = new("Gardens") }, "the category is none of taxonomy bureau-"},
		"another taxonomy":     {func(l *schema.Label) { l.Taxonomy = "bank-0" }, "the taxonomy is not bureau-"},
		"a clock that is fast": {func(l *schema.Label) { l.LabelledAt = schema.TimeOf(now.Add(4 * time.Minute)) }, ""},
		"of tomorrow":          {func(l *schema.Label) { l.LabelledAt = schema.TimeOf(now.Add(24 * time.Hour)) }, "lies in the future"},
		"of nobody":            {func(l *schema.Label) { l.LabelledBy = "" }, "labelled_by is missing"},
	} {
		l := label()
		c.change(&l)
		err := l.Complete(schema.Bureau(), now)
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v, want %q", what, err, c.wrong)
		}
		if err == nil && (l.Taxonomy != schema.Bureau().ID() || l.Category != nil && *l.Category != "Loans") {
			t.Errorf("%s: it became %+v", what, l)
		}
	}
}

func TestDecodeNewLabel(t *testing.T) {
	given := schema.Label{LabelledAt: 5, Source: "api"}
	l, err := schema.DecodeNewLabel([]byte(`{"complaint_id":"1","category":"Loans","labelled_by":"ana"}`), given)
	if err != nil || l.ComplaintID != "1" || *l.Category != "Loans" || l.LabelledAt != 5 || l.Source != "api" {
		t.Errorf("%+v, %v", l, err)
	}
	for value, want := range map[string]string{
		`{"complaint_id":"1","category":"Loans","labeled_by":"ana"}`: `field "labeled_by" is unknown`,
		`{"complaint_id":"1"}`: "field category is missing",
		`{"category":7}`:       "field category is a JSON number, want string",
		`"Loans"`:              "no object",
	} {
		if _, err := schema.DecodeNewLabel([]byte(value), given); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", value, err, want)
		}
	}
}

func TestNewestLabelWins(t *testing.T) {
	for what, rows := range map[string][2]schema.LabelRow{
		"by when it was labelled": {{LabelledAt: 2, KafkaOffset: 1}, {LabelledAt: 1, KafkaOffset: 2}},
		"then by offset":          {{LabelledAt: 1, KafkaOffset: 2}, {LabelledAt: 1, KafkaOffset: 1}},
	} {
		newer, older := rows[0], rows[1]
		if !newer.Newer(&older) || older.Newer(&newer) || newer.Newer(&newer) {
			t.Errorf("%s: %+v does not win over %+v", what, newer, older)
		}
	}
}

func FuzzDecodeLabel(f *testing.F) {
	good := label()
	f.Add(good.AppendJSON(nil))
	f.Add([]byte(`{"category":null,"category":"x"}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		l, err := schema.DecodeLabel(value)
		if err != nil {
			if reasonOf(err) == "" {
				t.Fatalf("%q: %v has no reason", value, err)
			}
			return
		}
		back, err := schema.DecodeLabel(l.AppendJSON(nil))
		if err != nil || !reflect.DeepEqual(back, l) {
			t.Fatalf("%+v comes back as %+v, %v", l, back, err)
		}
	})
}
