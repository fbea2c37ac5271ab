//go:build servers

package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"complaints/deploy/servers"

	"go.yaml.in/yaml/v3"
)

// service is one of docker-compose.yml, as compose itself resolves it.
type service struct {
	Image string `yaml:"image"`
	Build *struct {
		Target string `yaml:"target"`
	} `yaml:"build"`
	Command     []string       `yaml:"command"`
	Environment map[string]any `yaml:"environment"`
	Restart     string         `yaml:"restart"`
	Deploy      struct {
		Replicas int `yaml:"replicas"`
	} `yaml:"deploy"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	Volumes []struct {
		Type   string `yaml:"type"`
		Source string `yaml:"source"`
		Target string `yaml:"target"`
	} `yaml:"volumes"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
}

// composeEnv is a test environment that runs the services of docker-compose.yml as plain processes. Commands and environment are compose's; a port of a
// service becomes a free port of this machine, and a volume a directory.
type composeEnv struct {
	t        *testing.T
	services map[string]service
	stages   map[string]stage
	ports    map[string]string // port in the file → free port
	volumes  map[string]string // volume → directory
}

// TestComposeFileRunsAsPlainProcesses starts what docker compose up starts, service by service: the real servers with the
// configuration that the file gives them, and the programs with their commands and environment. Then the sample that the
// producer published must stand in the lake, each complaint once.
func TestComposeFileRunsAsPlainProcesses(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	kafka := c.runKafka()
	c.runS3()
	mlflow := c.runMLflow()
	c.runPrometheus()
	var own []string
	for name, s := range c.services {
		if s.Build != nil {
			own = append(own, name)
		}
	}
	for _, want := range []string{"api", "consumer", "producer", "trainer"} {
		if !slices.Contains(own, want) {
			t.Errorf("no service %s is built: %v", want, own)
		}
	}
	slices.Sort(own)
	for _, name := range own {
		c.runOwn(name)
	}
	c.answersWithExamples()

	env := append(c.environment("consumer", c.services["consumer"]), "COMPLAINTS_BROKERS="+kafka.Brokers[0])
	report := foreground(t, env, program(t, "consumer"), "verify", "--wait", "2m")
	t.Logf("%s", report)
	if err := mlflow(t.Context()); err != nil {
		t.Error(err)
	}
}

// readCompose reads the file by compose's own library, which merges and checks it.
func readCompose(t *testing.T) *composeEnv {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(servers.Cache(t), "bin", "compose-spec"), "docker-compose.yml")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("read docker-compose.yml: %v (`make compose` brings compose-spec)", err)
	}
	var file struct {
		Services map[string]service `yaml:"services"`
	}
	if err := yaml.Unmarshal(out, &file); err != nil {
		t.Fatal(err)
	}
	return &composeEnv{t: t, services: file.Services, stages: readStages(t), ports: map[string]string{}, volumes: map[string]string{}}
}

// stage is what a stage of the Dockerfile gives a container.
type stage struct {
	env        []string
	entrypoint []string
	health     []string
}

var instruction = regexp.MustCompile(`(?m)^(FROM \S+ AS (\w+)|ENV (\S+=\S+)|ENTRYPOINT (\[.+\])|HEALTHCHECK .*CMD (\[.+\]))$`)

// readStages reads the stages of the Dockerfile; "" is the last one, which a build without a target makes.
func readStages(t *testing.T) map[string]stage {
	t.Helper()
	stages := map[string]stage{}
	name := ""
	for _, m := range instruction.FindAllStringSubmatch(string(read(t, "../Dockerfile")), -1) {
		s := stages[name]
		switch {
		case m[2] != "":
			name = m[2]
			s = stages[strings.Fields(m[1])[1]] // what it is built upon
		case m[3] != "":
			s.env = append(slices.Clone(s.env), m[3])
		case m[4] != "":
			s.entrypoint = stringsOf(t, m[4])
		case m[5] != "":
			s.health = stringsOf(t, m[5])
		}
		stages[name] = s
	}
	stages[""] = stages[name]
	return stages
}

func stringsOf(t *testing.T, list string) (all []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(list), &all); err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	return all
}

// port gives the free port that stands for a port of the file.
func (c *composeEnv) port(of string) string {
	c.t.Helper()
	if c.ports[of] == "" {
		c.ports[of] = fmt.Sprint(servers.FreePort(c.t))
	}
	return c.ports[of]
}

// volume gives the directory that stands for a volume of the file.
func (c *composeEnv) volume(name string) string {
	if c.volumes[name] == "" {
		c.volumes[name] = c.t.TempDir()
	}
	return c.volumes[name]
}

// localNames are how the file names the machine that a service runs on.
var localNames = regexp.MustCompile(`\b(?:kafka|s3|0\.0\.0\.0|localhost|127\.0\.0\.1):(\d+)\b|(^|//):(\d+)\b`)

// local turns the file's addresses and paths into those of this test.
func (c *composeEnv) local(s service, text string) string {
	c.t.Helper()
	text = localNames.ReplaceAllStringFunc(text, func(found string) string {
		before, port, _ := strings.Cut(found, ":")
		if strings.HasPrefix(before, "//") {
			return "//127.0.0.1:" + c.port(port)
		}
		return "127.0.0.1:" + c.port(port)
	})
	dirs, targets := map[string]string{}, []string{}
	for _, v := range s.Volumes {
		dirs[v.Target] = v.Source
		if v.Type == "volume" {
			dirs[v.Target] = c.volume(v.Source)
		}
		targets = append(targets, regexp.QuoteMeta(v.Target))
	}
	if len(targets) > 0 {
		text = regexp.MustCompile(`(`+strings.Join(targets, "|")+`)(/|$)`).ReplaceAllStringFunc(text, func(found string) string {
			path, slash := strings.CutSuffix(found, "/")
			return dirs[path] + map[bool]string{true: "/"}[slash]
		})
	}
	if other := regexp.MustCompile(`\b(?:` + strings.Join(slices.Sorted(maps.Keys(c.services)), "|") + `):\d+`).FindString(text); other != "" && !strings.HasPrefix(other, "mlflow:") {
		c.t.Errorf("%q names %s, which this test knows no process for", text, other)
	}
	return text
}

func (c *composeEnv) environment(name string, s service) (env []string) {
	c.t.Helper()
	for key, value := range s.Environment {
		env = append(env, key+"="+c.local(s, fmt.Sprint(value)))
	}
	if len(env) == 0 {
		c.t.Errorf("%s has no environment", name)
	}
	return env
}

func (c *composeEnv) command(s service) []string {
	c.t.Helper()
	args := make([]string, len(s.Command))
	for i, arg := range s.Command {
		args[i] = c.local(s, arg)
	}
	return args
}

// runKafka runs the broker with the lines that the image makes of its environment: KAFKA_LOG_DIRS is log.dirs.
func (c *composeEnv) runKafka() *servers.KafkaServer {
	s := c.services["kafka"]
	properties := map[string]string{}
	for _, kv := range c.environment("kafka", s) {
		name, value, _ := strings.Cut(kv, "=")
		name, ok := strings.CutPrefix(name, "KAFKA_")
		if !ok {
			c.t.Errorf("Kafka's image does not take %s", kv)
		}
		properties[strings.ReplaceAll(strings.ToLower(name), "_", ".")] = value
	}
	k := servers.Kafka(c.t, servers.Exactly(properties, "127.0.0.1:"+c.port("9092")))
	// Its health check, and the door for clients on the machine.
	if test := s.Healthcheck.Test; len(test) != 4 || filepath.Base(test[1]) != "kafka-broker-api-versions.sh" {
		c.t.Errorf("Kafka's health check is %q", test)
	}
	servers.KafkaTool(c.t, "broker-api-versions", "", c.local(s, s.Healthcheck.Test[2]), c.local(s, s.Healthcheck.Test[3]))
	k.Brokers = []string{"127.0.0.1:" + c.port("9094")}
	return k
}

func (c *composeEnv) runS3() {
	c.plain("bucket", c.services["bucket"].Command[0])
	s := c.services["s3"]
	c.server("s3", filepath.Join(servers.Cache(c.t), "bin", "versitygw"), c.command(s), nil)
}

// plain runs the command of a service to its end, by a program of this machine.
func (c *composeEnv) plain(name, program string) {
	args := c.command(c.services[name])
	foreground(c.t, nil, append([]string{program}, args[1:]...)...)
}

// server runs a service until the test ends. It is up when the address of its health check answers.
func (c *composeEnv) server(name, binary string, args, env []string) {
	s := c.services[name]
	url := regexp.MustCompile(`http://[\w.:/]+`).FindString(c.local(s, strings.Join(s.Healthcheck.Test, " ")))
	if len(s.Environment) > 0 {
		env = append(env, c.environment(name, s)...)
	}
	servers.Start(c.t, name, func(ctx context.Context) error { return get(ctx, url) }, func() *exec.Cmd {
		cmd := exec.Command(binary, args...)
		cmd.Env = append(os.Environ(), env...)
		return cmd
	})
}

// runMLflow returns what tells whether MLflow answers by the names that the file lets it answer to, and by no other.
func (c *composeEnv) runMLflow() func(context.Context) error {
	s := c.services["mlflow"]
	args := c.command(s)
	port := c.port("5000")
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "mlflow:5000", "mlflow:"+port)
		if arg == "5000" { // after --port
			args[i] = port
		}
	}
	// One worker instead of four, and no jobs: this machine has more to do.
	c.server("mlflow", filepath.Join(servers.Cache(c.t), "mlflow", "bin", args[0]), args[1:],
		[]string{"MLFLOW_WORKERS=1", "MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false"})
	return func(ctx context.Context) error {
		for host, want := range map[string]int{"mlflow": http.StatusOK, "127.0.0.1": http.StatusOK, "elsewhere.example": http.StatusForbidden} {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/api/2.0/mlflow/experiments/search?max_results=1", http.NoBody)
			if err != nil {
				return err
			}
			req.Host = host + ":" + port
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				return fmt.Errorf("MLflow answers %d to the host %s, want %d", resp.StatusCode, host, want)
			}
		}
		return nil
	}
}

// runPrometheus runs Prometheus with its own settings and rules. Its targets are names that only compose resolves;
// [TestPrometheusScrapesARunningSystem] has a run of targets.
func (c *composeEnv) runPrometheus() {
	p := prometheusServer{"http://127.0.0.1:" + c.port("9090")}
	args := append(c.command(c.services["prometheus"]), "--web.listen-address=127.0.0.1:"+c.port("9090"))
	background(c.t, "prometheus", nil, append([]string{"prometheus"}, args...)...)
	waitFor(c.t, "Prometheus", func() error { return get(c.t.Context(), p.url+"/-/ready") })
	var data struct {
		Groups []struct {
			Rules []any `json:"rules"`
		} `json:"groups"`
	}
	if err := p.ask("/api/v1/rules", nil, &data); err != nil || len(data.Groups) == 0 {
		c.t.Errorf("Prometheus has no rules: %v", err)
	}
}

// runOwn runs a service of this module: once to its end if it does not restart, else each replica until the test ends.
func (c *composeEnv) runOwn(name string) {
	c.t.Helper()
	s := c.services[name]
	for _, server := range []string{"kafka", "s3"} {
		if strings.Contains(fmt.Sprint(s.Environment), server+":") && s.DependsOn[server].Condition != "service_healthy" {
			c.t.Errorf("%s uses %s and does not wait until it is healthy", name, server)
		}
	}
	st := c.stages[s.Build.Target]
	if len(st.entrypoint) != 1 {
		c.t.Fatalf("%s: the stage %q of the Dockerfile has the entry point %q", name, s.Build.Target, st.entrypoint)
	}
	command := append([]string{program(c.t, filepath.Base(st.entrypoint[0]))}, c.command(s)...)
	for n := range max(1, s.Deploy.Replicas) {
		// A container has its own network and name.
		addr := freeAddr(c.t)
		env := append(slices.Clone(st.env), c.environment(name, s)...)
		env = append(env, fmt.Sprintf("COMPLAINTS_INSTANCE=%s-%d", name, n), "LIGHTGBM_LIB="+os.Getenv("LIGHTGBM_LIB"))
		if s.Restart == "no" {
			c.t.Logf("%s: %s", name, foreground(c.t, env, command...))
			continue
		}
		env = append(env, "COMPLAINTS_HTTP_ADDR="+addr)
		background(c.t, name, env, command...)
		if st.health != nil {
			waitFor(c.t, name+" to be healthy", func() error { return c.healthy(name, st, env) })
			waitFor(c.t, name+" to be ready", func() error { return get(c.t.Context(), "http://"+addr+"/readyz") })
		}
		c.ports[name] = addr
	}
}

func (c *composeEnv) healthy(name string, st stage, env []string) error {
	cmd := exec.CommandContext(c.t.Context(), program(c.t, filepath.Base(st.health[0])), st.health[1:]...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), isOurs), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// answersWithExamples asks the api.
func (c *composeEnv) answersWithExamples() {
	resp, err := http.Post("http://"+c.ports["api"]+"/v1/predict", "application/json", body(`{"text": ["A debt collector calls me about a debt that is not mine."]}`))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		c.t.Errorf("the api answers %s", resp.Status)
	}
}

// TestGrafanaFindsWhatIsProvisioned checks what no local Grafana can: its files are where its settings say, and name what
// is there.
func TestGrafanaFindsWhatIsProvisioned(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	s := c.services["grafana"]
	home := c.local(s, fmt.Sprint(s.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]))
	b, err := os.ReadFile(home)
	if err != nil {
		t.Errorf("the home dashboard: %v", err)
	}
	var provider struct {
		Providers []struct {
			Options struct {
				Path string `yaml:"path"`
			} `yaml:"options"`
		} `yaml:"providers"`
	}
	readYAML(t, "grafana/provisioning/dashboards/complaints.yml", &provider)
	if path := provider.Providers[0].Options.Path; !strings.HasPrefix(home, c.local(s, path)+"/") {
		t.Errorf("dashboards are looked for in %s, and the home dashboard is %s", path, home)
	}
	var sources struct {
		Datasources []struct {
			UID string `yaml:"uid"`
			URL string `yaml:"url"`
		} `yaml:"datasources"`
	}
	readYAML(t, "grafana/provisioning/datasources/prometheus.yml", &sources)
	if url := sources.Datasources[0].URL; url != "http://prometheus:9090" {
		t.Errorf("the data source is %s, want the service prometheus", url)
	}
	for _, uid := range regexp.MustCompile(`"type": "prometheus",\s*"uid": "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
		if uid[1] != sources.Datasources[0].UID {
			t.Errorf("the dashboard asks the data source %s, which is not provisioned", uid[1])
		}
	}
}
