//go:build servers

package servers

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// KafkaServer is one Kafka broker that is its own controller. Stop, Kill, Pause, Continue and Start act on it.
type KafkaServer struct {
	process
	Brokers []string // host:port
	port    int
}

// KafkaOption changes the broker before it starts.
type KafkaOption func(properties map[string]string)

// Property sets a line of server.properties, also one that Kafka sets itself.
func Property(name, value string) KafkaOption {
	return func(p map[string]string) { p[name] = value }
}

// Partitions is the number of partitions of a topic that is created without one. The default is 1.
func Partitions(n int) KafkaOption { return Property("num.partitions", strconv.Itoa(n)) }

// Kafka starts a broker with empty data. It takes about 5 s.
func Kafka(tb testing.TB, options ...KafkaOption) *KafkaServer {
	tb.Helper()
	libs := filepath.Dir(cached(tb, "kafka", "kafka/libs/kafka_2.13-*.jar"))
	dir := tb.TempDir()
	k := &KafkaServer{port: FreePort(tb)}
	k.Brokers = []string{localAddr(k.port)}
	properties := kafkaProperties(filepath.Join(dir, "data"), k.port, FreePort(tb))
	for _, option := range options {
		option(properties)
	}
	file := filepath.Join(dir, "server.properties")
	writeProperties(tb, file, properties)
	formatKafka(tb, libs, file)

	k.process = process{
		name:    "kafka",
		within:  2 * time.Minute,
		ready:   k.ping,
		command: func() *exec.Cmd { return java(libs, append(kafkaJVM(), "kafka.Kafka", file)...) },
	}
	k.launch(tb)
	return k
}

// kafkaProperties make one broker enough for topics of its own (Kafka's defaults want three) and quick to start.
func kafkaProperties(data string, port, controllerPort int) map[string]string {
	return map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        "1",
		"controller.quorum.voters":       "1@" + localAddr(controllerPort),
		"controller.listener.names":      "CONTROLLER",
		"listeners":                      "PLAINTEXT://" + localAddr(port) + ",CONTROLLER://" + localAddr(controllerPort),
		"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
		"log.dirs":                       data,
		"num.partitions":                 "1",

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
}

func writeProperties(tb testing.TB, file string, properties map[string]string) {
	tb.Helper()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		fmt.Fprintf(&b, "%s=%s\n", name, properties[name])
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		tb.Fatalf("write Kafka's settings: %v", err)
	}
}

func formatKafka(tb testing.TB, libs, file string) {
	tb.Helper()
	cmd := java(libs, "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", file)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("format Kafka's storage: %v\n%s", err, out)
	}
}

// clusterID is any 16 bytes in Kafka's base64.
const clusterID = "Q29tcGxhaW50c1Rlc3RzMQ"

func java(libs string, args ...string) *exec.Cmd {
	return exec.Command("java", append([]string{"-XX:+UseSerialGC", "-cp", filepath.Join(libs, "*")}, args...)...)
}

// kafkaJVM are the broker's memory and log: what the group and transaction coordinators do, and warnings.
func kafkaJVM() []string {
	const log = "-Dorg.slf4j.simpleLogger."
	return []string{
		"-Xmx1g",
		log + "showDateTime=true",
		log + "dateTimeFormat=HH:mm:ss.SSS",
		log + "showThreadName=false",
		log + "showShortLogName=true",
		log + "defaultLogLevel=warn",
		log + "log.org.apache.kafka.clients.NetworkClient=error", // says every 50 ms that the broker is still starting
		log + "log.org.apache.kafka.coordinator.group=info",
		log + "log.org.apache.kafka.coordinator.transaction=info",
	}
}

func (k *KafkaServer) ping(ctx context.Context) error {
	// A client of its own each time: one that outlives a restart would remember what the last broker could do.
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...))
	if err != nil {
		return err
	}
	defer cl.Close()
	return cl.Ping(ctx)
}

// CreateTopics creates topics with this many partitions.
func (k *KafkaServer) CreateTopics(tb testing.TB, partitions int32, names ...string) {
	tb.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...))
	if err != nil {
		tb.Fatalf("connect to %v: %v", k.Brokers, err)
	}
	defer cl.Close()
	created, err := kadm.NewClient(cl).CreateTopics(tb.Context(), partitions, 1, nil, names...)
	if err == nil {
		err = created.Error()
	}
	if err != nil {
		tb.Fatalf("create %v: %v", names, err)
	}
}
