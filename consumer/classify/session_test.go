package classify

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/classifier"
	"complaints/internal/kafka"
	"complaints/schema"
)

// A client may be given partitions before the session that opened it knows of it.
func TestPartitionsWaitUntilTheSessionIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &session{ready: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		resumed := make(chan error)
		go func() {
			_, err := s.resume(ctx, nil)
			resumed <- err
		}()
		synctest.Wait()
		select {
		case err := <-resumed:
			t.Fatalf("resume returned (%v) before there was a client to ask", err)
		default:
		}
		cancel()
		if err := <-resumed; !errors.Is(err, context.Canceled) {
			t.Errorf("resume returned %v when its client was closed", err)
		}
	})
}

// New partitions wait no longer than the sink lets them.
func TestNewPartitionsAreSeenWithinThirtySeconds(t *testing.T) {
	role := New(Config{Group: "g", Topics: kafka.Topics{Topics: schema.TopicNames("")}, Registerer: prometheus.NewRegistry(), Models: new(classifier.Holder)})
	cl, err := kgo.NewClient(role.options("test")...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if age, _ := cl.OptValue(kgo.MetadataMaxAge).(time.Duration); age > 30*time.Second {
		t.Errorf("the client looks for new partitions every %s, want 30 s at most", age)
	}
}
