//go:build servers

package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// moduleRoot is the directory of go.mod: tests run in the directory of their package, somewhere below it.
func moduleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod in %s or above it", start)
		}
	}
}

// inModule gives the path of a file of this repository.
func inModule(tb testing.TB, path ...string) string {
	tb.Helper()
	root, err := moduleRoot()
	if err != nil {
		tb.Fatalf("find the module: %v", err)
	}
	return filepath.Join(append([]string{root}, path...)...)
}

// Cache is the directory that the Makefile fills with servers and tools.
func Cache(tb testing.TB) string {
	tb.Helper()
	if dir := os.Getenv("COMPLAINTS_CACHE"); dir != "" {
		return dir
	}
	return inModule(tb, ".cache")
}

// cached gives the one path in the cache that matches the pattern, and fails the test with the make target that
// brings it if there is none.
func cached(tb testing.TB, target, pattern string) string {
	tb.Helper()
	full := filepath.Join(Cache(tb), filepath.FromSlash(pattern))
	found, err := filepath.Glob(full)
	if err != nil {
		tb.Fatalf("look for %s: %v", full, err)
	}
	if len(found) == 0 {
		tb.Fatalf("%s is missing: run `make %s`", full, target)
	}
	return found[0]
}
