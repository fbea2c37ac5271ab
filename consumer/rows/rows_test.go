package rows

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"
	"complaints/schema/schematest"
)

const topicID = "0123456789abcdef0123456789abcdef"

func formatOf(t *testing.T, layer schema.Layer, cfg Config) Format {
	t.Helper()
	f, err := Of(layer, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// rowsOf encodes records of one day as an object that is put, checks it and reads it again.
func rowsOf[Row any](t *testing.T, f Format, layer schema.Layer, records []kafka.Record) []Row {
	t.Helper()
	day := schema.DayOf(records[0].Timestamp)
	c := &schema.Claim{
		Layer: layer, Topic: "t", TopicID: topicID, Next: records[len(records)-1].Offset + 1,
		Rows: map[schema.Day]int64{day: int64(len(records))},
	}
	body, stored, err := f.Encode(c, day, records)
	if err == nil {
		err = f.Check(body, c, day, records)
	}
	if err != nil {
		t.Fatal(err)
	}
	stored()
	file, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	if err := lake.EachRow(file, func(row *Row) error {
		rows = append(rows, *row)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestGoldRow(t *testing.T) {
	c := schematest.Classified(schema.Classified{
		Complaint:   schema.Complaint{ComplaintID: "1", DateReceived: "2024-02-29", Product: "Mortgage", Narrative: "a text", Timely: "Yes", ConsumerDisputed: "N/A"},
		NeedsReview: true, ModelVersion: "v", Source: schema.Source{Topic: "complaints", TopicID: topicID, Offset: 1 << 40},
	}, 2, 0.97)
	claim := &schema.Claim{Partition: 1}
	row := goldRow(new(columns), nil, claim, &kafka.Record{Offset: 2, Timestamp: 3, Value: c.AppendJSON(nil)})
	if row.RecordError != nil || row.Category != "Loans" || *row.TrueCategory != "Loans" || *row.DateReceived != 19782 || !*row.Timely || row.ConsumerDisputed != nil ||
		row.Probabilities.Entries[2] != (schema.CategoryProbability{Category: "Loans", Probability: 0.97}) || *row.Taxonomy != schema.Bureau().ID() || row.SourceOffset != 1<<40 || row.KafkaOffset != 2 || row.KafkaTimestamp != 3 || !row.NeedsReview {
		t.Errorf("row = %+v", row)
	}
	row = goldRow(new(columns), nil, claim, &kafka.Record{Offset: 2, Timestamp: 3, Value: []byte("not a result")})
	if row.RecordError == nil || !strings.HasPrefix(*row.RecordError, "not_json") || row.KafkaOffset != 2 {
		t.Errorf("row of a foreign record = %+v", row)
	}
}

func TestLabelRow(t *testing.T) {
	l := schema.Label{
		ComplaintID: "1", Category: new("Loans"), Taxonomy: schema.Bureau().ID(), LabelledBy: "ana", LabelledAt: 3, Source: "review",
		PredictedCategory: "Mortgages", PredictedProbability: new(0.5), ModelVersion: "v", ReviewReason: schema.ReviewAudit,
	}
	withdrawn := schema.Label{ComplaintID: "0", Taxonomy: "t", LabelledBy: "bo", LabelledAt: 4, Source: "api"}
	format := formatOf(t, schema.Labels, Config{})
	got := rowsOf[schema.LabelRow](t, format, schema.Labels, []kafka.Record{
		{Offset: 5, Timestamp: 7, Value: l.AppendJSON(nil)},
		{Offset: 6, Timestamp: 8, Value: withdrawn.AppendJSON(nil)},
		{Offset: 7, Timestamp: 9, Value: []byte(`{"complaint_id":"1"}`)},
		{Offset: 8, Timestamp: 9},
	})
	want := []schema.LabelRow{
		{KafkaOffset: 7, KafkaTimestamp: 9, RecordError: new("wrong_type: field category is missing; null withdraws")},
		{KafkaOffset: 8, KafkaTimestamp: 9, RecordError: new("tombstone: the value is null; a label with the category null withdraws")},
		{ComplaintID: "0", Taxonomy: "t", LabelledBy: "bo", LabelledAt: 4, Source: "api", KafkaOffset: 6, KafkaTimestamp: 8},
		{
			ComplaintID: "1", Category: new("Loans"), Taxonomy: schema.Bureau().ID(), LabelledBy: "ana", LabelledAt: 3, Source: "review",
			PredictedCategory: new("Mortgages"), PredictedProbability: new(0.5), ModelVersion: new("v"), ReviewReason: new("audit"),
			KafkaOffset: 5, KafkaTimestamp: 7,
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the rows are\n%+v, want\n%+v", got, want)
	}
	if row := got[3]; !eraseLabel(&row, OneID("1")) || !reflect.DeepEqual(row, schema.LabelRow{KafkaOffset: 5, KafkaTimestamp: 7, RecordError: new(schema.Erased)}) || eraseLabel(&row, OneID("1")) {
		t.Errorf("erased it is %+v", row)
	}
}

// A row of silver gives back the complaint that it was made of, all fields.
func TestSilverRowHasTheWholeComplaint(t *testing.T) {
	want := schema.Complaint{
		ComplaintID: "7", DateReceived: "2024-02-29", Product: "Mortgage", SubProduct: "b", Issue: "c", SubIssue: "d", Narrative: "They foreclosed.",
		CompanyPublicResponse: "e", Company: "f", State: "TX", ZipCode: "77XXX", Tags: "g", ConsumerConsentProvided: "h", SubmittedVia: "Web",
		DateSentToCompany: "2024-03-01", CompanyResponse: "i", Timely: "Yes", ConsumerDisputed: "No", Extra: `{"case_id":"C-9"}`,
	}
	for f, v := range reflect.ValueOf(want).Fields() {
		if v.String() == "" {
			t.Fatalf("the test leaves out %s", f.Name)
		}
	}
	c := schematest.Classified(schema.Classified{
		Complaint: want, ModelVersion: "v",
		Source: schema.Source{Topic: "complaints", TopicID: topicID},
	}, 2, 1)
	row, _ := silverRow(new(columns), &schema.Claim{}, &kafka.Record{Value: c.AppendJSON(nil)})
	if got := row.Complaint(); got != want || row.RecordError != nil {
		t.Errorf("the row gives %+v, want %+v", got, want)
	}
	none := schema.SilverRow{Narrative: "x"}
	if got := none.Complaint(); got != (schema.Complaint{Narrative: "x"}) {
		t.Errorf("NULLs give %+v", got)
	}
}

func TestSilverHasNoPersonalDataAndAllOtherWords(t *testing.T) {
	body, err := os.ReadFile("testdata/masking.txt")
	if err != nil {
		t.Fatal(err)
	}
	var records []kafka.Record
	want := map[string]string{}
	for i, line := range strings.Split(strings.TrimSpace(string(body)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		id := fmt.Sprint(i)
		want[id] = Tidy(marked.ReplaceAllString(line, Mask))
		text := marked.ReplaceAllString(line, "$2")
		c := schematest.Classified(schema.Classified{
			Complaint:    schema.Complaint{ComplaintID: id, Narrative: text, Company: text, Product: "Mortgage", ZipCode: "94087-1234", Timely: "Yes", DateSentToCompany: "2026-11-24"},
			ModelVersion: "v",
			Source:       schema.Source{Topic: "complaints", TopicID: topicID},
		}, 2, 0.5)
		records = append(records, kafka.Record{Offset: int64(i), Value: c.AppendJSON(nil)})
	}
	records = append(records, kafka.Record{Offset: 1 << 20, Value: []byte("no classified complaint")})
	registry := prometheus.NewRegistry()
	silver := rowsOf[schema.SilverRow](t, formatOf(t, schema.Silver, Config{Registerer: registry}), schema.Silver, records)
	gold := rowsOf[schema.GoldRow](t, formatOf(t, schema.Gold, Config{}), schema.Gold, records)
	if len(silver) != len(want)+1 || len(gold) != len(want)+1 {
		t.Errorf("%d and %d rows of %d records", len(silver), len(gold), len(want)+1)
	}
	broken := 0
	for _, row := range silver {
		if row.RecordError != nil {
			if broken++; broken > 1 {
				t.Fatal(*row.RecordError)
			}
			continue
		}
		if row.Narrative != want[row.ComplaintID] || *row.Company != row.Narrative {
			t.Errorf("%q, want %q", row.Narrative, want[row.ComplaintID])
		}
		if *row.TrueCategory != "Loans" || *row.ZipCode != "94087-1234" || !*row.Timely || row.DateSentToCompany == nil || len(row.TextHash) != 32 {
			t.Errorf("%+v", row)
		}
	}
	for _, row := range gold {
		if row.RecordError == nil && *row.Company != want[row.ComplaintID] {
			t.Errorf("gold has %q", *row.Company)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	kinds := 0
	for _, f := range families {
		if f.GetName() != "complaints_lake_masked_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetCounter().GetValue() > 0 {
				kinds++
			}
		}
	}
	if kinds != 5 {
		t.Errorf("%d kinds are counted, want 5", kinds)
	}
}
