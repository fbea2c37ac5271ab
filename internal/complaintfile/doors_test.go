package complaintfile_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"complaints/internal/complaintfile"
	"complaints/schema"
)

// valueCases are values of fields as JSON, and what becomes of each, in a file as in a message.
var valueCases = []struct {
	field, value string
	want         string // "" is absent
	dropped      bool   // it is said that the value could not be used
}{
	{"complaint_id", `"3184657"`, "3184657", false},
	{"complaint_id", `3184657`, "3184657", false},
	{"complaint_id", `3184657.0`, "3184657", false},
	{"complaint_id", `"3184657.0"`, "3184657", false},
	{"complaint_id", `12345678901234567890123`, "12345678901234567890123", false},
	{"complaint_id", `"0012"`, "0012", false},
	{"complaint_id", `" 7 "`, "7", false},
	{"complaint_id", `{"$oid":"507f1f77bcf86cd799439011"}`, "507f1f77bcf86cd799439011", false},
	{"zip_code", `94103`, "94103", false},
	{"zip_code", `94103.0`, "94103", false},
	{"zip_code", `"02139"`, "02139", false},
	{"zip_code", `"941XX"`, "941XX", false},
	{"zip_code", `1.5`, "1.5", false},
	{"zip_code", `-1`, "-1", false},
	{"zip_code", `1e3`, "1e3", false},
	{"timely", `true`, "Yes", false},
	{"timely", `false`, "No", false},
	{"timely", `"Yes"`, "Yes", false},
	{"consumer_disputed", `"N/A"`, "N/A", false},
	{"company", `null`, "", false},
	{"company", `""`, "", false},
	{"company", `"  "`, "", false},
	{"company", `"NULL"`, "", false},
	{"company", `"null"`, "", false},
	{"company", `"NA"`, "", false},
	{"company", `" NaN "`, "", false},
	{"company", `"\\N"`, "", false},
	{"company", `"none"`, "none", false},
	{"company", `"ACME\u00a0"`, "ACME", false},
	{"company", `"Caf\u00e9"`, "Café", false},
	{"company", `{"name":"ACME"}`, "", true},
	{"company", `{}`, "", true},
	{"company", `[{"name":"ACME"}]`, "", true},
	{"company", `["ACME",1]`, "", true},
	{"tags", `["Older American","Servicemember"]`, "Older American, Servicemember", false},
	{"tags", `["Older American"]`, "Older American", false},
	{"tags", `[]`, "", false},
	{"tags", `[null]`, "", false},
	{"date_received", `"2024-03-11"`, "2024-03-11", false},
	{"date_received", `"2024-03-11T23:30:00-05:00"`, "2024-03-11", false},
	{"date_received", `"2024-03-11T12:00:00Z"`, "2024-03-11", false},
	{"date_received", `"2024-03-11T12:00:00"`, "2024-03-11", false},
	{"date_received", `"2024-03-11 12:00:00"`, "2024-03-11", false},
	{"date_received", `"2024-03-11 12:00:00.123"`, "2024-03-11", false},
	{"date_received", `"2024-03-11T12:00:00+0000"`, "2024-03-11", false},
	{"date_received", `"2024-03-11T12:00:00.000+0000"`, "2024-03-11", false},
	{"date_received", `"2024-03-11 12:00:00 UTC"`, "2024-03-11", false},
	{"date_received", `"2024/03/11"`, "2024-03-11", false},
	{"date_received", `"2024/3/11 12:00"`, "2024-03-11", false},
	{"date_received", `"3/11/2024"`, "2024-03-11", false},
	{"date_received", `"25/3/2024"`, "2024-03-25", false},
	{"date_received", `"11-Mar-24"`, "2024-03-11", false},
	{"date_received", `"March 11, 2024"`, "2024-03-11", false},
	{"date_received", `1710115200000`, "2024-03-11", false},
	{"date_received", `"1710115200000"`, "2024-03-11", false},
	{"date_received", `1710115200`, "2024-03-11", false},
	{"date_received", `1.7101152E12`, "2024-03-11", false},
	{"date_received", `20240311`, "2024-03-11", false},
	{"date_received", `45362`, "2024-03-11", false},
	{"date_received", `{"$date":"2024-03-11T12:00:00Z"}`, "2024-03-11", false},
	{"date_received", `{"$date":{"$numberLong":"1710115200000"}}`, "2024-03-11", false},
	{"date_received", `null`, "", false},
	{"date_received", `""`, "", false},
	{"date_received", `"NaT"`, "", false},
	{"date_received", `"N/A"`, "", false},
	{"date_received", `"last week"`, "", true},
	{"date_received", `"2023-02-29"`, "", true},
	{"date_received", `"0000-00-00"`, "", true},
	{"date_received", `"13/13/2024"`, "", true},
	{"date_received", `true`, "", true},
	{"date_received", `7`, "", true},
	{"date_received", `[2024,3,11]`, "", true},
	{"date_received", `{"year":2024}`, "", true},
	{"date_sent_to_company", `"2024-03-11T12:00:00+00:00"`, "2024-03-11", false},
	{"date_sent_to_company", `"soon"`, "", true},
	{"narrative", `"They called me."`, "They called me.", false},
	{"narrative", `"  They called me. "`, "  They called me. ", false},
	{"narrative", `42`, "42", false},
	{"narrative", `["They called me.","Twice."]`, "They called me., Twice.", false},
	{"narrative", `"N/A"`, "N/A", false},
	{"narrative", `"NA"`, "", false},
	{"narrative", `null`, "", false},
}

// member is a member of a complaint in JSON, as text.
func member(t *testing.T, c *schema.Complaint, name string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(c.AppendJSON(nil), &fields); err != nil {
		t.Fatal(err)
	}
	text, _ := fields[name].(string)
	return text
}

// TestOneContractAtBothDoors: a value becomes the same in a file as in a message, by the
// default mapping and by one that names a place.
func TestOneContractAtBothDoors(t *testing.T) {
	t.Parallel()
	placed := func(field string) *schema.Mapping {
		m, err := schema.NewMapping("test", schema.MappingSpec{From: []string{"/data"}, Fields: map[string][]string{field: {"/in/here"}}})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, tc := range valueCases {
		text := `,"narrative":"They called me."`
		if tc.field == "narrative" {
			text = ""
		}
		value := `{"` + tc.field + `":` + tc.value + text + `}`
		inside := `{"data":{"in":{"here":` + tc.value + `}` + text + `}}`
		check := func(door string, c schema.Complaint, dropped []string, err error) {
			if reason, ok := err.(*schema.Rejection); ok && tc.field == "narrative" && tc.want == "" && reason.Reason == schema.ReasonNoText { //nolint:errorlint // of that type alone
				return
			}
			got := member(t, &c, tc.field)
			if tc.field == "complaint_id" && strings.HasPrefix(got, "sha256-") {
				got = ""
			}
			if err != nil || got != tc.want || slices.Contains(dropped, tc.field) != tc.dropped {
				t.Errorf("%s, %s = %s: %q, dropped %v, %v; want %q, dropped %t", door, tc.field, tc.value, got, dropped, err, tc.want, tc.dropped)
			}
		}
		c, dropped, err := schema.BureauMapping().Decode([]byte(value), 0)
		check("message", c, dropped, err)
		c, dropped, err = placed(tc.field).Decode([]byte(inside), 0)
		check("mapped message", c, dropped, err)
		c, dropped, err = complaintfile.DecodeJSON([]byte(value))
		check("file", c, dropped, err)
	}
	if len(valueCases) < 60 {
		t.Errorf("%d values, want 60 or more", len(valueCases))
	}
}
