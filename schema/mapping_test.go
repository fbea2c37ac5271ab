package schema_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"complaints/schema"
)

func mappingOf(t testing.TB, spec schema.MappingSpec) *schema.Mapping {
	t.Helper()
	m, err := schema.NewMapping("test", spec)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func builtIn(t testing.TB, name string) *schema.Mapping {
	t.Helper()
	m, ok := schema.BuiltInMapping(name)
	if !ok {
		t.Fatalf("no mapping %s", name)
	}
	return m
}

func TestMappedMessages(t *testing.T) {
	bank := mappingOf(t, schema.MappingSpec{Fields: map[string][]string{
		"narrative": {"/case/text", "/lines/0/text", "/a~1b"}, "company": {"/org/name", "/issue"}, "issue": {"/org/name"}, "product": {},
	}})
	for _, tc := range []struct {
		name    string
		mapping *schema.Mapping
		value   string
		want    schema.Complaint
		reason  schema.Reason
	}{
		{"Connect", builtIn(t, "connect"), `{"schema":null,"payload":{"narrative":"n","complaint_id":"1","x":1},"y":2}`, schema.Complaint{Narrative: "n", ComplaintID: "1", Extra: `{"x":1}`}, ""},
		{"Connect, deleted", builtIn(t, "connect"), `{"schema":null,"payload":null}`, schema.Complaint{}, schema.ReasonTombstone},
		{"Connect around Debezium", builtIn(t, "connect"), `{"payload":{"before":null,"after":{"narrative":"n"},"op":"c"}}`, schema.Complaint{}, schema.ReasonEnvelope},
		{"plain under Connect", builtIn(t, "connect"), `{"narrative":"n"}`, schema.Complaint{}, schema.ReasonNoText},
		{"no text under Connect", builtIn(t, "connect"), `{"payload":{"complaint_id":"1"}}`, schema.Complaint{}, schema.ReasonNoText},
		{"Debezium", builtIn(t, "debezium"), `{"before":{"narrative":"old"},"after":{"narrative":"n","complaint_id":"1"},"op":"u"}`, schema.Complaint{Narrative: "n", ComplaintID: "1"}, ""},
		{"Debezium in Connect", builtIn(t, "debezium"), `{"after":{"narrative":"other","complaint_id":"2","x":1},"payload":{"after":{"narrative":"n","complaint_id":"1"}}}`, schema.Complaint{Narrative: "n", ComplaintID: "1"}, ""},
		{"Debezium in Connect, the other way round", builtIn(t, "debezium"), `{"payload":{"after":{"narrative":"n","complaint_id":"1"}},"after":{"narrative":"other","complaint_id":"2","x":1}}`, schema.Complaint{Narrative: "n", ComplaintID: "1"}, ""},
		{"Debezium, deleted", builtIn(t, "debezium"), `{"before":{"narrative":"old"},"after":null,"op":"d"}`, schema.Complaint{}, schema.ReasonTombstone},
		{"CloudEvents", builtIn(t, "cloudevents"), `{"specversion":"1.0","id":"e","data":{"narrative":"n","complaint_id":"1"}}`, schema.Complaint{Narrative: "n", ComplaintID: "1"}, ""},
		{"the first place that holds something", bank, `{"a/b":"three","lines":[{"text":"two"},{"text":"no"}],"case":{"text":"one","x":true},"complaint_id":1}`, schema.Complaint{Narrative: "one", ComplaintID: "1", Extra: `{"lines.1":{"text":"no"},"case.x":true}`}, ""},
		{"a list by its index", bank, `{"lines":[{"text":"two"}],"a/b":"three","case":{"text":" "},"complaint_id":1}`, schema.Complaint{Narrative: "two", ComplaintID: "1"}, ""},
		{"an escaped name", bank, `{"a/b":"three","case":{"text":null},"lines":"none","complaint_id":1}`, schema.Complaint{Narrative: "three", ComplaintID: "1", Extra: `{"lines":"none"}`}, ""},
		{"one place for two fields, and another name's", bank, `{"a/b":"n","org":{"name":"ACME"},"issue":"not","product":"p","complaint_id":1}`, schema.Complaint{Narrative: "n", Company: "ACME", Issue: "ACME", ComplaintID: "1", Extra: `{"product":"p"}`}, ""},
		{"nothing of the rest", mappingOf(t, schema.MappingSpec{Extra: []string{"none"}}), `{"narrative":"n","complaint_id":"1","x":1,"extra":{"y":2}}`, schema.Complaint{Narrative: "n", ComplaintID: "1"}, ""},
		{"names of the rest", mappingOf(t, schema.MappingSpec{Extra: []string{"x", "y"}}), `{"narrative":"n","complaint_id":"1","x":1,"extra":{"y":2,"z":3},"w":4}`, schema.Complaint{Narrative: "n", ComplaintID: "1", Extra: `{"x":1,"y":2}`}, ""},
		{"a name that comes twice", schema.BureauMapping(), `{"narrative":"n","complaint_id":"1","x":1,"x":1.0e0}`, schema.Complaint{Narrative: "n", ComplaintID: "1", Extra: `{"x":1.0e0}`}, ""},
	} {
		got, _, err := tc.mapping.Decode([]byte(tc.value), 0)
		if got != tc.want || reasonOf(err) != tc.reason || (err == nil) != (tc.reason == "") {
			t.Errorf("%s: %+v, %v\nwant %+v, %s", tc.name, got, err, tc.want, tc.reason)
		}
	}
}

func TestManyMembersOfOneName(t *testing.T) {
	value := `{"narrative":"n"` + strings.Repeat(`,"x":1,"y":2`, 100_000) + `,"x":3}`
	c, _, err := schema.BureauMapping().Decode([]byte(value), 0)
	if err != nil || c.Extra != `{"y":2,"x":3}` {
		t.Errorf("extra is %.80s, %v", c.Extra, err)
	}
}

// FuzzMapping: whatever stands in an envelope is read as it is without one, and by places as by names.
func FuzzMapping(f *testing.F) {
	for _, m := range complaintMessages {
		f.Add([]byte(m.value))
	}
	f.Add([]byte(`{"narrative":"n","payload":{"a":1},"x":[{"y":null}],"extra":{"z":1e5}}`))
	fields := map[string][]string{}
	for _, name := range schema.FieldNames() {
		fields[name] = []string{"/" + name}
	}
	fields["narrative"] = append(fields["narrative"], "/complaint_what_happened")
	named := mappingOf(f, schema.MappingSpec{Fields: fields})
	f.Fuzz(func(t *testing.T, value []byte) {
		want, wantDropped, err := schema.BureauMapping().Decode(value, 1<<30)
		reason := reasonOf(err)
		got, dropped, err := named.Decode(value, 1<<30)
		if got != want || !slices.Equal(dropped, wantDropped) || reasonOf(err) != reason {
			t.Fatalf("%q by places: %+v, %v, %v\nby names: %+v, %v, %s", value, got, dropped, err, want, wantDropped, reason)
		}
		if reason != "" || json.Valid([]byte(want.Extra)) != (want.Extra != "") {
			if reason == "" {
				t.Fatalf("%q: extra %q is no JSON", value, want.Extra)
			}
			return
		}
		for name, around := range map[string][2]string{"connect": {`{"payload":`, "}"}, "debezium": {`{"after":`, "}"}, "cloudevents": {`{"a":[],"data":`, `,"z":1}`}} {
			m := builtIn(t, name)
			got, dropped, err := m.Decode([]byte(around[0]+string(value)+around[1]), 1<<30)
			if reasonOf(err) == schema.ReasonTooDeep {
				continue // the envelope is a level more
			}
			if err != nil || got != want || !slices.Equal(dropped, wantDropped) {
				t.Fatalf("%q in %s: %+v, %v, %v\nwithout: %+v, %v", value, name, got, dropped, err, want, wantDropped)
			}
		}
	})
}
