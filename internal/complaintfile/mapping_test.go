package complaintfile_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"complaints/internal/complaintfile"
	"complaints/schema"
)

// bank is a mapping of other people's names.
func bank(t *testing.T, extra ...string) *schema.Mapping {
	t.Helper()
	m, err := schema.NewMapping("bank", schema.MappingSpec{Extra: extra, Dates: "day-first", Fields: map[string][]string{
		"complaint_id": {"/case/id", "Case no."}, "narrative": {"/case/text", "Body"}, "company": {"/org/name", "/bank"}, "product": {},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func readAll(t *testing.T, o complaintfile.Options, text string) (all []schema.Complaint) {
	t.Helper()
	r, err := o.NewReader(strings.NewReader(text), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row.Complaint)
	}
}

// TestMappingNamesTheFieldsOfFiles: by pointers in JSON, by columns in CSV; what is no field goes into extra.
func TestMappingNamesTheFieldsOfFiles(t *testing.T) {
	t.Parallel()
	want := schema.Complaint{ComplaintID: "12", Narrative: "They called me.", Company: "ACME", DateReceived: "2024-01-02"}
	const object = `{"case":{"id":12,"text":"They called me.","branch":"NY"},"org":{"name":"ACME"},"product":"x","items":[{"a":1}],"date_received":"2/1/2024","n":1.50}`
	for name, tc := range map[string]struct {
		text  string
		extra schema.Extra
	}{
		"JSON lines": {object + "\n" + object + "\n", `{"case.branch":"NY","product":"x","items":[{"a":1}],"n":1.50}`},
		"JSON list":  {"[" + object + "," + object + "]", `{"case.branch":"NY","product":"x","items":[{"a":1}],"n":1.50}`},
		"CSV": {
			"Case no.,Body,company,date,case.branch,product,n\n12,They called me.,ACME,2/1/2024,NY,x,1.50\n12,They called me.,ACME,2/1/2024,NY,x,1.50\n",
			`{"case.branch":"NY","product":"x","n":"1.50"}`,
		},
	} {
		want := want
		for _, kept := range []bool{true, false} {
			if want.Extra = ""; kept {
				want.Extra = tc.extra
			}
			got := readAll(t, complaintfile.Options{Mapping: bank(t), Extra: kept}, tc.text)
			if len(got) != 2 || got[0] != want || got[1] != want {
				t.Errorf("%s: %+v\nwant twice %+v", name, got, want)
			}
		}
		want.Extra = `{"case.branch":"NY"}`
		if got := readAll(t, complaintfile.Options{Mapping: bank(t, "case.branch"), Extra: true}, tc.text); got[0].Extra != want.Extra {
			t.Errorf("%s: extra %s, want the branch alone", name, got[0].Extra)
		}
	}
	for _, name := range []string{"connect", "debezium", "cloudevents"} {
		m, ok := schema.BuiltInMapping(name)
		if !ok {
			t.Fatalf("no mapping %s", name)
		}
		for text, of := range map[string]string{
			`{"schema":{"type":"struct","fields":[{"field":"narrative"}]},"payload":{"narrative":"They called me.","a":1}}`: "connect",
			`{"before":null,"after":{"narrative":"They called me.","a":1},"op":"c"}`:                                        "debezium",
			`{"specversion":"1.0","id":"7","data":{"narrative":"They called me.","a":1}}`:                                   "cloudevents",
		} {
			if of != name {
				continue
			}
			got := readAll(t, complaintfile.Options{Mapping: m, Extra: true}, text+"\n"+text)
			if len(got) != 2 || got[1].Narrative != "They called me." || got[1].Extra != `{"a":1}` || got[1].ComplaintID != "" {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
}
