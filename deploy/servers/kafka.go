//go:build servers

package servers

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// KafkaServer is one Kafka broker that is its own controller. Stop, Kill, Pause, Continue and Start act on it.
type KafkaServer struct {
	process
	Brokers  []string    // host:port, where clients connect
	Internal []string    // host:port, without security or proxy, for the eyes of the test
	Proxy    *FaultProxy // in front of Brokers; nil unless Proxied
	Security *Security   // what clients need; nil unless Secured
}

// Kafka starts a broker with empty data. It takes about 5 s.
func Kafka(tb testing.TB, options ...KafkaOption) *KafkaServer {
	tb.Helper()
	libs := filepath.Dir(cached(tb, "kafka", "kafka/libs/kafka_2.13-*.jar"))
	s := newKafkaSettings(tb)
	for _, option := range options {
		option(s)
	}
	k := &KafkaServer{
		Brokers:  []string{s.advertised},
		Internal: []string{s.internal},
		Proxy:    s.proxy,
		Security: s.security,
	}
	file := s.write()
	format := append([]string{"-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", file}, s.format...)
	if out, err := java(libs, format...).CombinedOutput(); err != nil {
		tb.Fatalf("format Kafka's storage: %v\n%s", err, out)
	}
	k.process = process{
		name:    "kafka",
		within:  2 * time.Minute,
		ready:   k.ping,
		command: func() *exec.Cmd { return java(libs, append(kafkaJVM(), "kafka.Kafka", file)...) },
	}
	k.launch(tb)
	return k
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
		log + "log.kafka.coordinator.transaction=info",
	}
}

func (k *KafkaServer) ping(ctx context.Context) error {
	// A client of its own each time: one that outlives a restart would remember what the last broker could do.
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.Internal...))
	if err != nil {
		return err
	}
	defer cl.Close()
	return cl.Ping(ctx)
}

// CreateTopics creates topics with this many partitions; -1 takes the broker's default.
func (k *KafkaServer) CreateTopics(tb testing.TB, partitions int32, names ...string) {
	tb.Helper()
	k.admin(tb, func(adm *kadm.Client) {
		created, err := adm.CreateTopics(tb.Context(), partitions, 1, nil, names...)
		if err == nil {
			err = created.Error()
		}
		if err != nil {
			tb.Fatalf("create %v: %v", names, err)
		}
	})
}

// Settle waits until no transaction is open in the topics. A broker that is killed between the end of a transaction and
// its marks was seen not to write the marks after its next start either, and then readers of committed records wait for
// good. So a test that kills the broker for another reason than this settles first.
func (k *KafkaServer) Settle(tb testing.TB, topics ...string) {
	tb.Helper()
	k.admin(tb, func(adm *kadm.Client) { Settle(tb, adm, topics...) })
}

func (k *KafkaServer) admin(tb testing.TB, use func(*kadm.Client)) {
	tb.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.Internal...))
	if err != nil {
		tb.Fatalf("connect to %v: %v", k.Internal, err)
	}
	defer cl.Close()
	use(kadm.NewClient(cl))
}
