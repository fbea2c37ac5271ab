package classify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"complaints/consumer/classify"
)

// An output topic that is deleted while the role runs is created again, and the log says which.
func TestOutputTopicDeletedWhileRunning(t *testing.T) {
	t.Parallel()
	for _, output := range []string{"complaints.classified", "complaints.dead-letter"} {
		t.Run(output, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.upstream(2, kgo.TryCommit)
			f.publish([]byte("bad"), []byte("bad"), []byte("bad"), []byte("bad"))
			cfg, log := f.logged()
			role := classify.New(cfg)
			stop := f.startRole(role)
			f.waitLag(stop)
			if err := role.Ready(t.Context()); err != nil {
				t.Errorf("not ready before: %v", err)
			}
			if err := f.DeleteTopic(output); err != nil {
				t.Fatal(err)
			}
			f.upstream(3, kgo.TryCommit)
			f.publish([]byte("bad"), []byte("bad"), []byte("bad"), []byte("bad"))
			unready := role.Ready(t.Context())
			for ; unready == nil; unready = role.Ready(t.Context()) {
				time.Sleep(time.Millisecond)
			}
			if !strings.Contains(unready.Error(), output) {
				t.Errorf("not ready: %v, want the topic named", unready)
			}
			f.waitLag(stop)
			if err := role.Ready(t.Context()); err != nil {
				t.Errorf("not ready behind: %v", err)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), output) {
				t.Errorf("the log does not name the topic:\n%s", log)
			}
			later := 0
			for at, o := range f.outputs() {
				var partition, offset int
				if _, err := fmt.Sscanf(at, "%d/%d", &partition, &offset); err != nil || o.count != 1 {
					t.Errorf("%s has %d outputs, %v", at, o.count, err)
				}
				if offset >= 4 {
					later++
				}
			}
			if later != 4*partitions {
				t.Errorf("%d messages that came after have an output, want %d\n%s", later, 4*partitions, log)
			}
		})
	}
}

func TestAClockThatIsWrongIsNamed(t *testing.T) {
	f := newFixture(t)
	f.publishComplaints(1)
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: f.topics.Classified, Err: kerr.InvalidTimestamp, Count: -1})
	err := classify.New(f.config("a")).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "topic complaints.classified refuses the timestamp 20") || !strings.Contains(err.Error(), "clock") {
		t.Errorf("err = %v, want the topic and the clock named", err)
	}
}
