package wireformat_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"complaints/internal/wireformat"
	"complaints/schema"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// registry is a registry in memory, and a decoder that asks it.
type registry struct {
	*srfake.Registry
	t       testing.TB
	decoder *wireformat.Decoder
	asked   atomic.Int64 // how often
	nextID  int
}

func newRegistry(t testing.TB) *registry {
	t.Helper()
	r := &registry{Registry: srfake.New(), t: t, nextID: 100}
	t.Cleanup(r.Close)
	r.Intercept(func(http.ResponseWriter, *http.Request) bool { r.asked.Add(1); return false })
	var err error
	if r.decoder, err = (wireformat.Config{URLs: []string{r.URL()}}).Open(); err != nil {
		t.Fatal(err)
	}
	return r
}

// add registers a schema under a new id, and under its subject.
func (r *registry) add(subject, text string, kind sr.SchemaType, references ...sr.SchemaReference) (id int) {
	r.nextID++
	r.SeedSchema(subject, 1, r.nextID, sr.Schema{Schema: text, Type: kind, References: references})
	return r.nextID
}

// value is in the wire format.
func value(id int, payload ...byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), payload...)
}

func (r *registry) decode(value []byte) (string, error) {
	r.t.Helper()
	if err := r.decoder.Load(r.t.Context(), value); err != nil {
		r.t.Fatal(err)
	}
	out, err := r.decoder.Decode(value)
	return string(out), err
}

func (r *registry) wantJSON(value []byte, want string) {
	r.t.Helper()
	got, err := r.decode(value)
	if err != nil {
		r.t.Error(err)
		return
	}
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		r.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil || !reflect.DeepEqual(g, w) {
		r.t.Errorf("got %s\nwant %s", got, want)
	}
}

func (r *registry) wantReason(value []byte, want schema.Reason) {
	r.t.Helper()
	got, err := r.decode(value)
	var rejection *schema.Rejection
	if !errors.As(err, &rejection) || rejection.Reason != want {
		r.t.Errorf("got %s, %v, want reason %s", got, err, want)
	}
}

// message is what a serializer of Confluent wrote, as deploy/servers/wireformat/messages.py prints it.
type message struct {
	Format string `json:"format"`
	Value  []byte `json:"value"`
}

func readMessages(t testing.TB) (messages []message) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "messages.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, m)
	}
	return messages
}

// seedTestdata registers the schemas that the messages were written by.
func (r *registry) seedTestdata() {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "schemas.json"))
	if err != nil {
		r.t.Fatal(err)
	}
	var schemas []struct {
		Subject string    `json:"subject"`
		Version int       `json:"version"`
		ID      int       `json:"id"`
		Schema  sr.Schema `json:"schema"`
	}
	if err := json.Unmarshal(b, &schemas); err != nil {
		r.t.Fatal(err)
	}
	for _, s := range schemas {
		r.SeedSchema(s.Subject, s.Version, s.ID, s.Schema)
	}
}

func TestMessagesOfConfluentsSerializers(t *testing.T) {
	r := newRegistry(t)
	r.seedTestdata()
	want := map[string]string{
		"avro": `{"complaint_id":"gold-avro-0","number":0,"narrative":"Message gold-avro-0: the bank lost my mortgage payment – and charged {$50.00}.",
			"product":"Mortgage","state":"CA","zip_code":null,"date_received":"2024-02-29","date_sent_to_company":"2024-03-01T12:30:15.25Z",
			"opened":"2024-03-01T12:30:15.25Z","amount":1234.50,"case":"7f1d2c5e-0f5b-4a51-9a53-0d6c0c6f1f11","bank":{"name":"Example Bank"}}`,
		"protobuf": `{"complaint_id":"gold-protobuf-0","narrative":"Message gold-protobuf-0: the bank lost my mortgage payment – and charged {$50.00}.",
			"sub_product":"MORTGAGE","state":"CA","date_received":"2024-02-29","date_sent_to_company":"2024-03-01T12:30:15.250Z",
			"amount":1234.50,"case":"7f1d2c5e-0f5b-4a51-9a53-0d6c0c6f1f11","bank":{"name":"Example Bank"}}`,
		"json": `{"complaint_id":"gold-json-0","number":0,"narrative":"Message gold-json-0: the bank lost my mortgage payment – and charged {$50.00}.",
			"product":"Mortgage","state":"CA","date_received":"2024-02-29","date_sent_to_company":"2024-03-01T12:30:15.250000+00:00",
			"amount":1234.5,"case":"7f1d2c5e-0f5b-4a51-9a53-0d6c0c6f1f11","bank":{"name":"Example Bank"}}`,
	}
	for _, m := range readMessages(t) {
		r.wantJSON(m.Value, want[m.Format])
		delete(want, m.Format)
	}
	if len(want) > 0 {
		t.Errorf("no message of %v", want)
	}
	asked := r.asked.Load()
	for _, m := range readMessages(t) {
		_, _ = r.decode(m.Value)
	}
	if r.asked.Load() != asked {
		t.Error("asked the registry again for schemas that it had given")
	}
}

func TestDecimalsKeepTheirDigits(t *testing.T) {
	r := newRegistry(t)
	r.seedTestdata()
	for _, m := range readMessages(t) {
		if m.Format == "json" {
			continue
		}
		if got, err := r.decode(m.Value); err != nil || !strings.Contains(got, `"amount":1234.50`) {
			t.Errorf("%s: %s, %v", m.Format, got, err)
		}
	}
}

func TestAvroValues(t *testing.T) {
	for _, c := range []struct {
		name, schema string
		value        any
		want         string
	}{
		{"negative decimal", `{"type":"bytes","logicalType":"decimal","precision":9,"scale":3}`, []byte{0xff}, `-0.001`},
		{"decimal in fixed", `{"type":"fixed","name":"f","size":4,"logicalType":"decimal","precision":9,"scale":0}`, [4]byte{0, 0, 1, 0}, `256`},
		{"optional decimal", `["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":1}]`, []byte{25}, `2.5`},
		{"date before the epoch", `{"type":"int","logicalType":"date"}`, int32(-1), `"1969-12-31"`},
		{"time-millis", `{"type":"int","logicalType":"time-millis"}`, int32(3723004), `"01:02:03.004"`},
		{"time-micros", `{"type":"long","logicalType":"time-micros"}`, int64(1), `"00:00:00.000001"`},
		{"timestamp-micros", `{"type":"long","logicalType":"timestamp-micros"}`, int64(1700000000123456), `"2023-11-14T22:13:20.123456Z"`},
		{"timestamp-nanos", `{"type":"long","logicalType":"timestamp-nanos"}`, int64(1), `"1970-01-01T00:00:00.000000001Z"`},
		{"local-timestamp-millis", `{"type":"long","logicalType":"local-timestamp-millis"}`, int64(1700000000000), `"2023-11-14T22:13:20"`},
		{"Debezium's date", `{"type":"int","connect.name":"io.debezium.time.Date"}`, int32(19782), `"2024-02-29"`},
		{"Debezium's timestamp", `{"type":"long","connect.name":"io.debezium.time.MicroTimestamp"}`, int64(1700000000000000), `"2023-11-14T22:13:20Z"`},
		{"plain long", `"long"`, int64(9007199254740993), `9007199254740993`},
		{"not a number", `"double"`, math.NaN(), `"NaN"`},
		{"infinite", `"float"`, float32(math.Inf(-1)), `"-Infinity"`},
		{"bytes", `"bytes"`, []byte{0, 255}, `"AP8="`},
		{"map", `{"type":"map","values":["null","boolean"]}`, map[string]any{"a": true, "b": nil}, `{"a":true,"b":null}`},
		{"enum", `{"type":"enum","name":"e","symbols":["A","B"]}`, "B", `"B"`},
		{"text like HTML", `"string"`, "<b>&", `"<b>&"`},
		{"uuid in fixed", `{"type":"fixed","name":"u","size":16,"logicalType":"uuid"}`, [16]byte{0x12, 15: 0xff}, `"12000000-0000-0000-0000-0000000000ff"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRegistry(t)
			record := `{"type":"record","name":"Message","fields":[{"name":"v","type":` + c.schema + `}]}`
			// The raw value, whatever its logical type.
			plain := strings.NewReplacer(`"logicalType"`, `"was"`).Replace(record)
			payload, err := avro.MustParse(plain).Encode(map[string]any{"v": c.value})
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.decode(value(r.add("s", record, sr.TypeAvro), payload...))
			if want := `{"v":` + c.want + `}`; err != nil || got != want {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		})
	}
}

const protobufText = `
syntax = "proto3";
import "google/protobuf/wrappers.proto";
import "google/type/date.proto";
import "confluent/meta.proto";
message First {}
message Second {
  string narrative = 1 [(confluent.field_meta).doc = "what happened"];
  google.protobuf.StringValue state = 2;
  repeated google.type.Date days = 3;
  map<string, Kind> kinds = 4;
  oneof one { int64 a = 5; bytes b = 6; }
  enum Kind { NONE = 0; GOOD = 1; }
  message Inner { bool set = 1; }
}
`

func TestProtobufAsText(t *testing.T) {
	r := newRegistry(t)
	id := r.add("s", protobufText, sr.TypeProtobuf)
	second := []byte{2, 2} // an index of one place, both in zigzag
	message := []byte("\x0a\x02hi" + "\x12\x04\x0a\x02CA" + "\x1a\x07\x08\xe8\x0f\x10\x02\x18\x1d" + "\x1a\x03\x08\xe8\x0f" +
		"\x22\x05\x0a\x01x\x10\x01" + "\x22\x05\x0a\x01y\x10\x07" + "\x28\x05")
	r.wantJSON(value(id, append(second, message...)...),
		`{"narrative":"hi","state":"CA","days":["2024-02-29",{"year":2024}],"kinds":{"x":"GOOD","y":7},"a":5}`)
	r.wantJSON(value(id, 0), `{}`)                       // the short form of the first message
	r.wantJSON(value(id, 4, 2, 2, 8, 1), `{"set":true}`) // a message within the second, after that of the map's entries
	r.wantReason(value(id, 2, 4), schema.ReasonSchemaMismatch)
	r.wantReason(value(id, 2, 1), schema.ReasonSchemaMismatch)
	r.wantReason(value(id), schema.ReasonSchemaMismatch)
	r.wantReason(value(id, 2, 2, 0x0a, 9, 'x'), schema.ReasonSchemaMismatch)
	r.wantReason(value(id, 2, 2, 0x0a, 1, 0xff), schema.ReasonSchemaMismatch)
}

func TestWhatDoesNotDecode(t *testing.T) {
	r := newRegistry(t)
	text := r.add("text", `{"type":"record","name":"M","fields":[{"name":"t","type":"string"}]}`, sr.TypeAvro)
	list := r.add("list", `{"type":"record","name":"M","fields":[{"name":"l","type":{"type":"array","items":"null"}}]}`, sr.TypeAvro)
	deep := r.add("deep", `{"type":"record","name":"M","fields":[{"name":"m","type":["null","M"]}]}`, sr.TypeAvro)
	amount := r.add("amount", `{"type":"record","name":"M","fields":[{"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":999}}]}`, sr.TypeAvro)
	broken := r.add("broken", `syntax = "proto3"; import "bank/unknown.proto"; message M {}`, sr.TypeProtobuf)
	r.add("part", `{"type":"record","name":"C","fields":[]}`, sr.TypeAvro)
	half := r.add("half", `{"type":"record","name":"M","fields":[{"name":"c","type":"C"}]}`, sr.TypeAvro, sr.SchemaReference{Name: "C", Subject: "part", Version: 1})
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.Contains(req.URL.Path, "/part/") {
			return false
		}
		http.Error(w, `{"error_code":40401,"message":"Subject 'part' not found."}`, http.StatusNotFound)
		return true
	})

	r.wantJSON(value(text, 4, 'h', 'i'), `{"t":"hi"}`)
	r.wantReason(value(text, 4, 'h'), schema.ReasonSchemaMismatch)
	r.wantReason(value(text, 4, 'h', 'i', 'x'), schema.ReasonSchemaMismatch)
	r.wantReason(value(text, 2, 0xff), schema.ReasonSchemaMismatch)
	r.wantReason(value(text), schema.ReasonSchemaMismatch)
	r.wantReason(value(list, binary.AppendVarint(nil, math.MaxInt32)...), schema.ReasonSchemaMismatch)
	r.wantReason(value(deep, []byte(strings.Repeat("\x02", 1<<20))...), schema.ReasonSchemaMismatch)
	r.wantReason(value(amount, append(binary.AppendVarint(nil, 1<<20), make([]byte, 1<<20)...)...), schema.ReasonSchemaMismatch)
	r.wantReason(value(broken, 0), schema.ReasonSchemaMismatch)
	r.wantReason(value(half, 0), schema.ReasonUnknownSchema)
	r.wantReason(value(7), schema.ReasonUnknownSchema)

	asked := r.asked.Load()
	r.wantReason(value(7), schema.ReasonUnknownSchema)
	r.wantReason(value(math.MaxUint32), schema.ReasonUnknownSchema) // no id at all
	if r.asked.Load() != asked {
		t.Error("asked the registry again for what it does not know")
	}
	for _, plain := range [][]byte{nil, {}, []byte(`{"narrative":"x"}`), {0, 0, 0, 1}} {
		if got, err := r.decode(plain); err != nil || got != string(plain) {
			t.Errorf("%q became %q, %v", plain, got, err)
		}
	}
	if got, err := r.decoder.Decode(nil); got != nil || err != nil {
		t.Errorf("null became %q, %v", got, err)
	}
}

func TestErrorsQuoteNoText(t *testing.T) {
	r := newRegistry(t)
	id := r.add("s", `{"type":"record","name":"M","fields":[{"name":"t","type":"string"},{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}}]}`, sr.TypeAvro)
	_, err := r.decode(value(id, append(append(binary.AppendVarint(nil, 6), "secret"...), 8)...))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error is %v", err)
	}
}

func TestRegistryThatGivesNoAnswer(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"unavailable":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"a wrong URL":   http.NotFound,
		"not allowed":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"some web page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"cut off":       func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a code of HTTP": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error_code":404,"message":"HTTP 404 Not Found"}`, http.StatusNotFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			id := r.add("s", `{"type":"record","name":"M","fields":[]}`, sr.TypeAvro)
			r.Intercept(func(w http.ResponseWriter, req *http.Request) bool { answer(w, req); return true })
			if err := r.decoder.Load(t.Context(), value(id)); err == nil || r.decoder.Knows(value(id)) {
				t.Fatalf("Load gives %v, Knows %v", err, r.decoder.Knows(value(id)))
			}
			r.ClearInterceptors()
			r.wantJSON(value(id), `{}`)
		})
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	r := newRegistry(t)
	r.Intercept(func(_ http.ResponseWriter, req *http.Request) bool { <-req.Context().Done(); return true })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.decoder.Load(ctx, value(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		config wireformat.Config
		want   string
	}{
		{wireformat.Config{User: "u"}, "need --schema-registry"},
		{wireformat.Config{URLs: []string{"registry:8081"}}, "want URLs"},
		{wireformat.Config{URLs: []string{"https://u:hidden@registry"}}, "flags of their own"},
		{wireformat.Config{URLs: []string{"https://registry"}, User: "u"}, "go together"},
		{wireformat.Config{URLs: []string{"https://registry"}, CA: "/nowhere"}, "schema-registry-ca"},
	} {
		if _, err := c.config.Open(); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%+v: %v, want %s", c.config, err, c.want)
		}
	}
	if d, err := (wireformat.Config{}).Open(); d != nil || err != nil {
		t.Errorf("without a URL: %v, %v", d, err)
	}
}

func FuzzDecode(f *testing.F) {
	r := newRegistry(f)
	r.seedTestdata()
	kinds := []int{
		r.add("text", protobufText, sr.TypeProtobuf),
		r.add("deep", `{"type":"record","name":"M","fields":[{"name":"m","type":["null","M","bytes","double",{"type":"array","items":"M"},{"type":"map","values":"string"}]}]}`, sr.TypeAvro),
		r.add("money", `{"type":"record","name":"M","fields":[{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":30,"scale":4}},{"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"b","type":{"type":"bytes","logicalType":"big-decimal"}},{"name":"u","type":{"type":"fixed","name":"F","size":12,"logicalType":"duration"}}]}`, sr.TypeAvro),
	}
	for _, id := range kinds {
		f.Add(value(id, 2, 2, 10, 2, 'h', 'i'))
	}
	for _, m := range readMessages(f) {
		f.Add(m.Value)
		if m.Format != "json" { // what is JSON already is not looked at
			kinds = append(kinds, int(binary.BigEndian.Uint32(m.Value[1:])))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 5 {
			// Few ids are those of a schema.
			b = value(kinds[int(b[4])%len(kinds)], b[5:]...)
		}
		if err := r.decoder.Load(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		out, err := r.decoder.Decode(b)
		var rejection *schema.Rejection
		switch {
		case err == nil && len(b) >= 5 && (!json.Valid(out) || out[0] != '{'):
			t.Errorf("%q is no JSON object", out)
		case err != nil && !errors.As(err, &rejection):
			t.Errorf("%v is no rejection", err)
		}
	})
}
