//go:build servers

package deploy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"complaints/deploy/servers"

	"go.yaml.in/yaml/v3"
)

// manifest is a resource of the chart, as far as a test runs it.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string // of a ConfigMap
	Spec     struct {
		Replicas    int
		Template    struct{ Spec podSpec }
		JobTemplate struct {
			Spec struct{ Template struct{ Spec podSpec } }
		} `yaml:"jobTemplate"`
	}
}

type podSpec struct {
	Volumes []struct {
		Name      string
		ConfigMap struct{ Name string } `yaml:"configMap"`
		Secret    struct {
			SecretName string `yaml:"secretName"`
			Items      []struct{ Key, Path string }
		}
	}
	Containers []struct {
		Name, Image  string
		Args         []string
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
		Env []struct {
			Name, Value string
			ValueFrom   struct {
				FieldRef struct {
					FieldPath string `yaml:"fieldPath"`
				} `yaml:"fieldRef"`
			} `yaml:"valueFrom"`
		}
		ReadinessProbe struct {
			HTTPGet struct{ Path string } `yaml:"httpGet"`
		} `yaml:"readinessProbe"`
	}
}

// chartEnv is a test environment that runs the pods of the Helm chart as plain processes: commands, environment and mounted files are the manifests', below a
// directory instead of /etc/complaints.
type chartEnv struct {
	t         *testing.T
	manifests []manifest
	secrets   map[string]string // name/key → content
	addresses []string          // old and new, for the settings
}

func readChart(t *testing.T, values string) *chartEnv {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(servers.Cache(t), "bin", "helm"), "template", "complaints", "helm", "--values", values)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("helm template with %s: %v (`make helm` brings helm)", values, err)
	}
	c := &chartEnv{t: t, secrets: map[string]string{}}
	documents := yaml.NewDecoder(bytes.NewReader(out))
	for {
		var m manifest
		if err := documents.Decode(&m); err == io.EOF { //nolint:errorlint // as yaml gives it
			return c
		} else if err != nil {
			t.Fatalf("%s: %v", values, err)
		}
		c.manifests = append(c.manifests, m)
	}
}

// pod is one container of the chart as a command and its environment.
type pod struct {
	name, kind string
	command    []string
	env        []string
	ready      string // path of its readiness probe
	settings   string // the mounted file
}

// pods are all that the chart starts, each replica for itself.
func (c *chartEnv) pods() (all []pod) {
	c.t.Helper()
	for _, m := range c.manifests {
		spec := m.Spec.Template.Spec
		if m.Kind == "CronJob" {
			spec = m.Spec.JobTemplate.Spec.Template.Spec
		} else if m.Kind != "StatefulSet" && m.Kind != "Deployment" {
			continue
		}
		for n := range max(1, m.Spec.Replicas) {
			all = append(all, c.pod(fmt.Sprintf("%s-%d", m.Metadata.Name, n), m.Kind, spec))
		}
	}
	return all
}

func (c *chartEnv) pod(name, kind string, spec podSpec) pod {
	c.t.Helper()
	root := c.t.TempDir()
	container := spec.Containers[0]
	inside := strings.NewReplacer(append([]string{"/etc/complaints", root}, c.addresses...)...)
	p := pod{name: name, kind: kind, ready: container.ReadinessProbe.HTTPGet.Path}
	for _, mount := range container.VolumeMounts {
		dir := inside.Replace(mount.MountPath)
		for _, volume := range spec.Volumes {
			switch {
			case volume.Name != mount.Name:
			case volume.ConfigMap.Name != "":
				p.settings = inside.Replace(c.configMap(volume.ConfigMap.Name))
				c.write(filepath.Join(dir, "config.yaml"), p.settings)
			default:
				for _, item := range volume.Secret.Items {
					c.write(filepath.Join(dir, item.Path), c.secrets[volume.Secret.SecretName+"/"+item.Key])
				}
				if len(volume.Secret.Items) == 0 && volume.Secret.SecretName != "" {
					c.write(filepath.Join(dir, "credentials"), c.secrets[volume.Secret.SecretName+"/credentials"])
				}
			}
		}
	}
	for _, e := range container.Env {
		value := inside.Replace(e.Value)
		if e.ValueFrom.FieldRef.FieldPath == "metadata.name" {
			value = name
		}
		p.env = append(p.env, e.Name+"="+value)
	}
	image, _, _ := strings.Cut(container.Image[strings.LastIndex(container.Image, "/")+1:], "@")
	image, _, _ = strings.Cut(image, ":")
	p.command = append([]string{program(c.t, image)}, container.Args...)
	return p
}

func (c *chartEnv) configMap(name string) string {
	for _, m := range c.manifests {
		if m.Kind == "ConfigMap" && m.Metadata.Name == name {
			return m.Data["config.yaml"]
		}
	}
	c.t.Errorf("there is no ConfigMap %s", name)
	return ""
}

func (c *chartEnv) write(file, content string) {
	c.t.Helper()
	if content == "" {
		content = "made-up"
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// TestProgramsTakeTheChartsSettings gives each container of each set of values to its program, which reads the mounted files and
// prints the settings that hold.
func TestProgramsTakeTheChartsSettings(t *testing.T) {
	t.Parallel()
	sets, err := filepath.Glob("helm/values/*.yaml")
	if err != nil || len(sets) < 5 {
		t.Fatalf("%d sets of values, %v", len(sets), err)
	}
	for _, values := range sets {
		t.Run(filepath.Base(values), func(t *testing.T) {
			t.Parallel()
			pods := readChart(t, values).pods()
			if len(pods) < 3 {
				t.Errorf("the chart starts %d pods", len(pods))
			}
			for _, p := range pods {
				var given, held map[string]any
				printed := foreground(t, p.env, append(slices.Clone(p.command), "--print-config")...)
				if err := yaml.Unmarshal([]byte(printed), &held); err != nil {
					t.Fatalf("%s printed %s: %v", p.name, printed, err)
				}
				if err := yaml.Unmarshal([]byte(p.settings), &given); err != nil || len(given) == 0 {
					t.Fatalf("%s: the settings are %q: %v", p.name, p.settings, err)
				}
				for name, value := range given {
					if got := held[name]; fmt.Sprint(got) != fmt.Sprint(value) && !strings.Contains(fmt.Sprint(value), "m") { // 10m is 10m0s
						t.Errorf("%s: %s is %v, want %v", p.name, name, got, value)
					}
				}
			}
		})
	}
}

// TestChartRunsAsPlainProcesses starts what the chart starts with the small set of values: consumers, both servers and the job of
// the trainer, on a real broker and an S3 server. The sample then stands in the lake, each complaint once.
func TestChartRunsAsPlainProcesses(t *testing.T) {
	t.Parallel()
	kafka, s3 := servers.Kafka(t), servers.VersityGW(t)
	s3.CreateBucket(t, "complaints")
	c := readChart(t, "helm/values/small.yaml")
	c.addresses = []string{"kafka:9092", kafka.Brokers[0], "http://s3:7070", s3.URL}
	c.secrets["s3-credentials/credentials"] = fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", s3.AccessKey, s3.SecretKey)
	c.secrets["complaints-api/token"] = "token-of-a-test"

	addresses := map[string]string{}
	var jobs []pod
	for _, p := range c.pods() {
		if p.kind == "CronJob" {
			jobs = append(jobs, p)
			continue
		}
		addr := freeAddr(t)
		addresses[p.name] = addr
		background(t, p.name, append(p.env, "COMPLAINTS_HTTP_ADDR="+addr), p.command...)
		waitFor(t, p.name+" to be ready", func() error { return get(t.Context(), "http://"+addr+p.ready) })
	}
	t.Logf("%s", foreground(t, []string{"COMPLAINTS_BROKERS=" + kafka.Brokers[0]}, program(t, "producer"), "--sample"))
	consumer := c.pods()[slices.IndexFunc(c.pods(), func(p pod) bool { return p.kind == "StatefulSet" })]
	// The settings are those of the role; verify takes from them what it needs.
	t.Logf("%s", foreground(t, consumer.env, consumer.command[0], "verify", "--wait", "2m"))

	for _, server := range []string{"complaints-api-0", "complaints-bulk-0"} {
		want := map[string]int{"complaints-api-0": http.StatusUnauthorized, "complaints-bulk-0": http.StatusOK}[server]
		if got := predicts(t.Context(), addresses[server], ""); got != want {
			t.Errorf("%s answers %d without a token, want %d", server, got, want)
		}
	}
	if got := predicts(t.Context(), addresses["complaints-api-0"], "token-of-a-test"); got != http.StatusOK {
		t.Errorf("the api answers %d with its token", got)
	}
	if len(jobs) != 1 {
		t.Fatalf("there are %d jobs", len(jobs))
	}
	t.Logf("%s", foreground(t, append(jobs[0].env, "LIGHTGBM_LIB="+os.Getenv("LIGHTGBM_LIB")), jobs[0].command...))
}

// predicts asks a server for a prediction and returns the status.
func predicts(ctx context.Context, addr, token string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/predict", body(`{"text": ["A debt collector calls me about a debt that is not mine."]}`))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
