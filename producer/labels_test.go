package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"complaints/internal/kafka/kafkatest"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kgo"
)

// labelsOn reads the labels topic, and checks each message.
func labelsOn(t *testing.T, brokers []string) (labels []schema.Label) {
	t.Helper()
	for _, r := range kafkatest.Connect(t, kgo.SeedBrokers(brokers...)).ReadCommitted("complaints.labels") {
		l, err := schema.DecodeLabel(r.Value)
		if err != nil || string(r.Key) != l.ComplaintID {
			t.Errorf("key %q: %s: %v", r.Key, r.Value, err)
		}
		labels = append(labels, l)
	}
	return labels
}

const labelsCSV = "complaint_id,category,labelled_by,labelled_at,predicted_probability,review_reason\n" +
	"1,Mortgage,ana,2026-11-24T10:00:00Z,0.5,audit\n" +
	"2,,ana,2026-11-24T11:00:00Z,,\n" +
	"3,Gardens,ana,2026-11-24T11:00:00Z,,\n" +
	"4,Loans,ana,yesterday,,\n" +
	"5,Loans,ana\n" +
	"6,Loans,ana,2026-11-24T11:00:00Z,half,\n"

func TestLabels(t *testing.T) {
	for name, c := range map[string]struct {
		content   string
		published int64
	}{
		"CSV":           {labelsCSV, 2},
		"with a mark":   {"\xef\xbb\xbf" + labelsCSV, 2},
		"with Windows'": {strings.ReplaceAll(labelsCSV, "\n", "\r\n"), 2},
		"JSON lines": {`{"complaint_id":"1","category":"Loans","labelled_by":"ana","labelled_at":"2026-11-24T10:00:00Z","predicted_probability":0.5,"review_reason":"audit"}
{"complaint_id":"2","category":null,"labelled_by":"ana","labelled_at":"2026-11-24T10:00:00Z"}

{"complaint_id":"3","category":"Gardens","labelled_by":"ana","labelled_at":"2026-11-24T10:00:00Z"}
{"complaint_id":"4","category":"Loans","labelled_by":"ana"}
{"complaint_id":"5","category":"Loans","labelled_by":"ana","labeled_at":"2026-11-24T10:00:00Z"}
nonsense
`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := broker(t).ListenAddrs()
			r := must(t, b, "", "--labels", write(t, "labels", []byte(c.content)))
			if s := r.summary; s.RowsRead != 6 || s.Published != c.published || s.Skipped.Broken != 4 || !s.Complete {
				t.Errorf("%+v\n%s", s, r.log)
			}
			byID := map[string]schema.Label{}
			for _, l := range labelsOn(t, b) {
				byID[l.ComplaintID] = l
			}
			one, two := byID["1"], byID["2"]
			if len(byID) != 2 || *one.Category != "Loans" || *one.PredictedProbability != 0.5 || one.ReviewReason != schema.ReviewAudit || one.Source != "file" || two.Category != nil {
				t.Errorf("published: %+v", byID)
			}
			if n := len(published(t, b)); n != 0 {
				t.Errorf("%d labels are on the topic of complaints", n)
			}
		})
	}
}

func TestLabelFilesThatAreNone(t *testing.T) {
	b := broker(t).ListenAddrs()
	for content, want := range map[string]string{
		"":                           "the header",
		"complaint_id,category\n1,x": "the column labelled_by is missing\nthe column labelled_at is missing",
		"complaint_id,category,labelled_by,labelled_at,labelled_at\n":                         "the column labelled_at is there twice",
		"complaint_id,category,labeled_by,labelled_at\n":                                      "the name of column 3 is unknown",
		"complaint_id,category,labelled_by,labelled_at\n1,Gardens,ana,2026-11-24T10:00:00Z\n": "no label is published",
	} {
		r := produce(t.Context(), t, b, content, "--labels", "-")
		if r.err == nil || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%q: %v, want %q", content, r.err, want)
		}
	}
	r := produce(t.Context(), t, b, labelsCSV, "--labels", "--strict", "-")
	if r.err == nil || !strings.Contains(r.err.Error(), "line 4") {
		t.Errorf("--strict: %v", r.err)
	}
}

func TestLabelsOfAnotherTaxonomy(t *testing.T) {
	taxonomy, err := schema.NewTaxonomy("garden", []schema.Category{{Name: "Gardens"}, {Name: "Roads"}})
	if err != nil {
		t.Fatal(err)
	}
	b := broker(t).ListenAddrs()
	r := must(t, b, labelsCSV, "--labels", "-", "--taxonomy", write(t, "taxonomy.json", taxonomy.JSON()))
	got := labelsOn(t, b)
	if r.summary.Published != 2 || len(got) != 2 || got[0].Taxonomy != taxonomy.ID() { // and the one that is withdrawn
		t.Errorf("%+v: %+v", r.summary, got)
	}
}

// A file that grew is published from where it ended, in both formats.
func TestResumeLabels(t *testing.T) {
	row := func(i int) string { return fmt.Sprintf("%d,Loans,ana,2026-11-24T10:00:00Z\n", i) }
	line := func(i int) string {
		return fmt.Sprintf("{\"complaint_id\":\"%d\",\"category\":\"Loans\",\"labelled_by\":\"ana\",\"labelled_at\":\"2026-11-24T10:00:00Z\"}\n", i)
	}
	for name, c := range map[string]struct {
		head string
		row  func(int) string
	}{"CSV": {"complaint_id,category,labelled_by,labelled_at\n", row}, "JSON lines": {"", line}} {
		t.Run(name, func(t *testing.T) {
			b := broker(t).ListenAddrs()
			resume := filepath.Join(t.TempDir(), "resume.json")
			content := c.head
			for i := range 500 {
				content += c.row(i)
			}
			file := write(t, "labels", []byte(content+c.row(500)[:9])) // somebody writes the last row
			first := must(t, b, "", "--labels", file, "--resume", resume).summary
			if first.Published != 500 || first.Skipped.Unfinished != 1 {
				t.Errorf("first %+v", first)
			}
			if err := os.WriteFile(file, []byte(content+c.row(500)+c.row(501)), 0o600); err != nil {
				t.Fatal(err)
			}
			second := must(t, b, "", "--labels", file, "--resume", resume).summary
			if second.Published != 2 || second.Skipped.PublishedEarlier != 500 {
				t.Errorf("second %+v", second)
			}
			if got := len(labelsOn(t, b)); got != 502 {
				t.Errorf("%d labels, want 502", got)
			}
		})
	}
}
