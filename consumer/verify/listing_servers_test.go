//go:build servers

package verify_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/verify"
	"complaints/deploy/servers"
	"complaints/internal/lake"
	"complaints/schema"
)

var listedObjects = flag.Int("listing.objects", 1500, "how many links, each with one object, TestVerifyManyObjects has in S3")

// asked counts the requests of each kind that a gateway gets.
type asked struct{ lists, gets, heads, others atomic.Int64 }

func (a *asked) sum() int64 {
	return a.lists.Load() + a.gets.Load() + a.heads.Load() + a.others.Load()
}

// proxy counts what passes it on its way to the gateway.
func (a *asked) proxy(t *testing.T, gateway string) string {
	target, err := url.Parse(gateway)
	if err != nil {
		t.Fatal(err)
	}
	p := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			switch {
			case r.In.Method == http.MethodHead:
				a.heads.Add(1)
			case r.In.Method == http.MethodGet && r.In.URL.Query().Has("list-type"):
				a.lists.Add(1)
			case r.In.Method == http.MethodGet:
				a.gets.Add(1)
			default:
				a.others.Add(1)
			}
			r.SetURL(target)
			r.Out.Host = r.In.Host // which the client has signed
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	})
	t.Cleanup(p.Close)
	return p.URL
}

// TestVerifyManyObjects measures what verify asks of a store with one link and one
// object a record, the worst that there can be, and holds it to its formula: pages
// of 1,000 names of links and of objects, one list more to find each partition and
// the last, and of each link its claim, and the description and the MiB of its object;
// the last link's object is looked for once more.
func TestVerifyManyObjects(t *testing.T) {
	n := *listedObjects
	gateway := servers.VersityGW(t)
	t.Setenv("AWS_ACCESS_KEY_ID", gateway.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", gateway.SecretKey)
	e := newEnvironment(t)
	began := time.Now()
	e.commit(0, 0) // nothing is classified: it is the layer that is looked at
	e.manyLinks(n, filepath.Join(gateway.Dir, gateway.Bucket))
	t.Logf("%d links and objects were made in %s", n, time.Since(began).Round(time.Second))

	var requests asked
	store, err := lake.Open(t.Context(), lake.Config{URL: "s3://" + gateway.Bucket, S3Endpoint: requests.proxy(t, gateway.URL)})
	if err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	report, err := verify.Run(t.Context(), verify.Config{
		KafkaOpts: e.Opts, Topics: e.topics, Group: group, Store: store, Layers: []schema.Layer{schema.Bronze},
	})
	if err != nil || !report.OK || report.Layers[0].Rows != int64(n) {
		t.Fatalf("%+v, %v", report, err)
	}
	t.Logf("verify of %d links and objects: %s, %d requests: %d lists, %d gets, %d heads", n, time.Since(began).Round(time.Millisecond),
		requests.sum(), requests.lists.Load(), requests.gets.Load(), requests.heads.Load())
	const partitions = 1
	lists := 2*int64(n/1000+1) + partitions + 1
	if requests.lists.Load() > lists {
		t.Errorf("%d lists, want at most 2·(n/1000+1) + partitions + 1 = %d", requests.lists.Load(), lists)
	}
	if most := lists + 3*int64(n) + partitions; requests.sum() > most {
		t.Errorf("%d requests, want at most the lists, 3·n and one a partition = %d", requests.sum(), most)
	}
}

// manyLinks makes n links of one record each in a folder that a gateway serves.
func (e *environment) manyLinks(n int, dir string) {
	e.t.Helper()
	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	value := []byte("message")
	for i := range n {
		e.Client.Produce(e.t.Context(), &kgo.Record{Topic: e.topics.Complaints, Partition: 0, Key: []byte("k"), Value: value, Timestamp: at}, func(rec *kgo.Record, err error) {
			if err != nil {
				e.t.Error(err)
				return
			}
			l := schema.Claim{
				Layer: schema.Bronze, Topic: e.topics.Complaints, TopicID: e.id, Partition: rec.Partition,
				Start: rec.Offset, Next: rec.Offset + 1, Rows: map[schema.Day]int64{schema.DayOf(at.UnixMilli()): 1},
			}
			e.putLink(dir, &l, schema.BronzeRow{
				Value: &value, KafkaTopic: l.Topic, KafkaTopicID: l.TopicID, KafkaPartition: l.Partition,
				KafkaOffset: rec.Offset, KafkaTimestamp: at.UnixMilli(),
			})
		})
		if i%1000 == 0 {
			_ = e.Client.Flush(e.t.Context())
		}
	}
	if err := e.Client.Flush(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
}

func (e *environment) putLink(dir string, l *schema.Claim, row schema.BronzeRow) {
	day := schema.DayOf(row.KafkaTimestamp)
	claim, err := json.Marshal(l)
	if err != nil {
		e.t.Error(err)
	}
	body, err := lake.WriteParquet([]schema.BronzeRow{row}, []string{"kafka_offset"}, lake.FooterOf(l, day))
	if err != nil {
		e.t.Error(err)
	}
	for key, content := range map[string][]byte{l.Key(): claim, l.ObjectKey(day): body} {
		path := filepath.Join(dir, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			e.t.Error(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			e.t.Error(err)
		}
	}
}
