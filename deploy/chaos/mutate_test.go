package chaos

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A mutation is a patch of the folder mutations that takes a guarantee out of the
// program. It is applied to copies of the files that it names, and go build takes
// those instead (-overlay): nothing of it is in the program that ships, nor in the
// working tree.

var patched = regexp.MustCompile(`(?m)^\+\+\+ b/(\S+)$`)

// mutate returns what go build needs to build with a mutation, and the packages
// that it changes.
func mutate(tb testing.TB, patch string) (flags, packages []string) {
	tb.Helper()
	diff, err := filepath.Abs(patch)
	if err != nil {
		tb.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		tb.Fatal(err)
	}
	text, err := os.ReadFile(diff)
	if err != nil {
		tb.Fatal(err)
	}
	scratch, replace := tb.TempDir(), map[string]string{}
	for _, m := range patched.FindAllStringSubmatch(string(text), -1) {
		copyFile(tb, filepath.Join(root, m[1]), filepath.Join(scratch, m[1]))
		replace[filepath.Join(root, m[1])] = filepath.Join(scratch, m[1])
		packages = append(packages, "./"+path.Dir(m[1]))
	}
	apply := exec.Command("git", "apply", diff)
	apply.Dir = scratch
	// Within a repository, git would look for the files at its root.
	apply.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(scratch))
	if out, err := apply.CombinedOutput(); err != nil {
		tb.Fatalf("%s does not apply any more; make it anew from the code as it is: %v\n%s", patch, err, out)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(scratch, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		tb.Fatal(err)
	}
	return []string{"-overlay", file}, packages
}

// copyFile copies a file that is there; a patch may make one.
func copyFile(tb testing.TB, from, to string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		tb.Fatal(err)
	}
	body, err := os.ReadFile(from)
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(to, body, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// build builds packages of the module with flags of its own.
func build(tb testing.TB, args ...string) {
	tb.Helper()
	cmd := exec.Command("go", append([]string{"build", "-tags", "failpoint"}, args...)...)
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// TestMutationsApply wants each patch to fit the code as it is, and the result to compile.
func TestMutationsApply(t *testing.T) {
	patches, err := filepath.Glob("mutations/*.patch")
	if err != nil || len(patches) == 0 {
		t.Fatalf("%d patches, %v", len(patches), err)
	}
	for _, patch := range patches {
		t.Run(strings.TrimSuffix(filepath.Base(patch), ".patch"), func(t *testing.T) {
			flags, packages := mutate(t, patch)
			if len(packages) == 0 {
				t.Fatal("the patch changes no file")
			}
			build(t, append(flags, packages...)...)
		})
	}
}
