//go:build servers

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"complaints/deploy/servers"

	"github.com/chromedp/chromedp"
)

// A file of 200 MB, of equal rows.
const (
	uploadHeader = "id,narrative\n"
	uploadRows   = 200_000
	uploadBytes  = 1000 // a row
)

func uploadRow() string {
	const start = "7,A debt collector keeps calling me at work about a debt that is not mine."
	return start + strings.Repeat(" ", uploadBytes-len(start)-1) + "\n"
}

// Clients that send all before they read get a result a row, at any size.
func TestLargeFileFromPython(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.csv")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	fmt.Fprint(out, uploadHeader)
	for range uploadRows {
		fmt.Fprint(out, uploadRow())
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	s := startWebsite(t, "--roles", "api", "--http-timeout", "10s")
	said, err := exec.CommandContext(t.Context(), servers.PythonWithRequests(t), "testdata/upload.py", s.url+"/v1/predict/file", path).CombinedOutput()
	if want := fmt.Sprintf("%d %[1]d\n", uploadRows); err != nil || string(said) != want {
		t.Errorf("%v: requests got %s, want %s", err, said, want)
	}
}

func TestLargeFileInABrowser(t *testing.T) {
	s := startWebsite(t, "--roles", "api", "--http-timeout", "10s")
	ctx := browser(t, 1280, 900, false)
	act(t, ctx, chromedp.Navigate(s.url+"/docs"))
	script := fmt.Sprintf(`(async () => {
		const file = new Blob([%q, ...Array(%d).fill(%q)]);
		const answer = await fetch("/v1/predict/file", {method: "POST", headers: {"Content-Type": "text/csv"}, body: file});
		const lines = (await answer.text()).split("\n");
		return [file.size, answer.status, lines.filter((line) => line.startsWith('{"prediction":')).length, lines.length - 1].join(" ");
	})()`, uploadHeader, uploadRows, uploadRow())
	got := get(t, ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if want := fmt.Sprintf("%d 200 %d %[2]d", len(uploadHeader)+uploadRows*uploadBytes, uploadRows); got != want {
		t.Errorf("fetch got %q, want %q", got, want)
	}
}
