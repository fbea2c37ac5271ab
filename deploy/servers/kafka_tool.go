//go:build servers

package servers

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// KafkaTool runs one of Kafka's own command line tools (acls, broker-api-versions, console-producer, console-consumer, consumer-groups, topics,
// get-offsets) with this standard input and gives its standard output. It fails the test if the tool does.
func KafkaTool(tb testing.TB, tool, stdin string, args ...string) string {
	tb.Helper()
	cached(tb, "kafka", "kafka/libs/kafka-tools-*.jar")
	cmd := exec.CommandContext(tb.Context(), inModule(tb, "deploy", "servers", "kafka", "tool"), append([]string{tool}, args...)...)
	cmd.Env = append(cmd.Environ(), "COMPLAINTS_CACHE="+Cache(tb))
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		tb.Fatalf("kafka tool %s %q: %v\n%s%s", tool, args, err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String()
}
