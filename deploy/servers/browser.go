//go:build servers

package servers

import (
	"os"
	"path/filepath"
	"testing"
)

// Browser is the path of Chromium, for tests that drive it themselves.
func Browser(tb testing.TB) string {
	tb.Helper()
	return installed(tb, "chromium")
}

// Axe is the source of axe-core, which defines axe.run in a page.
func Axe(tb testing.TB) string {
	tb.Helper()
	source, err := os.ReadFile(cached(tb, "axe", "axe/axe.min.js"))
	if err != nil {
		tb.Fatal(err)
	}
	return string(source)
}

// Schemathesis is the path of the program that attacks an API by its description.
func Schemathesis(tb testing.TB) string {
	tb.Helper()
	return cached(tb, "schemathesis", "schemathesis/bin/schemathesis")
}

// PythonWithRequests is the path of a Python that can import requests, which schemathesis brings.
func PythonWithRequests(tb testing.TB) string {
	tb.Helper()
	return cached(tb, "schemathesis", "schemathesis/bin/python")
}

// Artifact keeps what a test made for people to look at.
func Artifact(tb testing.TB, name string, content []byte) {
	tb.Helper()
	path := filepath.Join(Cache(tb), "artifacts", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		tb.Fatal(err)
	}
	tb.Log("kept", path)
}
