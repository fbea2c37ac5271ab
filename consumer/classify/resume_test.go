package classify_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"complaints/consumer/classify"
)

// While a broker cannot say where a log starts and ends, as just after an election,
// nothing follows from that: no offset lies outside of the log, and least of all
// begins a partition at its end.
func TestALogWhoseBoundsAreNotKnownYet(t *testing.T) {
	for _, from := range []classify.From{classify.FromNowhere, classify.FromStart} {
		t.Run(fmt.Sprintf("from %q", from), func(t *testing.T) {
			f := newFixture(t)
			const n = 40
			f.publishComplaints(n)
			stop := f.start(f.config("a"))
			f.waitLag(stop)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			f.publishComplaints(n)
			refused := f.refuseBounds(kerr.OffsetNotAvailable, 4)
			cfg := f.config("b")
			cfg.From = from
			stop = f.start(cfg)
			select {
			case <-refused: // who asks for the lag would be refused too
			case <-time.After(30 * time.Second):
				t.Fatal(stop())
			}
			f.waitLag(stop)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			f.wantEachOnce(2 * n)
		})
	}
}

func TestALogWhoseBoundsCannotBeRead(t *testing.T) {
	f := newFixture(t)
	f.publishComplaints(1)
	f.refuseBounds(kerr.UnknownServerError, 1000)
	err := classify.New(f.config("a")).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "start offsets") || !strings.Contains(err.Error(), kerr.UnknownServerError.Message) {
		t.Errorf("err = %v, want what the broker answered", err)
	}
}

// refuseBounds has the broker answer its next requests for offsets with an error of
// each partition. The channel is closed when that is over.
func (f *fixture) refuseBounds(code *kerr.Error, times int) <-chan struct{} {
	over := make(chan struct{})
	var left atomic.Int64
	left.Store(int64(times))
	f.Cluster.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.Cluster.KeepControl()
		switch n := left.Add(-1); {
		case n == 0:
			close(over)
		case n < 0:
			return nil, nil, false
		}
		list := req.(*kmsg.ListOffsetsRequest)
		resp := list.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, asked := range list.Topics {
			topic := kmsg.NewListOffsetsResponseTopic()
			topic.Topic = asked.Topic
			for _, p := range asked.Partitions {
				partition := kmsg.NewListOffsetsResponseTopicPartition()
				partition.Partition, partition.ErrorCode = p.Partition, code.Code
				topic.Partitions = append(topic.Partitions, partition)
			}
			resp.Topics = append(resp.Topics, topic)
		}
		return resp, nil, true
	})
	return over
}
