//go:build servers

package servers

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Page is what a browser made of a page.
type Page struct {
	DOM        string // as HTML, after its scripts ran
	Screenshot string // path of a PNG in the test's temporary directory
}

// Chromium opens a page in a browser window of this size without a screen, lets its scripts run for some seconds of
// the page's own time, and gives what it then shows.
func Chromium(tb testing.TB, url string, width, height int) Page {
	tb.Helper()
	binary := installed(tb, "chromium")
	dir := tb.TempDir()
	picture := filepath.Join(dir, "page.png")
	chromium(tb, binary, dir, width, height, "--screenshot="+picture, url)
	return Page{DOM: chromium(tb, binary, dir, width, height, "--dump-dom", url), Screenshot: picture}
}

// chromium runs the browser once and gives its standard output. Most of the flags keep it from asking hosts of its maker.
func chromium(tb testing.TB, binary, dir string, width, height int, args ...string) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--virtual-time-budget=10000", "--user-data-dir=" + filepath.Join(dir, "profile"),
		fmt.Sprintf("--window-size=%d,%d", width, height),
	}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// What the browser started may keep its output open for longer than the browser lives.
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		tb.Fatalf("chromium %q: %v\n%s", args, err, stderr.Bytes())
	}
	return stdout.String()
}
