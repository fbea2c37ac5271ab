//go:build servers

package servers

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// kafkaSettings become a broker's server.properties and the arguments that format its storage.
type kafkaSettings struct {
	tb         testing.TB
	dir        string
	client     string // host:port where it listens for clients
	advertised string // host:port that it names to clients
	internal   string // host:port where it talks to itself
	properties map[string]string
	format     []string
	proxy      *FaultProxy
	security   *Security
}

// KafkaOption changes the broker before it starts.
type KafkaOption func(*kafkaSettings)

// Property sets a line of server.properties, also one that this package sets itself.
func Property(name, value string) KafkaOption {
	return func(s *kafkaSettings) { s.properties[name] = value }
}

// Exactly takes these lines of server.properties and none of this package's. They listen, and name to clients, at client
// (host:port).
func Exactly(properties map[string]string, client string) KafkaOption {
	return func(s *kafkaSettings) {
		s.properties = maps.Clone(properties)
		s.client, s.advertised, s.internal = client, client, client
	}
}

// Partitions is the number of partitions of a topic that is created without one. The default is 1.
func Partitions(n int) KafkaOption { return Property("num.partitions", strconv.Itoa(n)) }

// Proxied puts a FaultProxy between the broker and its clients. The broker's own traffic does not pass it.
func Proxied() KafkaOption {
	return func(s *kafkaSettings) {
		s.proxy = NewFaultProxy(s.tb, s.client)
		s.advertised = s.proxy.Addr
	}
}

// newKafkaSettings make one broker enough for topics of its own (Kafka's defaults want three) and quick to start.
func newKafkaSettings(tb testing.TB) *kafkaSettings {
	tb.Helper()
	s := &kafkaSettings{tb: tb, dir: tb.TempDir(), client: localAddr(FreePort(tb)), internal: localAddr(FreePort(tb))}
	s.advertised = s.client
	controller := localAddr(FreePort(tb))
	s.properties = map[string]string{
		"process.roles":              "broker,controller",
		"node.id":                    "1",
		"log.dirs":                   filepath.Join(s.dir, "data"),
		"controller.quorum.voters":   "1@" + controller,
		"controller.listener.names":  "CONTROLLER",
		"inter.broker.listener.name": "INTERNAL",
		"listeners": "CLIENT://" + s.client + ",INTERNAL://" + s.internal +
			",CONTROLLER://" + controller,
		"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:PLAINTEXT",

		"offsets.topic.replication.factor":                 "1",
		"offsets.topic.num.partitions":                     "4",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"transaction.state.log.num.partitions":             "4",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",

		// A topic that appears because somebody asked for it hides a program that forgot to create it.
		"auto.create.topics.enable": "false",
		// A broker that was killed is let in again only once its old session has ended; the default is 9 s.
		"broker.session.timeout.ms":    "4000",
		"broker.heartbeat.interval.ms": "500",
		// The wait for further members only helps large groups that start at once.
		"group.initial.rebalance.delay.ms": "0",
	}
	return s
}

// write writes server.properties and gives its path.
func (s *kafkaSettings) write() string {
	s.tb.Helper()
	if _, ok := s.properties["advertised.listeners"]; !ok {
		s.properties["advertised.listeners"] = "CLIENT://" + s.advertised + ",INTERNAL://" + s.internal
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.properties)) {
		fmt.Fprintf(&b, "%s=%s\n", name, s.properties[name])
	}
	return s.file("server.properties", []byte(b.String()))
}

// file writes a file of the broker and gives its path.
func (s *kafkaSettings) file(name string, content []byte) string {
	s.tb.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.tb.Fatalf("write Kafka's settings: %v", err)
	}
	return path
}
