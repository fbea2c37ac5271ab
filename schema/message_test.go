package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"complaints/schema"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const full = `{"complaint_id":"1","date_received":"2024-02-29","product":"Mortgage","sub_product":"a","issue":"b","sub_issue":"c",
 "narrative":"They lost my payment of {$500.00} on XX/XX/2024.","company_public_response":"d","company":"e","state":"CA","zip_code":"941XX","tags":"f",
 "consumer_consent_provided":"g","submitted_via":"Web","date_sent_to_company":"2024-03-01T12:00:00-05:00","company_response":"h","timely":"Yes","consumer_disputed":"N/A","extra":{"case_id":"C-9","priority":1.50}}`

// complaintMessages are real and broken messages; reason is empty for a good one.
var complaintMessages = []struct {
	name, value string
	reason      schema.Reason
}{
	{"full", full, ""},
	{"text alone", `{"narrative":"My card was charged twice."}`, ""},
	{"the API's name", `{"complaint_what_happened":"My card was charged twice."}`, ""},
	{"both names", `{"narrative":"one","complaint_what_happened":"two"}`, ""},
	{"empty narrative, text under the API's name", `{"narrative":"","complaint_what_happened":"two"}`, ""},
	{"null narrative, text under the API's name", `{"narrative":null,"complaint_what_happened":"two"}`, ""},
	{"null fields", `{"narrative":"text","tags":null,"date_received":null,"product":null}`, ""},
	{"unknown fields", `{"narrative":"text","_id":"9","nested":{"a":[1,{"b":null}],"c":-1.5e+3},"t":true}`, ""},
	{"escapes", `{"narrative":"caf\u00e9 \ud83d\ude00 \"quoted\" \\ \n\t\/ \ud800 x1"}`, ""},
	{"not ASCII", `{"narrative":"Мне дважды списали деньги"}`, ""},
	{"empty date", `{"narrative":"text","date_received":""}`, ""},
	{"white space around", " \n\t{ \"narrative\" : \"text\" } \r\n", ""},
	{"not JSON", `complaint: they lost my payment`, schema.ReasonNotJSON},
	{"empty", ``, schema.ReasonNotJSON},
	{"truncated", `{"narrative":"text`, schema.ReasonNotJSON},
	{"no closing brace", `{"narrative":"text"`, schema.ReasonNotJSON},
	{"two values", `{"narrative":"text"}{}`, schema.ReasonNotJSON},
	{"trailing comma", `{"narrative":"text",}`, schema.ReasonNotJSON},
	{"bad escape", `{"narrative":"te\xt"}`, schema.ReasonNotJSON},
	{"bad number", `{"narrative":"text","n":01}`, schema.ReasonNotJSON},
	{"control character", "{\"narrative\":\"te\x01xt\"}", schema.ReasonNotJSON},
	{"list", `["narrative"]`, schema.ReasonNotObject},
	{"string", `"narrative"`, schema.ReasonNotObject},
	{"number", `12`, schema.ReasonNotObject},
	{"null", `null`, schema.ReasonNotObject},
	{"no text", `{"complaint_id":"1"}`, schema.ReasonNoText},
	{"other case is another field", `{"Narrative":"text"}`, schema.ReasonNoText},
	{"null text", `{"narrative":null}`, schema.ReasonNoText},
	{"empty text", `{"narrative":""}`, schema.ReasonNoText},
	{"blank text", `{"narrative":" \n\t\u00a0 "}`, schema.ReasonBlankText},
	{"blank beyond ASCII", `{"narrative":"\u1680\u2003"}`, schema.ReasonBlankText},
	{"only masks", `{"narrative":"XXXX XX/XX/XXXX, xxxx. — {$}"}`, schema.ReasonOnlyMasks},
	{"number for a text", `{"narrative":"text","zip_code":94110}`, ""},
	{"object for a text", `{"narrative":"text","company":{"name":"x"}}`, ""},
	{"number for a text, then broken", `{"narrative":"text","zip_code":94110,`, schema.ReasonNotJSON},
	{"no date", `{"narrative":"text","date_received":"last week"}`, ""},
	{"impossible date", `{"narrative":"text","date_sent_to_company":"2023-02-29"}`, ""},
	{"text that is a number", `{"narrative":42}`, ""},
	{"text that is a list of texts", `{"narrative":["text","more"]}`, ""},
	{"text that is a list of null", `{"narrative":[null]}`, schema.ReasonNoText},
	{"text that is a list of other things", `{"narrative":["text",1]}`, schema.ReasonWrongType},
	{"text of MongoDB", `{"narrative":{"$text":"text"}}`, ""},
	{"text that is an object", `{"narrative":{"text":"text"}}`, schema.ReasonWrongType},
	{"name of an absent text", `{"narrative":" NA "}`, schema.ReasonNoText},
	{"name of an absent text, text under the API's name", `{"narrative":"NULL","complaint_what_happened":"two"}`, ""},
	{"white space, text under the API's name", `{"narrative":"  ","complaint_what_happened":"two"}`, ""},
	{"Kafka Connect", `{"schema":{"type":"struct"},"payload":{"narrative":"text"}}`, schema.ReasonEnvelope},
	{"Debezium", `{"before":null,"after":{"narrative":"text"},"op":"c"}`, schema.ReasonEnvelope},
	{"CloudEvents", `{"specversion":"1.0","id":"1","data":{"narrative":"text"}}`, schema.ReasonEnvelope},
}

func compile(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource(file, v); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile(file)
}

func valid(s *jsonschema.Schema, value string) bool {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(value))
	return err == nil && s.Validate(v) == nil
}

func reasonOf(err error) schema.Reason {
	if r, ok := errors.AsType[*schema.Rejection](err); ok {
		return r.Reason
	}
	return ""
}

func TestComplaintMessages(t *testing.T) {
	jsonSchema := compile(t, "complaint.schema.json")
	for _, m := range complaintMessages {
		t.Run(m.name, func(t *testing.T) {
			_, err := schema.DecodeComplaint([]byte(m.value), 0)
			if reasonOf(err) != m.reason || (err == nil) != (m.reason == "") {
				t.Errorf("err = %v, want reason %q", err, m.reason)
			}
			if ok := valid(jsonSchema, m.value); ok != (m.reason == "") {
				t.Errorf("the JSON Schema says valid = %v, the Go type says %v", ok, err)
			}
		})
	}
}

func TestMessagesThatJSONSchemaCannotSee(t *testing.T) {
	deep := `{"narrative":"text","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`
	for _, m := range []struct {
		name   string
		value  []byte
		limit  int
		reason schema.Reason
	}{
		{"tombstone", nil, 0, schema.ReasonTombstone},
		{"not UTF-8", []byte("{\"narrative\":\"caf\xe9\"}"), 0, schema.ReasonInvalidUTF8},
		{"deep", []byte(deep), 0, schema.ReasonTooDeep},
		{"bottomless", bytes.Repeat([]byte("["), 1<<20), 0, schema.ReasonTooDeep},
		{"long", []byte(`{"narrative":"` + strings.Repeat("a", 101) + `"}`), 100, schema.ReasonTextTooLong},
		{"just not too long", []byte(`{"narrative":"` + strings.Repeat("a", 100) + `"}`), 100, ""},
		{"the deepest", []byte(`{"narrative":"text","x":` + strings.Repeat("[", schema.MaxDepth-1) + strings.Repeat("]", schema.MaxDepth-1) + `}`), 0, ""},
	} {
		if _, err := schema.DecodeComplaint(m.value, m.limit); reasonOf(err) != m.reason {
			t.Errorf("%s: err = %v, want reason %q", m.name, err, m.reason)
		}
	}
}

func TestRejectionsNeverQuoteTheText(t *testing.T) {
	const secret = "4111111111111111"
	for _, value := range []string{
		secret, `{"narrative":"` + secret, `{"narrative":{"` + secret + `":1}}`, `{"narrative":["` + secret + `",1]}`, `{"narrative":" ","state":"` + secret + `"}`,
		`{"narrative":"` + secret + "\xff\"}", `["` + secret + `"]`,
	} {
		_, err := schema.DecodeComplaint([]byte(value), 0)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: err = %v", value, err)
		}
	}
}

func TestDecodeComplaint(t *testing.T) {
	got, err := schema.DecodeComplaint([]byte(full), 0)
	if err != nil {
		t.Fatal(err)
	}
	var want schema.Complaint
	if err := json.Unmarshal([]byte(full), &want); err != nil {
		t.Fatal(err)
	}
	want.DateSentToCompany = "2024-03-01" // the day as it is written
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for i := range reflect.TypeFor[schema.Complaint]().NumField() {
		if reflect.ValueOf(got).Field(i).String() == "" {
			t.Errorf("field %s is empty: the message above has all", reflect.TypeFor[schema.Complaint]().Field(i).Name)
		}
	}
}

func TestDerivedIDIsTheSameForARetry(t *testing.T) {
	a, err := schema.DecodeComplaint([]byte(`{"narrative":"text","state":"CA"}`), 0)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := schema.DecodeComplaint([]byte(`{"state":"CA", "complaint_id":"", "complaint_what_happened":"text"}`), 0)
	c, _ := schema.DecodeComplaint([]byte(`{"narrative":"text","state":"NY"}`), 0)
	if a.ComplaintID == "" || a.ComplaintID != b.ComplaintID || a.ComplaintID == c.ComplaintID {
		t.Errorf("ids %q, %q, %q: want the first two equal, the third another", a.ComplaintID, b.ComplaintID, c.ComplaintID)
	}
}

func classified() schema.Classified {
	c, err := schema.DecodeComplaint([]byte(full), 0)
	if err != nil {
		panic(err)
	}
	c.Narrative += "\x00\x1f\u2028 <b>&\"\\ 😀"
	return schema.Classified{
		Complaint: c, Category: "Loans", CategoryCode: 2, Probability: 0.97,
		Probabilities: schema.Bureau().AppendProbabilities(nil, []float64{0.01, 0.01, 0.97, 1e-9, 0.01}),
		NeedsReview:   true, TrueCategory: "Loans", Taxonomy: schema.Bureau().ID(), ModelVersion: "v1", ClassifiedAt: schema.TimeOf(time.UnixMilli(1764000000123)),
		Source: schema.Source{Topic: "complaints", TopicID: strings.Repeat("0f", 16), Partition: 3, Offset: 1 << 40, Timestamp: schema.TimeOf(time.UnixMilli(1764000000000))},
	}
}

func TestClassifiedRoundTrip(t *testing.T) {
	want := classified()
	value := want.AppendJSON([]byte("x"))[1:]
	got, err := schema.DecodeClassified(value)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	var viaLibrary schema.Classified
	if err := json.Unmarshal(value, &viaLibrary); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(viaLibrary, want) {
		t.Errorf("encoding/json reads %+v\nwant %+v", viaLibrary, want)
	}
	if !valid(compile(t, "classified.schema.json"), string(value)) {
		t.Errorf("the JSON Schema refuses %s", value)
	}
}

// TestClassifiedMessages takes each field out and breaks each field's value, and
// asks the Go type and the JSON Schema.
func TestClassifiedMessages(t *testing.T) {
	jsonSchema := compile(t, "classified.schema.json")
	good := classified()
	var fields map[string]any
	if err := json.Unmarshal(good.AppendJSON(nil), &fields); err != nil {
		t.Fatal(err)
	}
	broken := 0
	check := func(what string, m map[string]any) {
		value, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		_, err = schema.DecodeClassified(value)
		if ok := valid(jsonSchema, string(value)); ok != (err == nil) {
			t.Errorf("%s: the JSON Schema says valid = %v, the Go type says %v", what, ok, err)
		}
		if err != nil {
			broken++
		}
	}
	for name, old := range fields {
		delete(fields, name)
		check("without "+name, fields)
		for _, v := range []any{nil, "", 7, -1, 1.5, true, []any{}, map[string]any{}, "Loans", 1e300} {
			fields[name] = v
			text, _ := json.Marshal(v)
			check(name+" = "+string(text), fields)
		}
		fields[name] = old
	}
	check("as it was", fields)
	if broken < 100 {
		t.Errorf("only %d of the changed messages were refused", broken)
	}
}

// FuzzDecodeComplaint holds the decoder equal to encoding/json.
func FuzzDecodeComplaint(f *testing.F) {
	for _, m := range complaintMessages {
		f.Add([]byte(m.value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := schema.DecodeComplaint(value, 1<<30)
		switch reasonOf(err) {
		case schema.ReasonNotJSON:
			if json.Valid(value) {
				t.Fatalf("%q is JSON, the decoder says %v", value, err)
			}
			return
		case schema.ReasonInvalidUTF8, schema.ReasonTooDeep, schema.ReasonTombstone:
			return
		}
		if !json.Valid(value) {
			t.Fatalf("%q is no JSON, the decoder says %v", value, err)
		}
		if err != nil {
			return
		}
		var fields map[string]any
		if err := json.Unmarshal(value, &fields); err != nil {
			t.Fatal(err)
		}
		narrative, _ := fields["narrative"].(string)
		_, other := fields["complaint_what_happened"]
		// The library keeps the last of two equal names, null included; the decoder the last string.
		if narrative != "" && !other && strings.Count(string(value), "narrative") < 2 && !bytes.Contains(value, []byte(`\`)) && c.Narrative != narrative {
			t.Fatalf("%q: the text is %q, encoding/json says %q", value, c.Narrative, narrative)
		}
		back, err := schema.DecodeComplaint(c.AppendJSON(nil), 1<<30)
		if err != nil || back != c {
			t.Fatalf("%+v comes back as %+v, %v", c, back, err)
		}
	})
}

func FuzzDecodeClassified(f *testing.F) {
	good := classified()
	f.Add(good.AppendJSON(nil))
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := schema.DecodeClassified(value)
		if err != nil {
			if reasonOf(err) == "" {
				t.Fatalf("%q: %v has no reason", value, err)
			}
			return
		}
		back, err := schema.DecodeClassified(c.AppendJSON(nil))
		if err != nil || !reflect.DeepEqual(back, c) {
			t.Fatalf("%+v comes back as %+v, %v", c, back, err)
		}
	})
}

func BenchmarkDecodeComplaint(b *testing.B) {
	known, extra, _ := strings.Cut(full, `,"extra":{`)
	value := []byte(strings.Replace(known+"}", "They lost", strings.Repeat("They lost my payment, and nobody answers the phone. ", 18)+"They lost", 1))
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	b.Run("decoder", func(b *testing.B) {
		for b.Loop() {
			if _, err := schema.DecodeComplaint(value, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("with members that are no field", func(b *testing.B) {
		value := append(append(value[:len(value)-1:len(value)-1], ','), extra[:len(extra)-1]...)
		for b.Loop() {
			if _, err := schema.DecodeComplaint(value, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		for b.Loop() {
			var c schema.Complaint
			if err := json.Unmarshal(value, &c); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkClassifiedAppendJSON(b *testing.B) {
	c := classified()
	c.Narrative = strings.Repeat("They lost my payment, and \"nobody\" answers the phone. ", 20)
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf = c.AppendJSON(buf[:0])
	}
}
