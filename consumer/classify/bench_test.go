package classify_test

import (
	"errors"
	"io"
	"sync"
	"testing"

	"complaints/internal/complaintfile"
	"complaints/schema"
)

// benchMessages are the sample's complaints.
func benchMessages(b *testing.B) [][]byte {
	b.Helper()
	r, err := complaintfile.Open("../../producer/sample/complaints.csv.gz")
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	var values [][]byte
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return values
		}
		if err != nil {
			b.Fatal(err)
		}
		values = append(values, row.Complaint.AppendJSON(nil))
	}
}

// countdown ends when that many messages were answered.
type countdown struct {
	mu   sync.Mutex
	left int
	done chan struct{}
}

func (c *countdown) Committed(_ *schema.Taxonomy, labelled []int, deadLetters map[schema.Reason]int, _ []schema.Classified) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.left
	for _, n := range labelled {
		c.left -= n
	}
	for _, n := range deadLetters {
		c.left -= n
	}
	if before > 0 && c.left <= 0 {
		close(c.done)
	}
}

// BenchmarkTransactions classifies the sample's messages, over and over, from the
// embedded broker to the embedded broker; one operation is one message. The
// broker shares the process and its allocations.
func BenchmarkTransactions(b *testing.B) {
	f := newFixture(b)
	values := benchMessages(b)
	for published := 0; published < b.N; {
		n := min(len(values), b.N-published)
		f.publish(values[:n]...)
		published += n
	}
	cfg := f.config("bench")
	cfg.BatchRecords = 5000
	observer := &countdown{left: b.N, done: make(chan struct{})}
	cfg.Observer = observer
	b.ReportAllocs()
	b.ResetTimer()
	stop := f.start(cfg)
	<-observer.done
	b.StopTimer()
	if err := stop(); err != nil {
		b.Fatal(err)
	}
}
