package main

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
)

// What a process named consumer-1 holds is not what one named consumer holds.
func TestStandingIsOfOneProcess(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "topic"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	cl, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumerGroup("group"), kgo.ConsumeTopics("topic"), kgo.ClientID("group-consumer-1-0"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	lag := kafka.Lags{"topic": {0: 3, 1: 4}}
	var whole standing
	for range 200 {
		if whole = standingOf(t.Context(), admin, "group", "group-consumer-1-", lag); whole.err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if whole.err != nil || len(whole.held) != 2 || whole.lag != 7 {
		t.Fatalf("the member holds %v with a lag of %d, %v", whole.held, whole.lag, whole.err)
	}
	if other := standingOf(t.Context(), admin, "group", "group-consumer-", lag); other.err == nil || len(other.held) != 0 || other.lag != 0 {
		t.Errorf("a process that is no member holds %v with a lag of %d, %v", other.held, other.lag, other.err)
	}
}
