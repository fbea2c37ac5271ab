//go:build servers

package sink

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/deploy/servers"
	"complaints/internal/lake"
)

// TestOnRealServers repeats the tests of a whole sink on Kafka and an S3 gateway.
func TestOnRealServers(t *testing.T) {
	broker, gateway := servers.Kafka(t), servers.VersityGW(t)
	t.Setenv("AWS_ENDPOINT_URL", gateway.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", gateway.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", gateway.SecretKey)
	n := 0
	newTestEnv = func(t *testing.T, partitions int32) *testEnv {
		t.Helper()
		n++
		store, err := lake.Open(t.Context(), lake.Config{URL: fmt.Sprintf("s3://%s/run-%d", gateway.Bucket, n)})
		if err != nil {
			t.Fatal(err)
		}
		r := &testEnv{t: t, store: store, opts: []kgo.Opt{kgo.SeedBrokers(broker.Brokers...)}}
		r.admin = kadm.NewClient(r.client())
		_, _ = r.admin.DeleteGroups(t.Context(), "sink")
		if r.id() == "" {
			broker.CreateTopics(t, partitions, topic)
		} else {
			r.recreate(partitions)
		}
		return r
	}
	t.Cleanup(func() { newTestEnv = fakeRig })
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"each committed record stands once", TestEachCommittedRecordStandsOnce},
		{"shutdown flushes", TestShutdownFlushesAndTheNextGoesOn},
		{"the lake says where to resume", TestTheLakeSaysWhereToResume},
		{"a recreated topic has its own chain", TestARecreatedTopicHasItsOwnChain},
		{"partitions may be added", TestPartitionsMayBeAdded},
		{"an empty chain opens where the log starts", TestAnEmptyChainOpensWhereTheLogStarts},
		{"a log that lost records stops the sink", TestALogThatLostRecordsStopsTheSink},
		{"a claim without objects is completed", TestAClaimWithoutObjectsIsCompleted},
		{"a store that fails now and then", TestAStoreThatFailsNowAndThen},
		{"partitions move between sinks", TestPartitionsMoveBetweenSinks},
	} {
		t.Run(test.name, test.run)
	}
}
