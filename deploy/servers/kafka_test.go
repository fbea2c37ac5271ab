//go:build servers

package servers

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
)

// produce writes one transaction and commits or aborts it.
func produce(t *testing.T, k *KafkaServer, commit kgo.TransactionEndTry, topic, value string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...), kgo.TransactionalID("self-test"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatalf("produce %q: %v", value, err)
	}
	if err := cl.EndTransaction(t.Context(), commit); err != nil {
		t.Fatalf("end the transaction of %q: %v", value, err)
	}
}

// consumed is what Kafka's own consumer reads as the first committed records of a topic.
func consumed(t *testing.T, k *KafkaServer, topic string, records int) string {
	t.Helper()
	return KafkaTool(t, "console-consumer", "", "--bootstrap-server", k.Brokers[0], "--topic", topic, "--from-beginning",
		"--isolation-level", "read_committed", "--max-messages", strconv.Itoa(records), "--timeout-ms", "60000")
}

func TestKafkaKeepsWhatWasCommittedThroughAKill(t *testing.T) {
	k := Kafka(t, Partitions(3))
	k.CreateTopics(t, -1, "letters")
	produce(t, k, kgo.TryCommit, "letters", "committed")
	produce(t, k, kgo.TryAbort, "letters", "aborted")
	k.Settle(t, "letters")
	k.Kill()
	k.Start()

	KafkaTool(t, "console-producer", "typed\n", "--bootstrap-server", k.Brokers[0], "--topic", "letters")
	got := consumed(t, k, "letters", 2)
	if got != "committed\ntyped\n" && got != "typed\ncommitted\n" {
		t.Errorf("the console consumer read %q, want the lines committed and typed", got)
	}
	k.Stop()
}

func TestKafkaProxiedAndSecured(t *testing.T) {
	k := Kafka(t, Proxied(), Secured())
	k.CreateTopics(t, 1, "letters")
	for _, sasl := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		config := kafka.Config{
			Brokers: k.Brokers, TLS: true, TLSCA: k.Security.CA, TLSCert: k.Security.Cert, TLSKey: k.Security.Key,
			SASL: sasl, SASLUser: k.Security.User, SASLPassword: k.Security.Password,
		}
		produceOne := func(timeout time.Duration) error {
			options, err := config.Options()
			if err != nil {
				t.Fatal(err)
			}
			cl, err := kgo.NewClient(options...)
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			return cl.ProduceSync(ctx, &kgo.Record{Topic: "letters", Value: []byte(sasl)}).FirstErr()
		}
		if err := produceOne(time.Minute); err != nil {
			t.Errorf("%s: %v", sasl, err)
		}
		k.Proxy.Refuse()
		if produceOne(500*time.Millisecond) == nil {
			t.Errorf("%s: produced past the proxy", sasl)
		}
		k.Proxy.Heal()
		config.SASLPassword = "wrong"
		if produceOne(2*time.Second) == nil {
			t.Errorf("%s: produced with a wrong password", sasl)
		}
		config.SASLPassword, config.TLSCert, config.TLSKey = k.Security.Password, "", ""
		if produceOne(2*time.Second) == nil {
			t.Errorf("%s: produced without a certificate", sasl)
		}
	}
}

func TestKafkaPausesAndGoesOn(t *testing.T) {
	k := Kafka(t)
	k.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := k.ping(ctx); err == nil {
		t.Error("a paused broker answered")
	}
	k.Continue()
	if err := k.ping(t.Context()); err != nil {
		t.Errorf("the broker does not answer after the pause: %v", err)
	}
}
