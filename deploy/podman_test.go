//go:build servers

package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"complaints/deploy/servers"
)

// podman builds without a daemon, in a storage of its own.
type podman struct {
	t     *testing.T
	root  string // of the module
	store []string
}

func newPodman(t *testing.T) *podman {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &podman{t: t, root: root, store: []string{"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run")}}
	t.Cleanup(func() {
		// Mounted images and their layers would keep the directory from being removed.
		for _, args := range [][]string{{"image", "unmount", "--all", "--force"}, {"rmi", "--all", "--force"}} {
			if out, err := p.command(context.Background(), args...).CombinedOutput(); err != nil {
				t.Logf("podman %v: %v\n%s", args, err, out)
			}
		}
	})
	return p
}

func (p *podman) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "podman", append(slices.Clone(p.store), args...)...)
	cmd.Dir = p.root
	return cmd
}

func (p *podman) output(args ...string) string {
	p.t.Helper()
	cmd := p.command(p.t.Context(), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("podman %v: %v (make debian brings podman)\n%s", args, err, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// importBases makes the base images: one to build in, into which the machine's programs are mounted at build time, and
// two to run in, which hold what the distroless images do.
func (p *podman) importBases() {
	script := `
set -eu
mkdir -p build run/etc/ssl/certs run/tmp run/proc run/dev run/usr/share cc
for d in bin sbin lib lib64; do cp -a /$d build/ 2>/dev/null || true; done   # links into /usr
mkdir -p build/usr build/etc build/tmp build/proc build/dev build/root build/go build/wheels
cp -a /etc/passwd /etc/group /etc/ssl /etc/ld.so.cache build/etc/
printf 'root:x:0:0::/:\nnonroot:x:65532:65532::/home/nonroot:\n' > run/etc/passwd
cp -L /etc/ssl/certs/ca-certificates.crt run/etc/ssl/certs/
chmod 1777 run/tmp build/tmp
cp -a run/. cc/
for lib in $(ldd "$LIGHTGBM_LIB" | grep -o '/[^ ]*'); do mkdir -p "cc$(dirname "$lib")"; cp -L "$lib" "cc$lib"; done
`
	dir := p.t.TempDir()
	cmd := exec.CommandContext(p.t.Context(), "sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LIGHTGBM_LIB="+filepath.Join(servers.Cache(p.t), "lightgbm", "lightgbm", "lib", "lib_lightgbm.so"))
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("copy the machine's root file system: %v\n%s", err, out)
	}
	for name, changes := range map[string][]string{
		"build": {
			"ENV PATH=" + os.Getenv("PATH"), "ENV GOMODCACHE=/go/mod", "ENV GOCACHE=/go/build", "ENV GOFLAGS=" + os.Getenv("GOFLAGS"),
			"ENV PIP_FIND_LINKS=/wheels", "ENV PIP_NO_INDEX=1",
		},
		"run": nil,
		"cc":  nil,
	} {
		tar := filepath.Join(dir, name+".tar")
		if out, err := exec.CommandContext(p.t.Context(), "tar", "-C", filepath.Join(dir, name), "-cf", tar, ".").CombinedOutput(); err != nil {
			p.t.Fatalf("pack %s: %v\n%s", name, err, out)
		}
		args := []string{"import", "--quiet"}
		for _, c := range changes {
			args = append(args, "--change", c)
		}
		p.output(append(args, tar, "localhost/"+name)...)
	}
}

// image is what `podman image inspect` says, and where it is mounted.
type image struct {
	Size   int64 `json:"Size"`
	Config struct {
		User         string              `json:"User"`
		Env          []string            `json:"Env"`
		Entrypoint   []string            `json:"Entrypoint"`
		ExposedPorts map[string]struct{} `json:"ExposedPorts"`
		Labels       map[string]string   `json:"Labels"`
	} `json:"Config"`
	Healthcheck struct {
		Test []string `json:"Test"`
	} `json:"Healthcheck"`
	target string
	dir    string
	sample string // a complaint file that is copied into /tmp
}

// build makes one stage, as `docker build` would, and mounts it.
func (p *podman) build(target string) *image {
	p.t.Helper()
	goEnv := func(name string) string {
		out, err := exec.CommandContext(p.t.Context(), "go", "env", name).Output()
		if err != nil {
			p.t.Fatalf("go env %s: %v", name, err)
		}
		return strings.TrimSpace(string(out))
	}
	args := []string{
		"build", "--quiet", "--format", "docker", "--isolation", "chroot", "--network", "host",
		"--volume", "/usr:/usr:ro", "--volume", goEnv("GOROOT") + ":" + goEnv("GOROOT") + ":ro",
		"--volume", goEnv("GOMODCACHE") + ":/go/mod", "--volume", goEnv("GOCACHE") + ":/go/build",
		"--volume", filepath.Join(servers.Cache(p.t), "lightgbm") + ":/wheels:ro",
		"--build-arg", "GO_IMAGE=localhost/build", "--build-arg", "PYTHON_IMAGE=localhost/build",
		"--build-arg", "STATIC_IMAGE=localhost/run", "--build-arg", "CC_IMAGE=localhost/cc",
		"--build-arg", "VERSION=" + stampedVersion, "--build-arg", "REVISION=0123abc", "--build-arg", "SOURCE=https://example.org/complaints",
	}
	if prefix := pythonPrefix(p.t); !strings.HasPrefix(prefix, "/usr/") {
		args = append(args, "--volume", prefix+":"+prefix+":ro")
	}
	if target != "" {
		args = append(args, "--target", target)
	}
	id := p.output(append(args, ".")...)
	var inspected []*image
	if err := json.Unmarshal([]byte(p.output("image", "inspect", id)), &inspected); err != nil || len(inspected) != 1 {
		p.t.Fatalf("inspect image %s: %v", id, err)
	}
	img := inspected[0]
	img.target, img.dir, img.sample = target, p.output("image", "mount", id), filepath.Join(p.root, "producer", "sample", "complaints.csv.gz")
	return img
}

func pythonPrefix(t *testing.T) string {
	out, err := exec.CommandContext(t.Context(), "python3", "-c", "import sys; print(sys.base_prefix)").Output()
	if err != nil {
		t.Fatalf("ask Python where it is: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// checkConfig holds the image to what the services and the compose file rely on.
func (i *image) checkConfig(t *testing.T) {
	if i.Config.User != "65532:65532" {
		t.Errorf("user %q, want 65532:65532", i.Config.User)
	}
	program := "/" + i.target
	if i.target == "" {
		program = "/consumer"
		if _, ok := i.Config.ExposedPorts["8000/tcp"]; !ok {
			t.Errorf("ports %v, want 8000", i.Config.ExposedPorts)
		}
		if !slices.Contains(i.Config.Env, "COMPLAINTS_ROLES=api") {
			t.Errorf("environment %v, want the role api alone", i.Config.Env)
		}
	}
	if !slices.Equal(i.Config.Entrypoint, []string{program}) {
		t.Errorf("entry point %v, want %s", i.Config.Entrypoint, program)
	}
	if program == "/consumer" && !slices.Equal(i.Healthcheck.Test, []string{"CMD", "/consumer", "healthcheck"}) {
		t.Errorf("health check %v", i.Healthcheck.Test)
	}
	for annotation, want := range map[string]string{"title": "complaints " + program[1:], "version": stampedVersion, "revision": "0123abc", "source": "https://example.org/complaints", "licenses": "Apache-2.0"} {
		if got := i.Config.Labels["org.opencontainers.image."+annotation]; got != want {
			t.Errorf("the image's label %s is %q, want %q", annotation, got, want)
		}
	}
	var out bytes.Buffer
	if err := i.run(t.Context(), &out, i.Config.Env, program, "--version"); err != nil || strings.TrimSpace(out.String()) != stampedVersion {
		t.Errorf("--version: %v, %q, want %s", err, out.String(), stampedVersion)
	}
	info, err := os.Stat(filepath.Join(i.dir, program))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("size: the program %.1f MB, the image on this base %.1f MB", float64(info.Size())/1e6, float64(i.Size)/1e6)
}

// enter runs its arguments as a container engine would: own mounts, read only but for /tmp, the image's user.
const enter = `
root=$1 sample=$2; shift 2
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
cp "$sample" "$root/tmp/sample.csv.gz"
exec chroot --userspec=65532:65532 "$root" "$@"`

func (i *image) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "unshare", append([]string{"--mount", "sh", "-euc", enter, "enter", i.dir, i.sample}, args...)...)
	// The engine gives a container the image's environment and no other.
	cmd.Env = env
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (i *image) run(ctx context.Context, out io.Writer, env []string, args ...string) error {
	cmd := i.command(ctx, env, args...)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd.Run()
}

type running struct {
	cmd *exec.Cmd
	log bytes.Buffer // read it after stop
}

// start runs the entry point until stop or the end of the test.
func (i *image) start(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	r := &running{cmd: i.command(context.Background(), env, append(slices.Clone(i.Config.Entrypoint), args...)...)}
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.cmd.ProcessState == nil {
			_ = r.cmd.Process.Kill()
			_ = r.cmd.Wait()
			t.Logf("%s", r.log.String())
		}
	})
	return r
}

func (r *running) stop() error {
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return r.cmd.Wait()
}

func waitFor(t *testing.T, what string, done func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := done()
		if err == nil {
			return
		}
		var exit *exec.ExitError
		if time.Now().After(deadline) || !errors.As(err, &exit) && t.Context().Err() != nil {
			t.Fatalf("waited in vain for %s: %v", what, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
