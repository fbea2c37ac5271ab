package main

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
	"complaints/internal/kafka/kafkatest"
)

// What a process named consumer-1 holds is not what one named consumer holds.
func TestAssignmentIsOfOneProcess(t *testing.T) {
	c := kafkatest.Start(t, kfake.SeedTopics(2, "topic"))
	c.NewClient(kgo.ConsumerGroup("group"), kgo.ConsumeTopics("topic"), kgo.ClientID("group-consumer-1-0"))
	lag := kafka.Lags{"topic": {0: 3, 1: 4}}
	var whole assignment
	for range 200 {
		if whole = readAssignment(t.Context(), c.Admin, "group", "group-consumer-1-", lag); whole.err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if whole.err != nil || len(whole.held) != 2 || whole.lag != 7 {
		t.Fatalf("the member holds %v with a lag of %d, %v", whole.held, whole.lag, whole.err)
	}
	if other := readAssignment(t.Context(), c.Admin, "group", "group-consumer-", lag); other.err == nil || len(other.held) != 0 || other.lag != 0 {
		t.Errorf("a process that is no member holds %v with a lag of %d, %v", other.held, other.lag, other.err)
	}
}
