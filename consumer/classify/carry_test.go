package classify_test

import (
	"strings"
	"testing"

	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestWhatIsNotOursGoesWithTheResult: other people's members, headers and keys, and
// what of a message could not be used.
func TestWhatIsNotOursGoesWithTheResult(t *testing.T) {
	t.Parallel()
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	f := newFixture(t)
	cfg := f.config("a")
	registry := prometheus.NewRegistry()
	cfg.Registerer = registry
	many := []kgo.RecordHeader{{Key: "blob", Value: []byte(strings.Repeat("x", 17<<10))}, {Key: "traceparent", Value: []byte(trace)}}
	for _, r := range []*kgo.Record{
		{Key: []byte("K-1"), Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte(trace)}}, Value: []byte(
			`{"narrative":"The debt collector calls me","complaint_id":6,"zip_code":94103.0,"date_received":"2024-05-01 10:00:00","date_sent_to_company":"soon","company":{"id":1},"case_id":"C-9","branch":"NY","priority":1.50}`)},
		{Key: []byte("7"), Headers: many, Value: []byte(`{"narrative":"The debt collector calls me","complaint_id":"7"}`)},
		{Key: []byte{0, 255}, Value: []byte(`{"narrative":"The debt collector calls me","complaint_id":"8"}`)},
	} {
		r.Topic = f.topics.Complaints
		if err := f.Client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	stop := f.start(cfg)
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	got := map[string]schema.Classified{}
	for _, out := range f.outputs() {
		c, err := schema.DecodeClassified(out.record.Value)
		if err != nil {
			t.Fatalf("%v: %s %s", err, headerOf(out.record, schema.HeaderReason), headerOf(out.record, schema.HeaderError))
		}
		got[c.ComplaintID] = c
		switch c.ComplaintID {
		case "6":
			if headerOf(out.record, "traceparent") != trace {
				t.Errorf("headers %v, want those of the message", out.record.Headers)
			}
		case "7":
			if len(out.record.Headers) != 1 || !strings.HasPrefix(headerOf(out.record, schema.HeaderHeadersDropped), "2 headers") {
				t.Errorf("headers %.200v, want one that says that there were too many", out.record.Headers)
			}
		}
	}
	if len(got) != 3 {
		t.Fatalf("results of %d complaints, want 3", len(got))
	}
	c := got["6"]
	if want := schema.Extra(`{"case_id":"C-9","branch":"NY","priority":1.50}`); c.Extra != want {
		t.Errorf("extra is %s, want %s", c.Extra, want)
	}
	if c.SourceKey != "K-1" || got["7"].SourceKey != "" || got["8"].SourceKey != "" {
		t.Errorf("source keys %q, %q, %q: want the first alone", c.SourceKey, got["7"].SourceKey, got["8"].SourceKey)
	}
	if want := "company: no text; date_sent_to_company: no date"; c.Notes != want {
		t.Errorf("notes are %q, want %q", c.Notes, want)
	}
	if c.ZipCode != "94103" || c.DateReceived != "2024-05-01" || c.DateSentToCompany != "" || c.Company != "" {
		t.Errorf("the complaint is %+v", c.Complaint)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, family := range families {
		if family.GetName() == "complaints_values_dropped_total" {
			for _, m := range family.GetMetric() {
				counted[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if len(counted) != len(schema.FieldNames()) || counted["date_sent_to_company"] != 1 || counted["company"] != 1 || counted["date_received"] != 0 {
		t.Errorf("dropped values are counted as %v", counted)
	}
}
