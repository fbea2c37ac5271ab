//go:build servers

package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"complaints/deploy/servers"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// browser opens a window of this width, in light or dark.
func browser(t *testing.T, width int64, scheme string) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(servers.Browser(t)),
		chromedp.NoSandbox, // tests may run as root, where the sandbox does not start
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	alloc, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	// The first call starts the browser, which a time limit would end with it.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900, chromedp.EmulateScale(1))); err != nil {
		t.Fatal(err)
	}
	ctx, cancelTime := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancelTime)
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// The page asks for nothing else, is as wide as the window, and everybody can read it.
func TestReportInABrowser(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.html")
	if _, err := runArgs(t, "report", "--data", "../producer/sample/complaints.csv.gz", "--out", file); err != nil {
		t.Fatal(err)
	}
	for name, view := range map[string]struct {
		width  int64
		scheme string
	}{"desktop": {1280, "light"}, "phone": {390, "light"}, "phone-dark": {390, "dark"}, "desktop-dark": {1280, "dark"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := browser(t, view.width, view.scheme)
			err := chromedp.Listen(ctx, func(event any) {
				if e, ok := event.(*network.EventRequestWillBeSent); ok && e.Request.URL != "file://"+file {
					t.Errorf("the page asks for %s", e.Request.URL)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := chromedp.Do(ctx, chromedp.Navigate("file://"+file)); err != nil {
				t.Fatal(err)
			}
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`))
			if err != nil || wide {
				t.Errorf("wider than the window: %t, error %v", wide, err)
			}
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			servers.Artifact(t, "report-"+name+".png", picture)
			if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](servers.Axe(t))); err != nil {
				t.Fatal(err)
			}
			faults, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](
				`axe.run().then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html + " " + n.failureSummary)))`, chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range faults {
				t.Error(f)
			}
		})
	}
}
