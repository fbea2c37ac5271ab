//go:build servers

package main

import (
	"testing"

	"complaints/deploy/servers"
)

func TestTransactionalUpstreamOnKafka(t *testing.T) {
	transactionalUpstream(t, servers.Kafka(t).Brokers[0])
}
