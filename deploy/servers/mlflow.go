//go:build servers

package servers

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// MLflowServer is one MLflow tracking server with an empty SQLite database and its artifacts in a directory.
type MLflowServer struct {
	process
	URL string // http://127.0.0.1:port
}

// MLflow starts an MLflow server. It takes about 15 s.
func MLflow(tb testing.TB) *MLflowServer {
	tb.Helper()
	binary := cached(tb, "mlflow", "mlflow/bin/mlflow")
	dir := tb.TempDir()
	port := FreePort(tb)
	m := &MLflowServer{URL: "http://" + localAddr(port)}
	m.process = process{
		name:   "mlflow",
		within: 4 * time.Minute,
		ready:  func(ctx context.Context) error { return answers(ctx, m.URL+"/health") },
		command: func() *exec.Cmd {
			cmd := exec.Command(binary, "server", "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--workers", "1",
				"--backend-store-uri", "sqlite:///"+filepath.Join(dir, "mlflow.db"),
				"--artifacts-destination", filepath.Join(dir, "artifacts"))
			cmd.Dir = dir
			// Its telemetry would ask a host outside of this machine, and its job runners are eight more Pythons.
			cmd.Env = append(cmd.Environ(), "MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true",
				"MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false")
			return cmd
		},
	}
	m.launch(tb)
	return m
}
