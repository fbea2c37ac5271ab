package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"complaints/producer/bureau/bureautest"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// write writes a file and returns its path.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A file that grew is published from where it was left, also packed, moved or
// with the last row half written.
func TestResumeFileThatGrew(t *testing.T) {
	packed := func(s string) []byte {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		if _, err := io.WriteString(z, s); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	plain := func(s string) []byte { return []byte(s) }
	for name, tc := range map[string]struct {
		pack  func(string) []byte
		steps []string
		want  [][]string // published by each run
	}{
		"csv":         {plain, []string{"id,narrative\n1,a\n", "id,narrative\n1,a\n2,b\n", "id,narrative\n1,a\n2,b\n3,c\n"}, [][]string{{"1"}, {"2"}, {"3"}}},
		"half a row":  {plain, []string{"id,narrative\n1,a\n2,The deb", "id,narrative\n1,a\n2,The debt\n"}, [][]string{{"1"}, {"2"}}},
		"open quote":  {plain, []string{"id,narrative\n1,a\n2,\"The\ndeb", "id,narrative\n1,a\n2,\"The\ndebt\"\n"}, [][]string{{"1"}, {"2"}}},
		"json":        {plain, []string{`{"id":"1","narrative":"a"}`, `{"id":"1","narrative":"a"}` + "\n" + `{"id":"2","narr`, `{"id":"1","narrative":"a"}` + "\n" + `{"id":"2","narrative":"b"}`}, [][]string{{"1"}, nil, {"2"}}},
		"gzip":        {packed, []string{"id,narrative\n1,a\n", "id,narrative\n1,a\n2,b\n"}, [][]string{{"1"}, {"2"}}},
		"broken rows": {plain, []string{"id,narrative\n1,a,x\n2,b\n", "id,narrative\n1,a,x\n2,b\n3,c\n"}, [][]string{{"2"}, {"3"}}},
		"edited":      {plain, []string{"id,narrative\n1,a\n", "id,narrative\n1,A\n2,b\n"}, [][]string{{"1"}, {"1", "2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := broker(t).ListenAddrs()
			file, resume := write(t, "f", nil), filepath.Join(t.TempDir(), "resume.json")
			var all []string
			for i, content := range tc.steps {
				if err := os.WriteFile(file, tc.pack(content), 0o644); err != nil {
					t.Fatal(err)
				}
				r := must(t, b, "", file, "--resume", resume)
				all = append(all, tc.want[i]...)
				slices.Sort(all)
				if got := ids(t, b); !slices.Equal(got, all) {
					t.Errorf("after run %d the topic holds %v, want %v\n%s", i+1, got, all, r.log)
				}
			}
		})
	}
}

// Rows without a text are not behind us as long as the file has none at all.
func TestResumeStaysWhereNoRowHasAText(t *testing.T) {
	b := broker(t).ListenAddrs()
	resume := filepath.Join(t.TempDir(), "resume.json")
	file := write(t, "bureau.csv", []byte("Complaint ID,Product,Consumer complaint narrative\n1,Mortgage,\n2,Mortgage,\n"))
	if r := produce(t.Context(), t, b, "", file, "--resume", resume); !errors.Is(r.err, errNothing) || !strings.Contains(r.err.Error(), "no narratives since") {
		t.Fatalf("err = %v", r.err)
	}
	if state, err := os.ReadFile(resume); err == nil && strings.Contains(string(state), "prefix") {
		t.Errorf("the resume file moved on: %s", state)
	}
}

func TestNothingPublishedIsAFailure(t *testing.T) {
	b := broker(t).ListenAddrs()
	for name, tc := range map[string]struct {
		in   string
		want string // in the error; empty: it is a success
	}{
		"no texts":           {"id,narrative\n1,\n2,NA\n", "none of 2 rows has a narrative"},
		"all broken":         {"id,narrative\n1,a,x\n2,b,x\n", "2 broken"},
		"masks alone":        {"id,narrative\n1,XXXX XX/XX/XXXX\n", "1 published that the consumer will not classify"},
		"too long":           {"id,narrative\n1," + strings.Repeat("word ", 40_000) + "\n", "1 published that the consumer will not classify"},
		"no rows":            {"id,narrative\n", ""},
		"some are published": {"id,narrative\n1,\n2,a\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := produce(t.Context(), t, b, tc.in, "-")
			if tc.want == "" && r.err != nil || tc.want != "" && (!errors.Is(r.err, errNothing) || exitStatus(r.err) != 1 || !strings.Contains(r.err.Error(), tc.want)) {
				t.Errorf("err = %v, want %q in it", r.err, tc.want)
			}
			if r := produce(t.Context(), t, b, tc.in, "-", "--allow-empty"); r.err != nil {
				t.Errorf("--allow-empty: %v", r.err)
			}
		})
	}
}

// The API without narratives is no success, and the next run asks for the same days.
func TestAPIWithoutNarratives(t *testing.T) {
	b := broker(t).ListenAddrs()
	state := filepath.Join(t.TempDir(), "state.json")
	s := bureautest.Start(t, bureautest.Doc{ID: "1", Day: "2026-09-01"})
	args := []string{"--api", "--api-url", s.URL, "--since", "2026-09-01", "--resume", state}
	if r := produce(t.Context(), t, b, "", args...); !errors.Is(r.err, errNothing) || !strings.Contains(r.err.Error(), "no narratives since") {
		t.Errorf("no hits: %v", r.err)
	}
	silent := bureautest.Body("", `{"hits":{"hits":[{"_id":"9","_source":{"date_received":"2026-10-01","product":"Mortgage"},"sort":[5,"9"]}]}}`)
	s.Fail(silent)
	if r := produce(t.Context(), t, b, "", args...); !errors.Is(r.err, errNothing) || r.summary.Skipped.NoNarrative != 1 {
		t.Errorf("hits without texts: %v, %+v", r.err, r.summary)
	}
	if content, err := os.ReadFile(state); err == nil && strings.Contains(string(content), "2026-10-01") {
		t.Errorf("the window moved on: %s", content)
	}
	if r := produce(t.Context(), t, b, "", append(args, "--allow-empty")...); r.err != nil {
		t.Errorf("--allow-empty: %v", r.err)
	}
}

// Dates that are none are left out, counted and said; --strict ends at the first.
func TestDatesLeftOut(t *testing.T) {
	b := broker(t).ListenAddrs()
	file := "../internal/complaintfile/testdata/cases/dates.csv"
	r := must(t, b, "", file)
	if s := r.summary; s.Published != 16 || s.LeftOut["date_received"] != 1 || len(s.LeftOut) != 1 {
		t.Errorf("%+v", s)
	}
	for _, want := range []string{"dates.csv:2", "month first", "line=13", "field=date_received"} {
		if !strings.Contains(r.log, want) {
			t.Errorf("%q is not in the log:\n%s", want, r.log)
		}
	}
	if strings.Contains(r.log, "0000-00-00") {
		t.Errorf("the log shows the value:\n%s", r.log)
	}
	if r := produce(t.Context(), t, b, "", file, "--strict"); !errors.Is(r.err, errStrict) || exitStatus(r.err) != 3 || !strings.Contains(r.err.Error(), "13") {
		t.Errorf("--strict: %v", r.err)
	}
	day := func(args ...string) string {
		b := broker(t).ListenAddrs()
		must(t, b, "narrative,date received\na,11/03/2024\n", append(args, "-")...)
		return string(published(t, b)[0].Value)
	}
	if first, turned := day(), day("--dates", "day-first"); !strings.Contains(first, "2024-11-03") || !strings.Contains(turned, "2024-03-11") {
		t.Errorf("month first %s, day first %s", first, turned)
	}
}

// Bytes behind a gzip are a warning, and no row.
func TestBytesBehindGzip(t *testing.T) {
	r := must(t, broker(t).ListenAddrs(), "", "../internal/complaintfile/testdata/cases/gzip_trailing_garbage.csv.gz")
	if s := r.summary; s.RowsRead != 6 || s.Published != 6 || !strings.Contains(r.log, "bytes follow the end") {
		t.Errorf("%+v\n%s", s, r.log)
	}
}

// A fault of the file is no row.
func TestFaultOfAFileIsNoRow(t *testing.T) {
	r := produce(t.Context(), t, broker(t).ListenAddrs(), `[{"narrative":"a"},{"narrative":"b"}`, "-")
	if r.err == nil || r.summary.RowsRead != 2 || r.summary.Published != 2 {
		t.Errorf("%v, %+v", r.err, r.summary)
	}
}

// A signal ends a run whose input is silent, be it open or not.
func TestSignalWhileTheInputIsSilent(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	silent, open := io.Pipe()
	defer open.Close()
	for name, tc := range map[string]struct {
		stdin io.Reader
		args  []string
		want  int64
	}{
		"standard input":           {silent, []string{"-"}, 1},
		"a FIFO without a writer":  {nil, []string{fifo}, 0},
		"a file, then such a FIFO": {nil, []string{numbered(t, 5), fifo}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.stdin != nil {
				go func() { _, _ = io.WriteString(open, "{\"narrative\":\"a\"}\n") }()
			}
			c := broker(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			var stdout, stderr bytes.Buffer
			go func() {
				args := append([]string{"--brokers", strings.Join(c.ListenAddrs(), ","), "--json"}, tc.args...)
				ended <- run(ctx, args, tc.stdin, &stdout, &stderr)
			}()
			for !topicHolds(t, c.ListenAddrs(), tc.want) {
				time.Sleep(10 * time.Millisecond)
			}
			cancel()
			select {
			case err := <-ended:
				if err != nil || !strings.Contains(stdout.String(), fmt.Sprintf(`"published":%d`, tc.want)) || !strings.Contains(stdout.String(), `"complete":false`) {
					t.Errorf("%v, %s\n%s", err, stdout.String(), stderr.String())
				}
			case <-time.After(5 * time.Second):
				t.Fatal("it still runs after 5 s")
			}
		})
	}
}

// The program as it is: one signal ends it in order, also while a FIFO has no writer.
func TestSignalsOfTheProgram(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "producer")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	brokers := broker(t).ListenAddrs()
	cmd := exec.CommandContext(t.Context(), bin, "--brokers", strings.Join(brokers, ","), numbered(t, 3), fifo)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for !topicHolds(t, brokers, 3) {
		time.Sleep(10 * time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(log)
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "3 published before the run was ended") {
		t.Errorf("%v: %s%s", err, out.String(), said)
	}
}

// A broker that takes messages and never answers ends the run after the delivery
// timeout, and not when all else is over too.
func TestDeliveryTimeout(t *testing.T) {
	c := broker(t)
	release := make(chan struct{})
	defer close(release)
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		c.SleepControl(func() { <-release })
		return nil, nil, false
	})
	start := time.Now()
	r := produce(t.Context(), t, c.ListenAddrs(), "", numbered(t, 10), "--delivery-timeout", "1s")
	if took := time.Since(start); took > 6*time.Second || exitStatus(r.err) != 1 || !errors.Is(r.err, errUnacknowledged) || !strings.Contains(r.err.Error(), "is 1s") {
		t.Errorf("after %s: %v, %+v", took, r.err, r.summary)
	}
}

func TestDeliveriesFindWhatIsLate(t *testing.T) {
	var d deliveries
	for range 100 { // all is in time
		slot := d.sent()
		if d.turn() {
			t.Fatal("a message of the last slot is late")
		}
		d.acknowledged(slot)
	}
	d.sent()
	turns := 1
	for !d.turn() {
		turns++
	}
	if turns != slots+1 {
		t.Errorf("late after %d slots, want %d", turns, slots+1)
	}
}
