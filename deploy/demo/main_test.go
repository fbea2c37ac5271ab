package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDemo runs what make demo runs, in the shell of somebody who works with a real lake.
func TestDemo(t *testing.T) {
	bin, data, theirs := t.TempDir(), filepath.Join(t.TempDir(), "demo"), t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin+"/", "../../consumer", "../../producer")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("COMPLAINTS_LAKE", "file://"+theirs)
	t.Setenv("COMPLAINTS_TOPIC_PREFIX", "theirs.")
	var out bytes.Buffer
	if err := run(context.WithoutCancel(t.Context()), []string{"-bin", bin, "-data", data}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, `{"published":2496,"classified":2495,"dead_lettered":1,"gold_rows":2495,`) {
		t.Errorf("it ends with %s", last)
	}
	if found, err := os.ReadDir(theirs); err != nil || len(found) > 0 {
		t.Errorf("it wrote %v into the lake of the user, %v", found, err)
	}
}
