//go:build servers

package servers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SchemaRegistry is one Apicurio Registry, asked by Confluent's API. Its schemas are in a file, and outlive a Kill.
type SchemaRegistry struct {
	process
	URL string // of Confluent's API
}

// Apicurio starts a schema registry. It takes about 7 s.
func Apicurio(tb testing.TB) *SchemaRegistry {
	tb.Helper()
	jar := cached(tb, "apicurio", "apicurio/quarkus-run.jar")
	java := cached(tb, "trino", "trino/jdk/bin/java")
	dir, port := tb.TempDir(), strconv.Itoa(FreePort(tb))
	r := &SchemaRegistry{URL: "http://127.0.0.1:" + port + "/apis/ccompat/v7"}
	r.process = process{
		name:   "apicurio",
		within: 4 * time.Minute,
		ready:  func(ctx context.Context) error { return answers(ctx, r.URL+"/subjects") },
		command: func() *exec.Cmd {
			cmd := exec.Command(java, "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", jar)
			cmd.Dir = dir
			cmd.Env = append(cmd.Environ(), "QUARKUS_HTTP_HOST=127.0.0.1", "QUARKUS_HTTP_PORT="+port, "QUARKUS_HTTP_ACCESS_LOG_ENABLED=false",
				"APICURIO_STORAGE_KIND=sql", "APICURIO_STORAGE_SQL_KIND=h2",
				// A schema that was registered is in the file.
				"APICURIO_DATASOURCE_URL=jdbc:h2:file:"+filepath.Join(dir, "registry")+";WRITE_DELAY=0")
			return cmd
		},
	}
	r.launch(tb)
	return r
}

// WireMessage is a message as one of Confluent's serializers writes it.
type WireMessage struct {
	Format string `json:"format"` // avro, protobuf or json
	ID     string `json:"id"`     // the complaint's: TOPIC-FORMAT-NUMBER
	Value  []byte `json:"value"`
}

// Messages has Confluent's serializers write n messages of each format, and register their schemas for the topic.
func (r *SchemaRegistry) Messages(tb testing.TB, topic string, n int, formats ...string) []WireMessage {
	tb.Helper()
	python := cached(tb, "wireformat", "wireformat/bin/python")
	args := append([]string{inModule(tb, "deploy", "servers", "wireformat", "messages.py"), r.URL, topic, strconv.Itoa(n)}, formats...)
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute) // it takes a second
	defer cancel()
	cmd := exec.CommandContext(ctx, python, args...)
	cmd.WaitDelay = time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("write messages: %v\n%s", err, stderr.String())
	}
	var messages []WireMessage
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var m WireMessage
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			tb.Fatal(err)
		}
		messages = append(messages, m)
	}
	return messages
}
