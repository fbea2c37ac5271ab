package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"complaints/internal/complaintfile"
	"complaints/internal/kafka/kafkatest"
	"complaints/producer/bureau/bureautest"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func broker(t *testing.T) *kafkatest.Cluster { return kafkatest.Start(t) }

// result is what one run printed.
type result struct {
	summary summary
	log     string
	err     error
}

func produce(ctx context.Context, t *testing.T, brokers []string, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args = append([]string{"--brokers", strings.Join(brokers, ","), "--partitions", "3", "--json", "--api-pause", "0"}, args...)
	r := result{err: run(ctx, args, strings.NewReader(stdin), &stdout, &stderr)}
	r.log = stderr.String()
	if stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &r.summary); err != nil {
			t.Fatalf("the summary is no JSON: %v: %q", err, stdout.String())
		}
	}
	return r
}

// must is produce that has to succeed.
func must(t *testing.T, brokers []string, stdin string, args ...string) result {
	t.Helper()
	r := produce(t.Context(), t, brokers, stdin, args...)
	if r.err != nil {
		t.Fatalf("%v\n%s", r.err, r.log)
	}
	return r
}

// published reads the topic from the start.
func published(t *testing.T, brokers []string) []*kgo.Record {
	t.Helper()
	return kafkatest.Connect(t, kgo.SeedBrokers(brokers...)).ReadCommitted("complaints")
}

// ids returns the ids on the topic, sorted, and checks each message.
func ids(t *testing.T, brokers []string) []string {
	t.Helper()
	var out []string
	for _, r := range published(t, brokers) {
		var c schema.Complaint
		if err := json.Unmarshal(r.Value, &c); err != nil {
			t.Errorf("%v: %.200q", err, r.Value)
		}
		if string(r.Key) != c.ComplaintID || c.ComplaintID == "" {
			t.Errorf("key %q, id %q", r.Key, c.ComplaintID)
		}
		out = append(out, c.ComplaintID)
	}
	slices.Sort(out)
	return out
}

func distinct(sorted []string) int { return len(slices.Compact(slices.Clone(sorted))) }

func TestSample(t *testing.T) {
	b := broker(t).ListenAddrs()
	r := must(t, b, "", "--sample")
	got := ids(t, b)
	if int64(len(got)) != r.summary.Published || len(got) < 100 || !r.summary.Complete {
		t.Errorf("%d messages, summary %+v", len(got), r.summary)
	}
	if s := r.summary; s.RowsRead != s.Published+s.Skipped.NoNarrative || s.Skipped.Broken != 0 || s.PerSecond <= 0 {
		t.Errorf("it does not add up: %+v", s)
	}
}

const damaged = `id,Date received,narrative
1,2020-01-01,"a
b"
2,2020-01-01,
3,2020-01-01,x,y
4,2020-01-01,d
,2020-01-01,no id
`

func TestSkipsAndCounts(t *testing.T) {
	b := broker(t).ListenAddrs()
	file := filepath.Join(t.TempDir(), "damaged.csv")
	if err := os.WriteFile(file, []byte(damaged), 0o644); err != nil {
		t.Fatal(err)
	}
	r := must(t, b, "", file)
	s := r.summary
	if s.RowsRead != 5 || s.Published != 3 || s.Skipped != (skipped{NoNarrative: 1, Broken: 1}) {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(r.log, file) || !strings.Contains(r.log, "line=5") || strings.Contains(r.log, "no id") {
		t.Errorf("the log does not name file and line, or holds a narrative: %s", r.log)
	}
	got := ids(t, b)
	derived := schema.Complaint{Narrative: "no id", DateReceived: "2020-01-01"}
	if !slices.Equal(got, []string{"1", "4", derived.DerivedID()}) {
		t.Errorf("ids %v", got)
	}
}

func TestStrict(t *testing.T) {
	b := broker(t).ListenAddrs()
	r := produce(t.Context(), t, b, damaged, "--strict", "-")
	if !errors.Is(r.err, errStrict) || exitStatus(r.err) != 3 || !strings.Contains(r.err.Error(), "standard input:5: row 3") {
		t.Errorf("err = %v", r.err)
	}
	if got := ids(t, b); !slices.Equal(got, []string{"1"}) || r.summary.Complete {
		t.Errorf("what came before is %v, %+v", got, r.summary)
	}
	if exitStatus(nil) != 0 || exitStatus(io.ErrUnexpectedEOF) != 1 {
		t.Error("exit status")
	}
}

func TestCutFileIsAnError(t *testing.T) {
	b := broker(t).ListenAddrs()
	file := filepath.Join(t.TempDir(), "cut.csv.gz")
	if err := os.WriteFile(file, sample[:len(sample)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	r := produce(t.Context(), t, b, "", file)
	if r.err == nil || !strings.Contains(r.err.Error(), file) || !strings.Contains(r.err.Error(), "cut off") {
		t.Errorf("err = %v", r.err)
	}
	if got := len(published(t, b)); int64(got) != r.summary.Published || got == 0 {
		t.Errorf("%d messages, %+v", got, r.summary)
	}
}

func TestRepeatAndLimit(t *testing.T) {
	b := broker(t).ListenAddrs()
	file := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(file, []byte("id,narrative\n\"q\"\"1\",a\n2,b\n,c\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := must(t, b, "", file, "--repeat", "0", "--limit", "1000")
	got := ids(t, b)
	if len(got) != 1000 || distinct(got) != 1000 || r.summary.Published != 1000 || r.summary.RowsRead != 1000 || !r.summary.Complete {
		t.Errorf("%d messages, %d distinct, %+v", len(got), distinct(got), r.summary)
	}
	if !slices.Contains(got, `q"1`) || !slices.Contains(got, `q"1-334`) {
		t.Errorf("ids %v", got[:10])
	}
	if r := must(t, b, "", file, "--repeat", "2", "--topic-prefix", "x."); r.summary.Published != 6 || r.summary.RowsRead != 6 {
		t.Errorf("%+v", r.summary)
	}
}

func TestTooLargeIsCounted(t *testing.T) {
	b := broker(t).ListenAddrs()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	limit := "2000"
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": &limit}, "complaints"); err != nil {
		t.Fatal(err)
	}
	r := must(t, b, "narrative\nfits\n"+strings.Repeat("x", 3000)+"\nfits too\n", "-")
	if r.summary.Published != 2 || r.summary.Skipped.TooLarge != 1 {
		t.Errorf("%+v", r.summary)
	}
}

// numbered is a file of n rows with the ids 0 to n-1.
func numbered(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("id,narrative\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,complaint %d\n", i, i)
	}
	file := filepath.Join(t.TempDir(), "numbered.csv")
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// stopAfter ends a run as SIGTERM does, once the broker has acknowledged n
// produce requests.
func stopAfter(t *testing.T, c *kafkatest.Cluster, n int) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	var mu sync.Mutex
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		mu.Lock()
		defer mu.Unlock()
		c.KeepControl()
		if n--; n == 0 {
			cancel()
		}
		return nil, nil, false
	})
	return ctx
}

func TestSignalAndResume(t *testing.T) {
	c := broker(t)
	b := c.ListenAddrs()
	const rows = 20_000
	file := numbered(t, rows)
	resume := filepath.Join(t.TempDir(), "resume.json")
	first := produce(stopAfter(t, c, 3), t, b, "", file, "--resume", resume, "--rate", "40000")
	if first.err != nil || first.summary.Complete || first.summary.Published == 0 || first.summary.Published == rows {
		t.Fatalf("%v, %+v", first.err, first.summary)
	}
	if got := len(published(t, b)); int64(got) != first.summary.Published {
		t.Errorf("%d messages, the summary says %d", got, first.summary.Published)
	}
	second := must(t, b, "", file, "--resume", resume)
	if s := second.summary; s.Skipped.PublishedEarlier != first.summary.Published || s.Published+first.summary.Published != rows {
		t.Errorf("first %+v, second %+v", first.summary, s)
	}
	got := ids(t, b)
	if len(got) != rows || distinct(got) != rows {
		t.Errorf("%d messages, %d distinct, want %d", len(got), distinct(got), rows)
	}
	if third := must(t, b, "", file, "--resume", resume).summary; third.Published != 0 || third.Skipped.PublishedEarlier != rows {
		t.Errorf("a third run %+v", third)
	}
	// A file that changed is another file.
	if err := os.WriteFile(file, []byte("id,narrative\n1,another\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if fourth := must(t, b, "", file, "--resume", resume); fourth.summary.Published != 1 || !strings.Contains(fourth.log, "another file of this name") {
		t.Errorf("another file under the name %+v\n%s", fourth.summary, fourth.log)
	}
}

// A crash between two writes of the resume point publishes some rows again, and
// loses none.
func TestResumePointIsBehindTheAcknowledgements(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resume.json")
	const content = "id,narrative\n1,a\n2,b\n3,c\n4,d\n5,e\n6,f\n"
	begin := func() (*resumeFile, *progressOf) {
		r, err := openResume(path, openComplaints(nil))
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := r.begin(t.Context(), "f", memoryStream{bytes.NewReader([]byte(content))})
		if err != nil {
			t.Fatal(err)
		}
		return r, p
	}
	r, p := begin()
	rows, err := complaintfile.Options{Digest: true}.NewReader(strings.NewReader(content), "f")
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(6) {
		if _, err := rows.Next(); err != nil {
			t.Fatal(err)
		}
		p.met(n+1, rows.Digest(), true)
	}
	for step, tc := range []struct{ row, want int64 }{{2, 0}, {4, 0}, {1, 2}, {3, 4}, {3, 4}, {6, 4}, {5, 6}} {
		p.done(tc.row)
		if err := r.save(); err != nil {
			t.Fatal(err)
		}
		if _, q := begin(); q.skip != tc.want {
			t.Errorf("step %d: %d rows are skipped, want %d", step, q.skip, tc.want)
		}
	}
	if err := os.WriteFile(path, []byte("not JSON"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openResume(path, openComplaints(nil)); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("err = %v", err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Errors of the broker that may pass cost nothing and repeat nothing.
func TestBrokerFaultsThatPass(t *testing.T) {
	c := broker(t)
	fails := 1
	var mu sync.Mutex
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		mu.Lock()
		defer mu.Unlock()
		c.KeepControl()
		if fails--; fails < 0 {
			return nil, nil, false
		}
		return nil, errors.New("the connection ends"), true
	})
	must(t, c.ListenAddrs(), "", numbered(t, 500))
	if got := ids(t, c.ListenAddrs()); len(got) != 500 || distinct(got) != 500 {
		t.Errorf("%d messages, %d distinct", len(got), distinct(got))
	}
}

func refuse(req kmsg.Request, why *kerr.Error) kmsg.Response {
	produce := req.(*kmsg.ProduceRequest)
	resp := produce.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range produce.Topics {
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, why.Code
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

// A message that the broker refuses for good ends the run; what was not
// acknowledged is not recorded.
func TestBrokerFaultsThatStay(t *testing.T) {
	c := broker(t)
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return refuse(req, kerr.TopicAuthorizationFailed), nil, true
	})
	resume := filepath.Join(t.TempDir(), "resume.json")
	r := produce(t.Context(), t, c.ListenAddrs(), "", numbered(t, 500), "--resume", resume)
	if !errors.Is(r.err, kerr.TopicAuthorizationFailed) || exitStatus(r.err) != 1 || r.summary.Published != 0 || r.summary.Complete {
		t.Errorf("err = %v, %+v", r.err, r.summary)
	}
	if b, err := os.ReadFile(resume); err == nil && !bytes.Contains(b, []byte(`"rows":0`)) {
		t.Errorf("it recorded %s", b)
	}
}

func apiDocs(from, n int, day string) []bureautest.Doc {
	docs := make([]bureautest.Doc, n)
	for i := range docs {
		docs[i] = bureautest.Doc{ID: strconv.Itoa(100_000 + from + i), Day: day, Narrative: fmt.Sprintf("complaint %d", from+i)}
	}
	return docs
}

func TestAPI(t *testing.T) {
	b := broker(t).ListenAddrs()
	s := bureautest.Start(t, slices.Concat(apiDocs(0, 25, "2026-09-01"), apiDocs(25, 25, "2026-09-20"), []bureautest.Doc{{ID: "late text", Day: "2026-09-20"}})...)
	state := filepath.Join(t.TempDir(), "state.json")
	args := []string{"--api", "--api-url", s.URL, "--since", "2026-09-01", "--resume", state, "--api-page", "10"}
	s.Fail(nil, bureautest.Status(429, "0"), bureautest.Cut)
	if r := must(t, b, "", args...); r.summary.Published != 50 || r.summary.RowsRead != 50 || !r.summary.Complete {
		t.Fatalf("%+v", r.summary)
	}
	// Next day: new ones, one that the Bureau published late, and a text that came after its complaint.
	s.Add(slices.Concat(apiDocs(50, 5, "2026-09-21"), apiDocs(55, 1, "2026-09-10"),
		[]bureautest.Doc{{ID: "late text", Day: "2026-09-20", Narrative: "here it is"}})...)
	r := must(t, b, "", args...)
	if s := r.summary; s.Published != 7 || s.Skipped.SeenAgain != 25 {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(s.Requests()[len(s.Requests())-1], "date_received_min=2026-09-04") {
		t.Errorf("asked %s", s.Requests()[len(s.Requests())-1])
	}
	if got := ids(t, b); len(got) != 57 || distinct(got) != 57 {
		t.Errorf("%d messages, %d distinct: %v", len(got), distinct(got), got)
	}
}

// What a run that broke off published is not published again, and nothing that
// it did not is passed over.
func TestAPIBreaksOff(t *testing.T) {
	b := broker(t).ListenAddrs()
	s := bureautest.Start(t, slices.Concat(apiDocs(0, 15, "2026-09-01"), apiDocs(15, 15, "2026-10-01"))...)
	state := filepath.Join(t.TempDir(), "state.json")
	args := []string{"--api", "--api-url", s.URL, "--since", "2026-09-01", "--resume", state, "--api-page", "10"}
	if r := must(t, b, "", append(args, "--limit", "17")...); r.summary.Published != 17 {
		t.Fatalf("%+v", r.summary)
	}
	s.Fail(nil, bureautest.Status(400, ""))
	if r := produce(t.Context(), t, b, "", args...); r.err == nil || !strings.Contains(r.err.Error(), "400") {
		t.Fatalf("err = %v", r.err)
	}
	must(t, b, "", args...)
	if got := ids(t, b); len(got) != 30 || distinct(got) != 30 {
		t.Errorf("%d messages, %d distinct: %v", len(got), distinct(got), got)
	}
}

func TestAPIBrokenComplaints(t *testing.T) {
	b := broker(t).ListenAddrs()
	s := bureautest.Start(t, apiDocs(0, 3, "2026-09-01")...)
	bad := bureautest.Body("", `{"hits":{"hits":[{"_id":"9","_source":{"narrative":{}},"sort":[5,"9"]}]}}`)
	s.Fail(bad)
	args := []string{"--api", "--api-url", s.URL, "--since", "2026-09-01"}
	if r := must(t, b, "", args...); r.summary.Published != 3 || r.summary.Skipped.Broken != 1 || !strings.Contains(r.log, "complaint_id=9") {
		t.Errorf("%+v\n%s", r.summary, r.log)
	}
	s.Fail(bad)
	if r := produce(t.Context(), t, b, "", append(args, "--strict")...); !errors.Is(r.err, errStrict) {
		t.Errorf("err = %v", r.err)
	}
}

// What is not acknowledged within the drain timeout is said, whatever the messages came from.
func TestSignalWithABrokerThatIsGone(t *testing.T) {
	s := bureautest.Start(t, apiDocs(0, 5, "2026-09-01")...)
	for name, source := range map[string][]string{
		"file": {numbered(t, 5)}, "api": {"--api", "--api-url", s.URL, "--since", "2026-09-01"},
	} {
		t.Run(name, func(t *testing.T) {
			c := broker(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				cancel()
				return nil, errors.New("the connection ends"), true
			})
			r := produce(ctx, t, c.ListenAddrs(), "", append(source, "--drain-timeout", "100ms")...)
			if exitStatus(r.err) != 1 || strings.Contains(r.log, "all messages sent are acknowledged") || r.summary.Published != 0 {
				t.Errorf("err = %v, %+v\n%s", r.err, r.summary, r.log)
			}
		})
	}
}

// The memory of files and that of the API are not taken for each other: one would be written over.
func TestResumeFileOfAnotherSource(t *testing.T) {
	b := broker(t).ListenAddrs()
	s := bureautest.Start(t, apiDocs(0, 5, "2026-09-01")...)
	file := numbered(t, 3)
	api := []string{"--api", "--api-url", s.URL, "--since", "2026-09-01"}
	for name, tc := range map[string]struct{ first, second []string }{
		"the API's for a file": {api, []string{file}}, "a file's for the API": {[]string{file}, api},
	} {
		t.Run(name, func(t *testing.T) {
			resume := filepath.Join(t.TempDir(), "resume.json")
			must(t, b, "", append(tc.first, "--resume", resume)...)
			before, err := os.ReadFile(resume)
			if err != nil {
				t.Fatal(err)
			}
			if r := produce(t.Context(), t, b, "", append(tc.second, "--resume", resume)...); r.err == nil || !strings.Contains(r.err.Error(), resume) {
				t.Errorf("err = %v", r.err)
			}
			if after, err := os.ReadFile(resume); err != nil || !bytes.Equal(before, after) {
				t.Errorf("it was %s and is %s, %v", before, after, err)
			}
		})
	}
}

// One complaint with a date that is still to come does not end the reading of those that are received until then.
func TestAPIDateInTheFuture(t *testing.T) {
	b := broker(t).ListenAddrs()
	s := bureautest.Start(t, append(apiDocs(0, 5, "2026-09-01"), bureautest.Doc{ID: "slip", Day: "2099-01-01", Narrative: "a slip of the pen"})...)
	args := []string{"--api", "--api-url", s.URL, "--since", "2026-09-01", "--resume", filepath.Join(t.TempDir(), "state.json")}
	must(t, b, "", args...)
	s.Add(apiDocs(5, 5, "2026-09-20")...)
	if r := must(t, b, "", args...); r.summary.Published != 5 || r.summary.Skipped.SeenAgain != 6 {
		t.Errorf("%+v", r.summary)
	}
}

// topicHolds says whether the topic is there and holds n messages.
func topicHolds(t *testing.T, brokers []string, n int64) bool {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Error(err) // any goroutine may ask
		return true
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context(), "complaints")
	var holds int64
	ends.Each(func(o kadm.ListedOffset) { holds += o.Offset })
	return err == nil && ends.Error() == nil && len(ends) > 0 && holds >= n
}
