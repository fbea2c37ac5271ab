package mlflow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// complete says what is wrong with what the fake has of one training.
func (f *fake) complete(want Training) error {
	if len(f.runs) != 1 || len(f.versions) != 1 {
		return fmt.Errorf("%d runs and %d versions, want one of each", len(f.runs), len(f.versions))
	}
	r := f.runs[0]
	switch {
	case r.status != "FINISHED":
		return fmt.Errorf("the run is %s", r.status)
	case len(r.params) != len(want.Params):
		return fmt.Errorf("%d parameters, want %d", len(r.params), len(want.Params))
	case len(r.metrics) != len(want.Metrics)+len(want.Rounds["rounds/log_loss"]):
		return fmt.Errorf("%d metrics, want %d", len(r.metrics), len(want.Metrics)+len(want.Rounds["rounds/log_loss"]))
	case r.metrics["rounds/log_loss 2 0.5"] == 0 || r.metrics["undefined 0 NaN"] == 0:
		return errors.New("the metrics have other values")
	case f.versions[0][Validation] != want.Status || f.versions[0][VersionTag] != want.Version:
		return fmt.Errorf("the tags are %v", f.versions[0])
	case want.Serves != (f.alias == "1"):
		return fmt.Errorf("the alias is on %q", f.alias)
	}
	for name, body := range want.Artifacts {
		if got := f.artifacts[r.id+"/artifacts/"+name]; got != len(body) {
			return fmt.Errorf("artifact %s has %d bytes, want %d", name, got, len(body))
		}
	}
	return nil
}

func TestRecordKeepsMLflowsLimits(t *testing.T) {
	f, c := newFake(t, nil)
	want := training("v1")
	done, err := c.Record(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.complete(want); err != nil {
		t.Error(err)
	}
	if done.RunID != "run0" || done.ModelVersion != "1" || done.RunURL != c.Address()+"/#/experiments/7/runs/run0" {
		t.Errorf("recorded as %+v", done)
	}
	for _, b := range f.runs[0].batches {
		if b[0] > 1000 || b[1] > 100 || b[0]+b[1] > 1000 {
			t.Errorf("a batch has %d metrics and %d parameters", b[0], b[1])
		}
	}
	for entry, n := range f.runs[0].metrics {
		if n != 1 {
			t.Errorf("%s was sent %d times", entry, n)
		}
	}
}

func TestKeptModelMovesNoAlias(t *testing.T) {
	f, c := newFake(t, nil)
	want := training("v1")
	want.Serves, want.Status = false, "rejected"
	if _, err := c.Record(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if err := f.complete(want); err != nil {
		t.Error(err)
	}
}

// A second training that makes the same bundle is a run of its own, and neither registers it again nor speaks ill of it.
func TestSameBundleIsRegisteredOnce(t *testing.T) {
	f, c := newFake(t, nil)
	again := training("v1")
	again.Run, again.Status, again.Serves = "another", "rejected", false
	for _, x := range []Training{training("v1"), again} {
		if _, err := c.Record(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.runs) != 2 || len(f.versions) != 1 || f.versions[0][Validation] != "approved" || f.alias != "1" {
		t.Errorf("%d runs, versions %v, the alias is on %q", len(f.runs), f.versions, f.alias)
	}
}

// Wherever a recording breaks off, done or not, the next one completes it, and nothing is there twice.
func TestRecordGoesOnWhereItBrokeOff(t *testing.T) {
	clean, c := newFake(t, nil)
	if _, err := c.Record(t.Context(), training("v1")); err != nil {
		t.Fatal(err)
	}
	for at := range clean.requests {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d %s done %t", at, clean.requests[at], done), func(t *testing.T) {
				n := 0
				f, c := newFake(t, func(string, int) fault {
					if n++; n == at+1 {
						return fault{status: 500, body: "the server stops", done: done}
					}
					return fault{}
				})
				c.attempts = 1
				want := training("v1")
				if _, err := c.Record(t.Context(), want); err == nil {
					t.Fatal("no error")
				}
				if _, err := c.Record(t.Context(), want); err != nil {
					t.Fatal(err)
				}
				if err := f.complete(want); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A creation whose answer is lost is looked for before it is tried again.
func TestLostAnswerCreatesNothingTwice(t *testing.T) {
	for _, lost := range []string{"runs/create", "model-versions/create"} {
		t.Run(lost, func(t *testing.T) {
			f, c := newFake(t, func(path string, n int) fault {
				if path == lost && n == 1 {
					return fault{status: 502, body: "bad gateway", done: true}
				}
				return fault{}
			})
			if _, err := c.Record(t.Context(), training("v1")); err != nil {
				t.Fatal(err)
			}
			if err := f.complete(training("v1")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBusyServerIsAskedAgain(t *testing.T) {
	for _, status := range []int{429, 500, 503} {
		f, c := newFake(t, func(_ string, n int) fault {
			if n < attempts && n%2 == 1 {
				return fault{status: status, body: unavailable}
			}
			return fault{}
		})
		if _, err := c.Record(t.Context(), training("v1")); err != nil {
			t.Fatalf("status %d now and then: %v", status, err)
		}
		if err := f.complete(training("v1")); err != nil {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

func TestErrorsSayWhereAndWhy(t *testing.T) {
	for name, test := range map[string]struct {
		fault fault
		path  string
		times int // how often the path is asked
		want  []string
	}{
		"refused":      {fault{status: 400, body: `{"error_code": "INVALID_PARAMETER_VALUE", "message": "no such thing"}`}, "runs/log-batch", 1, []string{"run0", "/runs/log-batch", "400", "INVALID_PARAMETER_VALUE", "no such thing"}},
		"unavailable":  {fault{status: 503, body: unavailable}, "runs/log-batch", attempts, []string{"after 4 attempts", "/runs/log-batch", "503", "TEMPORARILY_UNAVAILABLE", "the database is locked"}},
		"a proxy's":    {fault{status: 502, body: "<html>bad gateway</html>"}, "runs/search", attempts, []string{"/runs/search", "502", "no error_code", "bad gateway"}},
		"a login page": {fault{status: 200, body: "<html>log in</html>"}, "experiments/get-by-name", 1, []string{"experiment complaints_classification", "get-by-name", "200", "log in"}},
		"forbidden":    {fault{status: 403, body: "Invalid Host header"}, "experiments/get-by-name", 1, []string{"403", "Invalid Host header"}},
		"long":         {fault{status: 400, body: strings.Repeat("x", 10_000)}, "runs/update", 1, []string{"400", "…"}},
		"an artifact":  {fault{status: 500, body: "disk full"}, "/api/2.0/mlflow-artifacts/artifacts/7/run0/artifacts/metrics.json", attempts, []string{"artifact metrics.json", "500", "disk full"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, c := newFake(t, func(path string, _ int) fault {
				if path == test.path {
					return test.fault
				}
				return fault{}
			})
			_, err := c.Record(t.Context(), training("v1"))
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range append(test.want, c.Address()) {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if f.seen[test.path] != test.times {
				t.Errorf("asked %d times, want %d", f.seen[test.path], test.times)
			}
		})
	}
}

func TestUnreachableServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	c, err := New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	c.pause = time.Millisecond
	_, err = c.Record(t.Context(), training("v1"))
	for _, w := range []string{"after 4 attempts", server.URL, "refused"} {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error %v does not say %q", err, w)
		}
	}
}

// A server that never answers costs the attempt's time, and a stopped caller no more attempts.
func TestSilentServer(t *testing.T) {
	release := make(chan struct{})
	asked := make(chan struct{}, attempts)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	c, err := New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.pause, c.http.Timeout = time.Millisecond, 20*time.Millisecond
	if _, err := c.Record(t.Context(), training("v1")); err == nil || !strings.Contains(err.Error(), "after 4 attempts") {
		t.Errorf("a silent server gives %v", err)
	}
	if len(asked) > attempts {
		t.Errorf("asked %d times", len(asked))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Record(ctx, training("v1")); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "attempts") {
		t.Errorf("after its caller stopped: %v", err)
	}
}

func TestCredentialsStayOutOfErrors(t *testing.T) {
	f, c := newFake(t, func(path string, _ int) fault {
		if path == "runs/search" {
			return fault{status: 400, body: "{}"}
		}
		return fault{}
	})
	c, err := New(strings.Replace(c.Address(), "http://", "http://me:secret@", 1) + "/")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Record(t.Context(), training("v1"))
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "runs/search") {
		t.Errorf("the error is %v", err)
	}
	if f.auth != "Basic bWU6c2VjcmV0" {
		t.Errorf("the credentials were sent as %q", f.auth)
	}
}

func TestCommandsRefuseBadInput(t *testing.T) {
	for _, address := range []string{"", "localhost:5000", "ftp://host", "http://", "http://me:secret@host:port"} {
		if _, err := New(address); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("the address %q gives %v", address, err)
		}
	}
	_, c := newFake(t, nil)
	for _, version := range []string{"", "v' OR 1=1"} {
		if _, err := c.Record(t.Context(), training(version)); err == nil {
			t.Errorf("recorded version %q", version)
		}
		other := training("v1")
		other.Run = version
		if _, err := c.Record(t.Context(), other); err == nil {
			t.Errorf("recorded run %q", version)
		}
	}
	long := training("v1")
	long.Params["long"] = strings.Repeat("x", 7000)
	if _, err := c.Record(t.Context(), long); err == nil || !strings.Contains(err.Error(), "long") {
		t.Errorf("a parameter of 7000 bytes gives %v", err)
	}
	err := c.putArtifact(t.Context(), run{}, "metrics.json", nil)
	if err == nil || !strings.Contains(err.Error(), "--artifacts-destination") {
		t.Errorf("artifacts elsewhere give %v", err)
	}
}
