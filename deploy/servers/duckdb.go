//go:build servers

package servers

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// duckDBScript runs a statement in memory and prints its rows as JSON.
const duckDBScript = `import duckdb, json, sys
print(json.dumps(duckdb.connect().execute(sys.stdin.read()).fetchall(), default=str))`

// DuckDB runs one statement in a new DuckDB without a database, which can read files, and gives its rows, each value as
// JSON gives it (numbers as json.Number).
func DuckDB(tb testing.TB, statement string) [][]any {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), cached(tb, "duckdb", "duckdb/bin/python"), "-c", duckDBScript)
	cmd.Stdin = strings.NewReader(statement)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		tb.Fatalf("duckdb: %v in: %s\n%s", err, statement, errOut.String())
	}
	decoder := json.NewDecoder(&out)
	decoder.UseNumber()
	var rows [][]any
	if err := decoder.Decode(&rows); err != nil {
		tb.Fatalf("duckdb printed no rows: %v in: %s", err, statement)
	}
	return rows
}
