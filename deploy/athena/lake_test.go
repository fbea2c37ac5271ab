//go:build servers

package athena

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"complaints/consumer/rows"
	"complaints/deploy/servers"
	"complaints/internal/complaintfile"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"
	"complaints/schema/schematest"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// withText is how many rows a day of the layers with texts has, on their days: the last two.
const (
	withText     = 2500
	daysWithText = 2
)

// fillLake writes the layers with the rows, the order and the names that the sink gives them: each day the same
// complaints again, and one record that is none.
func fillLake(t *testing.T, store *servers.S3Server) {
	t.Helper()
	complaints := sampleComplaints(t)
	last, err := time.Parse(time.DateOnly, lastDay)
	if err != nil {
		t.Fatal(err)
	}
	for n := range dayCount {
		day := last.AddDate(0, 0, n-dayCount+1)
		f := filler{t: t, store: store, day: day, start: int64(n) * rowsOfADay, complaints: complaints}
		f.gold(schema.Gold, rowsOfADay)
		if n >= dayCount-daysWithText {
			f.silver(schema.Silver, withText)
			f.predictions(withText)
			f.bronze(withText)
			f.labels(schema.Labels, withText, n)
		}
		if n == dayCount-1 { // as consumer compact copies it
			f.gold(schema.Gold.Daily(), rowsOfADay)
			f.silver(schema.Silver.Daily(), withText)
			f.labels(schema.Labels.Daily(), withText, n)
		}
	}
}

func sampleComplaints(t *testing.T) []schema.Complaint {
	t.Helper()
	reader, err := complaintfile.Open("../../producer/sample/complaints.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	var list []schema.Complaint
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, row.Complaint)
	}
}

// filler writes one day.
type filler struct {
	t          *testing.T
	store      *servers.S3Server
	day        time.Time
	start      int64 // offset
	complaints []schema.Complaint
}

// message is the classified complaint at a place of the day; the first is none.
func (f *filler) message(i int) []byte {
	if i == 0 {
		return []byte("no complaint")
	}
	c := schema.Classified{Complaint: f.complaints[i%len(f.complaints)], ModelVersion: "v1", ClassifiedAt: schema.TimeOf(f.at(i))}
	c.ComplaintID = fmt.Sprintf("c%06d", i)
	c.CompanyPublicResponse, c.Tags, c.ConsumerDisputed = "Company chooses not to say", "Older American", "No"
	c.Extra, c.Notes, c.SourceKey = `{"branch":"NY"}`, "date_sent_to_company: no date", "K-1"
	code, _ := schema.Bureau().Code(c.Product)
	if i%10 == 0 { // as a model errs
		code = (code + 1) % schema.Bureau().Len()
	}
	c = schematest.Classified(c, code, 1-float64(i%40)/100)
	c.NeedsReview = c.Probability < 0.7
	c.Source = schema.Source{Topic: "complaints", TopicID: topicID, Offset: f.start + int64(i), Timestamp: schema.TimeOf(f.at(i))}
	return c.AppendJSON(nil)
}

func (f *filler) at(i int) time.Time { return f.day.Add(time.Duration(i) * time.Second) }

// rowsOf are the rows of a layer, as the sink makes them of the day's first n records.
func rowsOf[Row any](f *filler, layer schema.Layer, n int) []Row {
	f.t.Helper()
	format, err := rows.Of(layer, rows.Config{Extra: []string{"branch"}})
	if err != nil {
		f.t.Fatal(err)
	}
	records := make([]kafka.Record, n)
	for i := range records {
		records[i] = kafka.Record{Offset: f.start + int64(i), Timestamp: f.at(i).UnixMilli(), Value: f.message(i)}
	}
	day := schema.DayOf(f.day.UnixMilli())
	claim := &schema.Claim{Layer: layer, TopicID: topicID, Start: f.start, Next: f.start + int64(n), Rows: map[schema.Day]int64{day: int64(n)}}
	body, _, err := format.Encode(claim, day, records)
	if err != nil {
		f.t.Fatal(err)
	}
	file, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		f.t.Fatal(err)
	}
	var all []Row
	if err := lake.EachRow(file, func(row *Row) error {
		all = append(all, *row)
		return nil
	}); err != nil {
		f.t.Fatal(err)
	}
	return all
}

func (f *filler) gold(layer schema.Layer, n int) {
	rows := rowsOf[schema.GoldRow](f, schema.Gold, n)
	for i := range rows {
		if r := &rows[i]; r.KafkaOffset%2 == 0 { // a challenger came or went
			r.ChallengerVersion, r.ChallengerCategory, r.ChallengerProbability = new("challenger"), new(r.Category), new(r.Probability)
		}
	}
	put(f, layer, rows, "category", "state", "kafka_offset")
}

func (f *filler) silver(layer schema.Layer, n int) {
	put(f, layer, rowsOf[schema.SilverRow](f, schema.Silver, n), "category", "state", "kafka_offset")
}

func (f *filler) predictions(n int) {
	rows := make([]schema.PredictionRow, n)
	for i, s := range rowsOf[schema.SilverRow](f, schema.Silver, n) {
		rows[i] = schema.PredictionRow{
			TrueCategory: s.TrueCategory, CategoryBefore: s.Category, ModelBefore: s.ModelVersion, SourceTopicID: s.SourceTopicID,
			SourcePartition: s.SourcePartition, SourceOffset: s.SourceOffset, KafkaPartition: s.KafkaPartition, KafkaOffset: s.KafkaOffset, RecordError: s.RecordError,
		}
		rows[i].SetProbabilities(schema.Bureau(), 2, []float64{0.1, 0.1, 0.6, 0.1, 0.1})
	}
	day := schema.DayOf(f.day.UnixMilli())
	putAt(f, schema.PredictionKey(scoredBy, schema.ObjectName{Layer: schema.Silver, Day: day, Start: f.start, TopicID: topicID}), rows)
}

func (f *filler) bronze(n int) {
	rows := make([]schema.BronzeRow, n)
	for i := range rows {
		message := f.message(i)
		rows[i] = schema.BronzeRow{
			Key: &message, Value: &message, Headers: []schema.BronzeHeader{{Key: "from", Value: &message}},
			KafkaTopic: "complaints", KafkaTopicID: topicID, KafkaOffset: f.start + int64(i), KafkaTimestamp: f.at(i).UnixMilli(),
		}
	}
	put(f, schema.Bronze, rows, "kafka_offset")
}

// labels are of the same complaints each day: the first is none, and the second is withdrawn on the last day.
func (f *filler) labels(layer schema.Layer, n, day int) {
	rows := make([]schema.LabelRow, n)
	for i := range rows {
		rows[i] = schema.LabelRow{
			ComplaintID: fmt.Sprintf("c%06d", i), Category: new("Loans"), Taxonomy: schema.Bureau().ID(), LabelledBy: "ana", LabelledAt: f.at(i).UnixMilli(),
			Source: "review", PredictedCategory: new("Mortgages"), PredictedProbability: new(0.5), ModelVersion: new("v1"), ReviewReason: new("audit"),
			KafkaOffset: f.start + int64(i), KafkaTimestamp: f.at(i).UnixMilli(),
		}
	}
	rows[0] = schema.LabelRow{KafkaOffset: f.start, KafkaTimestamp: f.at(0).UnixMilli(), RecordError: new("not_json")}
	if day == dayCount-1 {
		rows[1].Category = nil
	}
	put(f, layer, rows, "complaint_id", "kafka_offset")
}

// put writes one object as the sink does. It goes around the lake's own store, whose settings come by the environment.
func put[T any](f *filler, layer schema.Layer, rows []T, columns ...string) {
	f.t.Helper()
	link := schema.Claim{Layer: layer, TopicID: topicID, Start: f.start}
	putAt(f, link.ObjectKey(schema.DayOf(f.day.UnixMilli())), rows, columns...)
}

func putAt[T any](f *filler, key string, rows []T, columns ...string) {
	f.t.Helper()
	body, err := lake.WriteParquet(rows, columns, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.store.Client().PutObject(f.t.Context(), &s3.PutObjectInput{Bucket: &f.store.Bucket, Key: &key, Body: bytes.NewReader(body)}); err != nil {
		f.t.Fatal(err)
	}
}
