package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMissingPackages runs deploy/servers/debian, with which `make test` begins, on machines of stand-ins: a folder of programs is
// all that it finds.
func TestMissingPackages(t *testing.T) {
	const packages = "default-jre-headless maven python3-pip python3-venv prometheus podman chromium"
	for _, c := range []struct {
		name      string
		uid       int
		programs  []string
		ok        bool
		says      string
		installed string
	}{
		{"all is there", 1000, []string{"java", "mvn", "python3", "promtool", "podman", "chromium", "apt-get"}, true, "", ""},
		{"root on Debian", 0, []string{"apt-get"}, true, "installing " + packages, packages},
		{"root on Debian, one is missing", 0, []string{"java", "mvn", "python3", "podman", "chromium", "apt-get"}, true, "installing prometheus", "prometheus"},
		{"somebody on Debian", 1000, []string{"apt-get"}, false, "sudo apt-get install " + packages, ""},
		{"another system", 0, []string{"java"}, false, "Prometheus with promtool", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			machine := t.TempDir()
			log := filepath.Join(machine, "installed")
			program := func(name, script string) {
				if err := os.WriteFile(filepath.Join(machine, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range c.programs {
				program(name, "exit 0")
			}
			if c.ok || c.uid != 0 {
				program("apt-get", `[ "$1" = update ] || echo "$@" >> `+log)
			}
			program("id", fmt.Sprint("echo ", c.uid))
			program("uname", "echo Darwin") // whose OpenMP is asked of brew, and whose fonts are not looked for
			program("brew", "echo "+machine)
			for _, name := range []string{"bash", "sh", "env", "dirname", "test"} {
				path, err := exec.LookPath(name)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(path, filepath.Join(machine, name)); err != nil {
					t.Fatal(err)
				}
			}

			cmd := exec.CommandContext(t.Context(), "servers/debian")
			cmd.Env = []string{"PATH=" + machine}
			out, err := cmd.CombinedOutput()
			if (err == nil) != c.ok || !strings.Contains(string(out), c.says) {
				t.Errorf("it ended with %v and said\n%s", err, out)
			}
			installed, _ := os.ReadFile(log) // absent where nothing was installed
			if got := strings.TrimSpace(string(installed)); !strings.HasSuffix(got, c.installed) || (got == "") != (c.installed == "") {
				t.Errorf("apt-get got %q", got)
			}
		})
	}
}
