//go:build servers

package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"complaints/deploy/servers"
	"complaints/internal/classifier"
)

var seconds = flag.Int("seconds", 10, "how long each part of the measurement takes")

const (
	conns  = 8
	leaves = 8 // of a tree of the built-in model
)

// three are the texts of a request, of about the median length of a complaint.
var three = []string{
	"I found accounts on my credit report that are not mine. I disputed them with the credit bureau twice in writing, with copies of my identification and a police report, and each time the answer was that the accounts were verified. Nobody will tell me how they were verified. My score has dropped by a hundred points, and I was denied a lease because of it. I want the inaccurate information removed from my file, and a written confirmation that it will not come back.",
	"A debt collector keeps calling me at work about a debt that I do not owe. I asked for validation of the debt by certified mail and never got any. They call several times a day, talk to my colleagues, and threaten to sue me and to garnish my wages. I paid this account years ago and have the receipts. I told them to stop and they said that they would go on until I pay.",
	"My mortgage servicer did not apply my last two payments to the loan. The money left my bank account on time and I have the statements to prove it. Now they charge late fees, report me as delinquent, and threaten foreclosure. When I call, I am sent from one department to another and nobody corrects the error.",
}

// contender is a server to measure.
type contender struct {
	name string
	cmd  *exec.Cmd
}

// BenchmarkAPI measures both and prints a line for each, and as its last line JSON.
func BenchmarkAPI(b *testing.B) {
	cores := strconv.Itoa(runtime.GOMAXPROCS(0))
	body, err := json.Marshal(map[string][]string{"text": three})
	if err != nil {
		b.Fatal(err)
	}
	report := map[string]map[string]float64{}
	for _, start := range []func(tb testing.TB, port, cores string) contender{consumer, python} {
		port := servers.FreePort(b)
		c := start(b, strconv.Itoa(port), cores)
		report[c.name] = measure(b, c, fmt.Sprintf("127.0.0.1:%d", port), body)
	}
	report["ratio"] = map[string]float64{"throughput": report["consumer"]["requests_per_second"] / report["python"]["requests_per_second"]}
	line, err := json.Marshal(report)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Printf("%s\n", line)
}

// measure finds the maximum, and then the times at half of it.
func measure(b *testing.B, c contender, addr string, body []byte) map[string]float64 {
	b.Helper()
	var log bytes.Buffer
	c.cmd.Stdout, c.cmd.Stderr = &log, &log
	// uvicorn has processes of its own, which must end with it.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		_ = c.cmd.Wait()
	}()
	waitReady(b, "http://"+addr+"/readyz", &log)
	d := time.Duration(*seconds) * time.Second
	l := newLoad(addr, body, conns)
	l.run(b, d/5, 0) // warm up
	top := l.run(b, d, 0)
	half := l.run(b, d, top.rate()/2)
	result := map[string]float64{
		"requests_per_second": top.rate(), "texts_per_second": 3 * top.rate(),
		"p50_ms": millis(top.quantile(0.5)), "p99_ms": millis(top.quantile(0.99)),
		"half_load_p50_ms": millis(half.quantile(0.5)), "half_load_p99_ms": millis(half.quantile(0.99)),
	}
	fmt.Printf("%-9s %8.0f requests/s of 3 texts, p50 %.2f ms, p99 %.2f ms; at half of that p50 %.2f ms, p99 %.2f ms\n",
		c.name, result["requests_per_second"], result["p50_ms"], result["p99_ms"], result["half_load_p50_ms"], result["half_load_p99_ms"])
	return result
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func waitReady(b *testing.B, url string, log *bytes.Buffer) {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			b.Fatalf("%s does not answer: %v\n%s", url, err, log.String())
		}
	}
}

func consumer(tb testing.TB, port, cores string) contender {
	tb.Helper()
	program := filepath.Join(tb.TempDir(), "consumer")
	build(tb, exec.Command("go", "build", "-trimpath", "-o", program, "complaints/consumer"))
	cmd := exec.Command(program, "run", "--roles", "api", "--http-addr", "127.0.0.1:"+port, "--log-level", "warn")
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+cores)
	return contender{"consumer", cmd}
}

// python has as many processes as there are cores, which served it best.
func python(tb testing.TB, port, cores string) contender {
	tb.Helper()
	model, err := classifier.Bootstrap()
	if err != nil {
		tb.Fatal(err)
	}
	rounds := strconv.Itoa(model.Manifest().Training.Rounds)
	interpreter := filepath.Join(servers.Cache(tb), "python-api", "bin", "python")
	env := append(os.Environ(), "MODEL="+filepath.Join(tb.TempDir(), "model.joblib"), "PORT="+port, "WORKERS="+cores, "OMP_NUM_THREADS=1")
	train := exec.Command(interpreter, "server.py", "train", "../../../producer/sample/complaints.csv.gz", rounds, strconv.Itoa(leaves))
	train.Env = env
	build(tb, train)
	cmd := exec.Command(interpreter, "server.py")
	cmd.Env = env
	return contender{"python", cmd}
}

func build(tb testing.TB, cmd *exec.Cmd) {
	tb.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}
