package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"complaints/consumer/compact"
	"complaints/consumer/rows"
	"complaints/internal/classifier/classifiertest"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
)

// goldBefore is a row of gold as it was before it had a challenger's columns.
type goldBefore struct {
	ComplaintID      string  `parquet:"complaint_id"`
	DateReceived     *int32  `parquet:"date_received,optional,date"`
	Product          *string `parquet:"product,optional,dict"`
	SubProduct       *string `parquet:"sub_product,optional,dict"`
	Issue            *string `parquet:"issue,optional,dict"`
	SubIssue         *string `parquet:"sub_issue,optional,dict"`
	Company          *string `parquet:"company,optional,dict"`
	State            *string `parquet:"state,optional,dict"`
	ZipCode          *string `parquet:"zip_code,optional,dict"`
	Tags             *string `parquet:"tags,optional,dict"`
	SubmittedVia     *string `parquet:"submitted_via,optional,dict"`
	CompanyResponse  *string `parquet:"company_response,optional,dict"`
	Timely           *bool   `parquet:"timely,optional"`
	ConsumerDisputed *bool   `parquet:"consumer_disputed,optional"`

	Category                string  `parquet:"category,dict"`
	CategoryCode            int32   `parquet:"category_code"`
	TrueCategory            *string `parquet:"true_category,optional,dict"`
	Probability             float64 `parquet:"probability"`
	CreditReporting         float64 `parquet:"probability_credit_reporting"`
	DebtCollection          float64 `parquet:"probability_debt_collection"`
	Loans                   float64 `parquet:"probability_loans"`
	CreditCardServices      float64 `parquet:"probability_credit_card_services"`
	BankAccountsAndServices float64 `parquet:"probability_bank_accounts_and_services"`
	NeedsReview             bool    `parquet:"needs_review"`
	ModelVersion            string  `parquet:"model_version,dict"`
	ClassifiedAt            int64   `parquet:"classified_at,timestamp(millisecond)"`

	SourceTopic     string  `parquet:"source_topic,dict"`
	SourceTopicID   string  `parquet:"source_topic_id,dict"`
	SourcePartition int32   `parquet:"source_partition"`
	SourceOffset    int64   `parquet:"source_offset"`
	SourceTimestamp int64   `parquet:"source_timestamp,timestamp(millisecond)"`
	KafkaPartition  int32   `parquet:"kafka_partition"`
	KafkaOffset     int64   `parquet:"kafka_offset"`
	KafkaTimestamp  int64   `parquet:"kafka_timestamp,timestamp(millisecond)"`
	RecordError     *string `parquet:"record_error,optional,dict"`
}

// layerObjects are the paths of a layer's objects below the data folder.
func layerObjects(t *testing.T, dir string, layer schema.Layer) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "lake", string(layer), schema.Dataset, "*", "*.parquet"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d objects of %s, %v", len(paths), layer, err)
	}
	return paths
}

func openObject(t *testing.T, path string) *lake.ParquetFile {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// makeOld writes all gold as it was written before.
func makeOld(t *testing.T, dir string) {
	t.Helper()
	for _, path := range layerObjects(t, dir, schema.Gold) {
		f := openObject(t, path)
		var rows []goldBefore
		if err := lake.EachRow(f, func(row *goldBefore) error {
			row.Loans, row.DebtCollection = 0.75, 0.25
			rows = append(rows, *row)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		l, day, err := f.Claim()
		if err != nil {
			t.Fatal(err)
		}
		body, err := lake.WriteParquet(rows, []string{"category", "state", "kafka_offset"}, lake.FooterOf(l, day))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// oldProbabilities counts the compacted rows whose map has what makeOld wrote.
func oldProbabilities(t *testing.T, dir string) (n int) {
	t.Helper()
	old := schema.Bureau().AppendProbabilities(nil, []float64{0, 0.25, 0.75, 0, 0})
	for _, path := range layerObjects(t, dir, schema.Gold.Daily()) {
		if err := lake.EachRow(openObject(t, path), func(row *schema.GoldRow) error {
			if slices.Equal(row.Probabilities.Entries, old) {
				n++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// byChallenger counts the rows of a layer by the version that challenged, "" for NULL.
func byChallenger(t *testing.T, dir string, layer schema.Layer) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, path := range layerObjects(t, dir, layer) {
		if err := lake.EachRow(openObject(t, path), func(row *schema.GoldRow) error {
			version := ""
			if row.ChallengerVersion != nil {
				version = *row.ChallengerVersion
			}
			counts[version]++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return counts
}

// moving is what differs between the results of one complaint that came twice.
var moving = regexp.MustCompile(`"(classified_at|source_partition|source_offset|source_timestamp)":("[^"]*"|\d+)`)

// classifiedTopic reads the results as bytes, without what moves: value → how often.
func classifiedTopic(t *testing.T, brokers []string, n int) map[string]int {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("complaints.classified"), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	values := map[string]int{}
	for seen := 0; seen < n; {
		fetches := cl.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			seen++
			values[moving.ReplaceAllString(string(r.Value), "")]++
		})
	}
	return values
}

// The same complaints come twice, first without and then with a challenger, and
// the gold of the first time is as it was before there were challengers. The
// topic has twice the same; gold can be read, compacted, verified and erased.
func TestAChallengerShowsInGoldAlone(t *testing.T) {
	addr, dir, n := freeAddr(t), t.TempDir(), 200
	quick := []string{"--idle-for", "1s"}
	publish(t, dir, n)
	consume(t, addr, dir, quick...)
	if got := byChallenger(t, dir, schema.Gold); !maps.Equal(got, map[string]int{"": n}) {
		t.Errorf("without a challenger the rows are %v", got)
	}
	makeOld(t, dir)

	url := "file://" + filepath.Join(dir, "lake")
	store, err := lake.Open(t.Context(), lake.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	p := &publishedModels{t, store, registry, newModels(store, slog.New(slog.DiscardHandler), registry)}
	challenger, parts := classifiertest.Bundle(t, "challenger", nil)
	p.put(challenger, parts)
	p.challenged(challenger)
	publish(t, dir, n)
	consume(t, addr, dir, quick...)
	want := map[string]int{"": n, challenger: n}
	if got := byChallenger(t, dir, schema.Gold); !maps.Equal(got, want) {
		t.Errorf("the rows are %v, want %v", got, want)
	}

	verifyGold(t, dir, url, n)
	if s := summaryOf(t, dir); s.Rows != int64(2*n) || s.Foreign != 0 {
		t.Errorf("the summary is %+v", s)
	}
	days, err := lake.Days(t.Context(), store, schema.Gold)
	if err != nil {
		t.Fatal(err)
	}
	gold, err := rows.Of(schema.Gold, rows.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range days {
		c := compact.Config{Store: store, Layer: schema.Gold, Rows: gold, MaxBytes: 1 << 20, Now: time.Now().Add(72 * time.Hour)}
		if _, err := compact.Day(t.Context(), c, day); err != nil {
			t.Fatal(err)
		}
	}
	if got := byChallenger(t, dir, schema.Gold.Daily()); !maps.Equal(got, want) {
		t.Errorf("compacted, the rows are %v, want %v", got, want)
	}
	if got := oldProbabilities(t, dir); got != n {
		t.Errorf("compacted, %d rows have the probabilities of the old columns in their map, want %d", got, n)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"erase", "--lake-only", "--lake", url, "--complaint-id", "7"}, &out, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, layer := range []schema.Layer{schema.Gold, schema.Gold.Daily()} { // nothing of a complaint stays, so not this either
		if got, want := byChallenger(t, dir, layer), (map[string]int{"": n + 1, challenger: n - 1}); !maps.Equal(got, want) {
			t.Errorf("erased, the rows of %s are %v, want %v", layer, got, want)
		}
	}
	verifyGold(t, dir, url, n)
}

// verifyGold runs consumer verify, and looks at the topic.
func verifyGold(t *testing.T, dir, url string, n int) {
	t.Helper()
	broker, err := kafka.StartEmbedded("127.0.0.1:0", dir+"/kafka", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"verify", "--brokers", strings.Join(broker.Brokers, ","), "--lake", url}, &out, &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	values := classifiedTopic(t, broker.Brokers, 2*n)
	for value, times := range values {
		if times != 2 || strings.Contains(value, "challeng") {
			t.Fatalf("stands %d times in the topic: %s", times, value)
		}
	}
	if len(values) != n {
		t.Errorf("%d different results, want %d", len(values), n)
	}
}

// What is wrong with a challenger must not keep the stream from starting.
func TestABrokenChallengerIsNoReasonToStop(t *testing.T) {
	addr, dir := freeAddr(t), t.TempDir()
	path := filepath.Join(dir, "lake", filepath.FromSlash(schema.ChallengerKey))
	body, err := json.Marshal(schema.Champion{Version: "nowhere"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	publish(t, dir, 20)
	consume(t, addr, dir, "--idle-for", "1s")
	if got := byChallenger(t, dir, schema.Gold); !maps.Equal(got, map[string]int{"": 20}) {
		t.Errorf("the rows are %v", got)
	}
}
