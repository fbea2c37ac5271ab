package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// website is a consumer with an embedded broker, with all roles unless arguments say otherwise. stop ends it, as a
// signal would.
type website struct {
	url, broker string
	stop        func() error
}

func startWebsite(t *testing.T, args ...string) website {
	t.Helper()
	s := website{broker: freeAddr(t)}
	addr, dir := freeAddr(t), t.TempDir()
	s.url = "http://" + addr
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var log bytes.Buffer
	s.stop = sync.OnceValue(func() error { cancel(); return <-done })
	go func() {
		done <- run(ctx, append([]string{"--embedded", "--embedded-addr", s.broker, "--data", dir, "--http-addr", addr}, args...), &log, &log)
	}()
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("%v\n%s", err, log.String())
		}
	})
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get(s.url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return s
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the consumer does not become ready")
		}
	}
}

// publish puts complaints of all kinds on the topic, and some that are none.
func (s website) publish(t *testing.T, n int) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.broker), kgo.DefaultProduceTopic("complaints"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	texts := []string{
		"The credit bureau reports an account that is not mine and refuses to remove it from my credit report.",
		"A debt collector calls me every day about a debt that I paid. My number is 555 010 9999.",
		"My mortgage servicer did not apply my payment and threatens foreclosure.",
		"My credit card was charged twice and the bank denied the dispute. Write to me@example.org.",
		"The bank closed my checking account and keeps my deposit.",
	}
	for i := range n {
		value := fmt.Sprintf(`{"complaint_id":"%d","narrative":%q}`, 1_000_000+i, texts[i%len(texts)])
		if i%50 == 49 {
			value = `{"narrative":" "}`
		}
		cl.Produce(t.Context(), kgo.StringRecord(value), func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := cl.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}
