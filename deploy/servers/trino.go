//go:build servers

package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TrinoServer is one Trino, the engine inside Athena, with the catalog hive over an S3 server. Its tables stay known
// only as long as the server; their data stays in the buckets.
type TrinoServer struct {
	process
	URL string // http://127.0.0.1:port
}

// Trino starts a Trino that reads the buckets of an S3 server. It takes about 25 s.
func Trino(tb testing.TB, s3 *S3Server) *TrinoServer {
	tb.Helper()
	home := filepath.Dir(filepath.Dir(filepath.Dir(cached(tb, "trino", "trino/server/lib/io.trino_trino-main-*.jar")))) // .cache/trino
	dir := tb.TempDir()
	addr := localAddr(FreePort(tb))
	t := &TrinoServer{URL: "http://" + addr}
	writeTrino(tb, dir, addr, filepath.Join(home, "server"), s3)
	t.process = process{
		name:   "trino",
		within: 4 * time.Minute,
		ready:  t.ping,
		command: func() *exec.Cmd {
			cmd := exec.Command(filepath.Join(home, "jdk", "bin", "java"), "-Xmx1500m", "-XX:+UseSerialGC",
				"-Djdk.attach.allowAttachSelf=true", "-Dconfig="+filepath.Join(dir, "config.properties"),
				"-Dlog.levels-file="+filepath.Join(dir, "log.properties"),
				"-cp", filepath.Join(home, "server", "lib", "*"), "io.trino.server.TrinoServer")
			cmd.Dir = dir
			return cmd
		},
	}
	t.launch(tb)
	t.Query(tb, "CREATE SCHEMA IF NOT EXISTS hive.default")
	return t
}

func writeTrino(tb testing.TB, dir, addr, home string, s3 *S3Server) {
	tb.Helper()
	_, port, _ := strings.Cut(addr, ":")
	files := map[string][]string{
		"config.properties": {
			"node.environment=test",
			"node.internal-address=127.0.0.1",
			"coordinator=true",
			"node-scheduler.include-coordinator=true",
			"http-server.http.port=" + port,
			"discovery.uri=http://" + addr,
			"plugin.dir=" + filepath.Join(home, "plugin"),
			"catalog.config-dir=" + filepath.Join(dir, "catalog"),
			"query.max-memory=512MB",
			"query.max-memory-per-node=512MB",
			"memory.heap-headroom-per-node=256MB",
			"catalog.management=static",
		},
		"log.properties": {"=WARN"},
		"catalog/hive.properties": {
			"connector.name=hive",
			"hive.metastore=file",
			"hive.metastore.catalog.dir=local:///metastore",
			"fs.native-local.enabled=true",
			"local.location=" + dir,
			"fs.native-s3.enabled=true",
			"s3.endpoint=" + s3.URL,
			"s3.region=" + s3.Region,
			"s3.path-style-access=true",
			"s3.aws-access-key=" + s3.AccessKey,
			"s3.aws-secret-key=" + s3.SecretKey,
			"hive.non-managed-table-writes-enabled=true",
		},
	}
	for name, lines := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600)
		}
		if err != nil {
			tb.Fatalf("write Trino's settings: %v", err)
		}
	}
}

// ping is nil once the server plans and runs queries; it answers HTTP some seconds earlier.
func (t *TrinoServer) ping(ctx context.Context) error {
	_, err := t.run(ctx, "SELECT 1")
	return err
}

// Query runs one statement and gives its rows, each value as JSON gives it (numbers as json.Number). Names without a
// schema are taken from hive.default.
func (t *TrinoServer) Query(tb testing.TB, statement string) [][]any {
	tb.Helper()
	for tries := 0; ; tries++ {
		rows, err := t.run(tb.Context(), statement)
		if err == nil {
			return rows
		}
		// A server that has just started runs constants before it counts itself as a node that reads tables.
		if !strings.Contains(err.Error(), "NO_NODES_AVAILABLE") || tries == 60 {
			tb.Fatalf("trino: %v in: %s", err, statement)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// trinoPage is an answer of Trino's client protocol: a statement is posted, and its pages follow by NextURI.
type trinoPage struct {
	NextURI string  `json:"nextUri"`
	Data    [][]any `json:"data"`
	Error   *struct {
		Message string `json:"message"`
		Name    string `json:"errorName"`
	} `json:"error"`
}

func (t *TrinoServer) run(ctx context.Context, statement string) ([][]any, error) {
	page, err := trinoGet(ctx, http.MethodPost, t.URL+"/v1/statement", statement)
	var rows [][]any
	for err == nil {
		rows = append(rows, page.Data...)
		switch {
		case page.Error != nil:
			return nil, fmt.Errorf("%s: %s", page.Error.Name, page.Error.Message)
		case page.NextURI == "":
			return rows, nil
		}
		page, err = trinoGet(ctx, http.MethodGet, page.NextURI, "")
	}
	return nil, err
}

func trinoGet(ctx context.Context, method, url, body string) (trinoPage, error) {
	var page trinoPage
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return page, err
	}
	req.Header.Set("X-Trino-User", "test")
	req.Header.Set("X-Trino-Catalog", "hive")
	req.Header.Set("X-Trino-Schema", "default")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return page, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return page, fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	decoder := json.NewDecoder(resp.Body)
	decoder.UseNumber()
	err = decoder.Decode(&page)
	return page, err
}
