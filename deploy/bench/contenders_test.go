//go:build servers

package bench

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"complaints/deploy/servers"
)

// consumer is the program of this module, with a group and results of its own.
func (r *testEnv) consumer(name, roles string, more ...string) contender {
	c := contender{target: "complaints.classified", group: name + "-classify"}
	args := append([]string{
		"run", "--brokers", r.kafka.Brokers[0], "--group", name, "--instance", "bench", "--roles", roles, "--log-level", "warn",
		"--partitions", strconv.Itoa(partitions), "--sessions", strconv.Itoa(r.cores), "--allow-bootstrap",
		"--exit-when-idle", "--idle-for", "2s", "--idle-flush", "500ms", "--layers", *layers, "--http-addr", "127.0.0.1:0",
	}, more...)
	args = append(args, strings.Fields(*consumerFlags)...)
	if strings.Contains(roles, "sink") {
		args = append(args, "--lake", "s3://"+r.s3.Bucket+"/"+name, "--s3-endpoint", r.s3.URL, "--s3-region", r.s3.Region)
		c.gold = filepath.Join(r.s3.Dir, r.s3.Bucket, name, "gold")
	}
	c.env = append(r.s3.Env(), "GOMAXPROCS="+strconv.Itoa(r.cores))
	c.command = append([]string{filepath.Join(r.bin, "consumer")}, args...)
	if *profiles != "" {
		prefix := filepath.Join(*profiles, name)
		c.command = []string{
			filepath.Join(r.bin, "consumer.test"), "-test.run", "^$", "-test.bench", "^BenchmarkRun$", "-test.benchtime", "1x",
			"-test.cpuprofile", prefix + ".cpu.prof", "-test.memprofile", prefix + ".mem.prof", "-test.memprofilerate", "65536",
		}
		c.env = append(c.env, "COMPLAINTS_BENCH_RUN="+strings.Join(args, " "))
	}
	return c
}

// python is the stack to compare with; its model is trained first.
func (r *testEnv) python(name string) contender {
	r.tb.Helper()
	r.kafka.CreateTopics(r.tb, partitions, name)
	interpreter := filepath.Join(servers.Cache(r.tb), "python-stack", "bin", "python")
	model := filepath.Join(r.tb.TempDir(), "model.joblib")
	cores := strconv.Itoa(r.cores)
	r.mustRun("", interpreter, "python_stack.py", "train", "--sample", "../../producer/sample/complaints.csv.gz", "--model", model, "--processes", cores,
		"--rounds", strconv.Itoa(*pythonRounds), "--leaves", strconv.Itoa(*pythonLeaves))
	return contender{
		command: []string{
			interpreter, "python_stack.py", "stream", "--model", model, "--brokers", r.kafka.Brokers[0], "--target", name, "--group", name,
			"--processes", cores, "--lake", "s3://" + r.s3.Bucket + "/" + name, "--s3-endpoint", r.s3.URL, "--limit", strconv.FormatInt(*pythonMessages, 10),
		},
		env: append(r.s3.Env(), "OMP_NUM_THREADS=1"), target: name, gold: filepath.Join(r.s3.Dir, r.s3.Bucket, name),
	}
}

// checkGold sees that a consumer's lake has a row for each message that was not
// refused.
func (r *testEnv) checkGold(name string, m measurement) {
	r.tb.Helper()
	cmd := exec.Command(filepath.Join(r.bin, "consumer"), "summary", "--json", "--lake", "s3://"+r.s3.Bucket+"/"+name, "--s3-endpoint", r.s3.URL, "--s3-region", r.s3.Region)
	cmd.Env = append(cmd.Environ(), r.s3.Env()...)
	out, err := cmd.Output()
	if err != nil {
		r.tb.Fatalf("consumer summary: %v", err)
	}
	var s struct {
		Rows int64 `json:"gold_rows"`
	}
	// The dead letters count the markers of their transactions too.
	if err := json.Unmarshal(bytes.TrimSpace(out), &s); err != nil || s.Rows > m.messages || s.Rows < m.messages-m.dead {
		r.tb.Fatalf("gold has %d rows of %d messages, %d of them refused: %v", s.Rows, m.messages, m.dead, err)
	}
}

// mustRun runs a command to its end, with what it says on failure only.
func (r *testEnv) mustRun(dir, name string, args ...string) {
	r.tb.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		r.tb.Fatalf("%s: %v\n%s", name, err, out)
	}
}
