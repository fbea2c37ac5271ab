//go:build servers && failpoint

package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What is published: at this rate while the fault lasts, and then some more, so
// that the system has to go on after it.
const (
	perSecond   = 500
	minMessages = 1500
	afterwards  = 300
)

// message is what was published under a key.
type message struct {
	value string
	id    string // of the complaint; empty: it is broken, and has to become a dead letter
	text  string
}

// messageOf makes the n-th message; one in twenty is broken.
func messageOf(n int) message {
	// Letters, for digits may be masked.
	word := strings.Map(func(r rune) rune { return r - '0' + 'a' }, strconv.Itoa(n))
	m := message{
		id:   fmt.Sprintf("c%d", n),
		text: "Message " + word + ": the bank lost my mortgage payment and charged a late fee.",
	}
	m.value = fmt.Sprintf(`{"complaint_id":%q,"product":"Mortgage","state":"CA","narrative":%q}`, m.id, m.text)
	if n%20 == 0 {
		m.value, m.id = m.value[:len(m.value)/2], ""
	}
	return m
}

// publisher publishes messages whose keys are the numbers from 0.
type publisher struct {
	rowEnv    *rowEnv
	timestamp func(n int) time.Time // nil: now
	rate      int
	most      int // 0: until finish is called
	published atomic.Int64
	enough    chan struct{}
	stopOnce  sync.Once
	done      chan struct{}

	count int64 // once done is closed
	err   error // once done is closed
}

func newPublisher(s *rowEnv, f fault) *publisher {
	return &publisher{
		rowEnv: s, timestamp: f.timestamp, rate: cmp.Or(f.perSecond, perSecond), most: f.messages,
		enough: make(chan struct{}), done: make(chan struct{}),
	}
}

// run publishes until finish is called, and some more.
func (p *publisher) run() {
	defer close(p.done)
	cl, err := kgo.NewClient(kgo.SeedBrokers(p.rowEnv.shared.kafka.Internal...),
		// The broker hears of a topic a moment after it was created.
		kgo.UnknownTopicRetries(-1))
	if err != nil {
		p.err = err
		return
	}
	defer cl.Close()
	var mu sync.Mutex
	failed := func(_ *kgo.Record, err error) {
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			p.err = errors.Join(p.err, err)
		}
	}
	start, last, n := time.Now(), -1, 0
	for ; (last < 0 || n < max(last, minMessages)) && (p.most == 0 || n < p.most); n++ {
		p.published.Store(int64(n))
		record := &kgo.Record{Topic: p.rowEnv.topics.Complaints, Key: []byte(strconv.Itoa(n)), Value: []byte(messageOf(n).value)}
		if p.timestamp != nil {
			record.Timestamp = p.timestamp(n)
		}
		cl.Produce(context.WithoutCancel(p.rowEnv.ctx), record, failed)
		select {
		case <-p.enough:
			if last < 0 {
				last = n + afterwards
			}
		case <-p.rowEnv.ctx.Done():
			last = 0
		default:
		}
		if wait := time.Duration(n)*time.Second/time.Duration(p.rate) - time.Since(start); wait > 5*time.Millisecond {
			time.Sleep(wait)
		}
		if p.rowEnv.ctx.Err() != nil {
			break
		}
	}
	p.count = int64(n)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.rowEnv.ctx), time.Minute)
	defer cancel()
	err = cl.Flush(ctx)
	mu.Lock()
	defer mu.Unlock()
	p.err = errors.Join(p.err, err)
}

// finish ends the publishing and waits for its last message.
func (p *publisher) finish() error {
	p.stopOnce.Do(func() { close(p.enough) })
	<-p.done
	if p.err != nil {
		return fmt.Errorf("publish: %w", p.err)
	}
	return nil
}
