package rows

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"complaints/internal/complaintfile"
	"complaints/internal/kafka"
	"complaints/schema"
	"complaints/schema/schematest"
)

// benchRecords are results of the sample's complaints, as the classified topic
// holds them.
func benchRecords(b *testing.B) []kafka.Record {
	b.Helper()
	r, err := complaintfile.Open("../../producer/sample/complaints.csv.gz")
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	now := schema.TimeOf(time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))
	var records []kafka.Record
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return records
		}
		if err != nil {
			b.Fatal(err)
		}
		at := int64(len(records))
		c := schematest.Classified(schema.Classified{
			Complaint: row.Complaint, ModelVersion: "bench", ClassifiedAt: now,
			Source: schema.Source{Topic: "complaints", TopicID: strings.Repeat("a", 32), Offset: at, Timestamp: now},
		}, int(at)%schema.Bureau().Len(), 0.9)
		records = append(records, kafka.Record{Offset: at, Timestamp: int64(now), Key: []byte(row.Complaint.ComplaintID), Value: c.AppendJSON(nil)})
	}
}

// BenchmarkLayer encodes the sample's results as objects, and checks them; ns/row
// is of a record.
func BenchmarkLayer(b *testing.B) {
	records := benchRecords(b)
	topics := schema.TopicNames("")
	for _, name := range []schema.Layer{schema.Bronze, schema.Silver, schema.Gold} {
		format, err := Of(name, Config{})
		if err != nil {
			b.Fatal(err)
		}
		day := schema.DayOf(records[0].Timestamp)
		claim := &schema.Claim{
			Layer: name, Topic: topics.Of(name), TopicID: strings.Repeat("b", 32), Next: int64(len(records)),
			Rows: map[schema.Day]int64{day: int64(len(records))},
		}
		body, _, err := format.Encode(claim, day, records)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(name)+"/encode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if body, _, err = format.Encode(claim, day, records); err != nil {
					b.Fatal(err)
				}
			}
			perRow(b, len(records))
			b.ReportMetric(float64(len(body))/float64(len(records)), "B/row")
		})
		b.Run(string(name)+"/check", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := format.Check(body, claim, day, records); err != nil {
					b.Fatal(err)
				}
			}
			perRow(b, len(records))
		})
	}
}

func perRow(b *testing.B, rows int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}
