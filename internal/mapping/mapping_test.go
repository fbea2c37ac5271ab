package mapping

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"complaints/schema"
)

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bank.yaml")
	if err := os.WriteFile(path, []byte(`
from: /payload
fields:
  complaint_id: /case/id
  narrative: [/case/text, Body column]
  company: [/org/name]
  product: []
extra: [case.branch, priority]
dates: day-first
`), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	c, dropped, err := m.Decode([]byte(`{"payload":{"case":{"id":12,"text":"They called me.","branch":"NY","x":1},"org":{"name":"ACME"},
		"product":"Mortgage","date_received":"2/1/2024","priority":1.50,"other":true},"op":"c"}`), 0)
	want := schema.Complaint{
		ComplaintID: "12", DateReceived: "2024-01-02", Narrative: "They called me.", Company: "ACME", Extra: `{"case.branch":"NY","priority":1.50}`,
	}
	if err != nil || len(dropped) > 0 || c != want {
		t.Errorf("got %+v, %v, %v\nwant %+v", c, dropped, err, want)
	}
	if columns := m.Columns(); !slices.Equal(columns["narrative"], []string{"Body column"}) || columns["product"] == nil || columns["company"] != nil {
		t.Errorf("columns %v", columns)
	}
	for _, name := range append(schema.BuiltInMappings(), "") {
		if m, err := Load(name); err != nil || name != "" && m.Name() != name {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestFaultsAreSaidAtOnce(t *testing.T) {
	_, err := parse("bad.yaml", []byte(`
from: [payload, /a, /a/b]
fields: {narativ: /x, company: [/org, /org/name, /a~2], state: /s}
extra: [all, branch]
dates: backwards
`))
	if err == nil {
		t.Fatal("a mapping with many faults is taken")
	}
	for _, part := range []string{"bad.yaml", `"payload"`, `"/a"`, `"narativ"`, `"/org"`, `"/a~2"`, "extra is", `"backwards"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %s: %v", part, err)
		}
	}
	for _, text := range []string{"feilds: {}", "fields: [a]", "fields: {narrative: {a: b}}", "{"} {
		if _, err := parse("bad.yaml", []byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	if _, err := Load("conect"); err == nil || !strings.Contains(err.Error(), "debezium") {
		t.Errorf("an unknown name: %v", err)
	}
	if _, err := Load("no/such.yaml"); err == nil {
		t.Error("a file that is not there is taken")
	}
}
