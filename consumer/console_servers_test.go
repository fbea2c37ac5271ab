//go:build servers

package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"complaints/deploy/servers"
	"complaints/internal/kafka"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestKafkasOwnConsoleTools publishes a line with Kafka's console producer and
// reads its label with the console consumer, on a real broker and the embedded.
func TestKafkasOwnConsoleTools(t *testing.T) {
	t.Run("real", func(t *testing.T) {
		k := servers.Kafka(t)
		testConsole(t, k.Brokers[0], "--brokers", k.Brokers[0], "--allow-bootstrap", "--lake", "file://"+t.TempDir())
	})
	t.Run("embedded", func(t *testing.T) {
		addr := freeAddr(t)
		testConsole(t, addr, "--embedded", "--embedded-addr", addr, "--data", t.TempDir())
	})
}

func testConsole(t *testing.T, broker string, flags ...string) {
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, append(flags, "--roles", "classify,sink"), &log, &log) }()
	waitTopics(t, broker)

	const line = `{"narrative":"The debt collector keeps calling me about a debt that is not mine."}`
	servers.KafkaTool(t, "console-producer", line+"\n", "--bootstrap-server", broker, "--topic", "complaints")
	out := servers.KafkaTool(t, "console-consumer", "", "--bootstrap-server", broker, "--topic", "complaints.classified", "--from-beginning",
		"--isolation-level", "read_committed", "--max-messages", "1", "--timeout-ms", "60000")
	if !strings.Contains(out, `"category":"Debt Collection"`) {
		t.Errorf("the console consumer prints %q", out)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("%v\n%s", err, log.String())
	}
}

// waitTopics waits until the consumer has created the topics.
func waitTopics(t *testing.T, broker string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for {
		if _, _, err = kafka.TopicID(ctx, cl, "complaints.dead-letter"); err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
