//go:build servers

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"strings"
	"testing"
	"time"

	"complaints/deploy/servers"
	"complaints/internal/complaintfile"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/twmb/franz-go/pkg/kgo"
)

var pictureMinutes = flag.Int("picture-minutes", 0, "how long the sample is published before pictures of the live page are taken")

// browser opens a page that is as wide as a desk's or a phone's.
func browser(t *testing.T, width, height int64, dark bool) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(servers.Browser(t)),
		chromedp.NoSandbox, // tests may run as root, where the sandbox does not start
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(time.Minute), // many tests may start at once
	)
	alloc, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	// The first call starts the browser, which a time limit would end with it.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(1))); err != nil {
		t.Fatal(err)
	}
	ctx, cancelTime := context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(cancelTime)
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("a script failed: %v", e.ExceptionDetails)
		case *runtime.EventConsoleAPICalled:
			if e.Type == "error" {
				t.Errorf("the console says %v", e.Args)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func act(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) { //nolint:revive // the test comes first in all helpers
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		if picture, pictureErr := chromedp.Run(ctx, chromedp.FullScreenshot(100)); pictureErr == nil {
			servers.Artifact(t, strings.ReplaceAll(t.Name(), "/", "-")+"-failed.png", picture)
		}
		t.Fatal(err)
	}
}

// get is act for an action that returns something.
func get[T any](t *testing.T, ctx context.Context, action chromedp.Action[T]) T { //nolint:revive // the test comes first in all helpers
	t.Helper()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// publishSample publishes complaints of the sample at a rate that changes, so that the live page has something to show.
func (s website) publishSample(t *testing.T, d time.Duration) {
	t.Helper()
	f, err := os.Open("../producer/sample/complaints.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := complaintfile.NewReader(f, "the sample")
	if err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.broker), kgo.DefaultProduceTopic("complaints"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for second := range int(d.Seconds()) {
		for range 2 + second/40%4 {
			row, err := rows.Next()
			if err != nil {
				t.Fatal(err)
			}
			value, err := json.Marshal(row.Complaint)
			if err != nil {
				t.Fatal(err)
			}
			if err := cl.ProduceSync(t.Context(), kgo.SliceRecord(value)).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		<-tick.C
	}
}

// picture keeps what a page shows from one element to the end of another, or to a height.
func picture(t *testing.T, ctx context.Context, name, from, to string, height int) { //nolint:revive // the test comes first in all helpers
	t.Helper()
	place := func(selector, edge string) int {
		return get(t, ctx, chromedp.Evaluate[int](fmt.Sprintf(`Math.round(document.querySelector(%q).getBoundingClientRect().%s + scrollY)`, selector, edge)))
	}
	top := place(from, "top")
	bottom := min(place(to, "bottom"), top+height)
	whole, err := png.Decode(bytes.NewReader(get(t, ctx, chromedp.FullScreenshot(100))))
	if err != nil {
		t.Fatal(err)
	}
	part, ok := whole.(interface {
		SubImage(r image.Rectangle) image.Image
	})
	if !ok {
		t.Fatalf("a picture is a %T", whole)
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, part.SubImage(image.Rect(0, top, whole.Bounds().Dx(), bottom))); err != nil {
		t.Fatal(err)
	}
	servers.Artifact(t, name+".png", out.Bytes())
}

// eventually waits for an expression of the page to be true.
func eventually(expression string) chromedp.Action[chromedp.Void] {
	return chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(100*time.Millisecond), chromedp.WithPollingTimeout(30*time.Second))
}

func TestDocsInABrowser(t *testing.T) {
	s := startWebsite(t, "--roles", "api")
	for name, size := range map[string][2]int64{"desktop": {1280, 900}, "phone": {390, 844}} {
		t.Run(name, func(t *testing.T) {
			ctx := browser(t, size[0], size[1], false)
			act(t, ctx, chromedp.Navigate(s.url+"/docs"),
				chromedp.Click(chromedp.CSS("#operations-predictions-predict .opblock-summary-control")),
				chromedp.Click(chromedp.CSS("#operations-predictions-predict .try-out__btn")),
				chromedp.Click(chromedp.CSS("#operations-predictions-predict .execute")),
				chromedp.WaitVisible(chromedp.CSS("#operations-predictions-predict .live-responses-table .response-col_description pre")),
			)
			if example := get(t, ctx, chromedp.Text(chromedp.CSS(".info"))); !strings.Contains(example, s.url+"/v1/predict/file") {
				t.Errorf("the example does not name %s: %s", s.url, example)
			}
			shown := get(t, ctx, chromedp.Evaluate[string](`document.querySelector("#operations-predictions-predict .live-responses-table pre.microlight, #operations-predictions-predict .live-responses-table .highlight-code pre").innerText`))
			var answer struct {
				Results []struct {
					Prediction string `json:"prediction"`
				} `json:"results"`
			}
			if err := json.Unmarshal([]byte(shown), &answer); err != nil || len(answer.Results) != 3 {
				t.Fatalf("%v: the page shows %s", err, shown)
			}
			for i, want := range []string{"Credit Reporting", "Debt Collection", "Loans"} {
				if got := answer.Results[i].Prediction; got != want {
					t.Errorf("text %d is %q, want %q", i, got, want)
				}
			}
			checkAccessible(t, ctx)
			expand := `document.querySelectorAll(".opblock-summary-control[aria-expanded=false]").forEach((b) => b.click())`
			act(t, ctx, chromedp.Evaluate[chromedp.Void](expand), eventually(`document.querySelectorAll(".opblock.is-open .opblock-body").length === document.querySelectorAll(".opblock").length`),
				chromedp.Click(chromedp.CSS("#operations-predictions-predictFile .try-out__btn")))
			checkAccessible(t, ctx)
			picture(t, ctx, "docs-"+name, "#operations-predictions-predict", "#operations-predictions-predict .live-responses-table .highlight-code", 3000)
		})
	}
}

func TestLivePageInABrowser(t *testing.T) {
	s := startWebsite(t)
	texts := 500 // one in fifty is none
	if *pictureMinutes > 0 {
		texts = 50
		s.publishSample(t, time.Duration(*pictureMinutes)*time.Minute)
	}
	for name, view := range map[string]struct {
		width, height int64
		dark          bool
	}{"desktop": {1280, 900, false}, "desktop-dark": {1280, 900, true}, "phone": {390, 844, false}, "phone-dark": {390, 844, true}} {
		t.Run(name, func(t *testing.T) {
			ctx := browser(t, view.width, view.height, view.dark)
			act(t, ctx, chromedp.Navigate(s.url+"/"), eventually(`document.getElementById("connection").textContent === "Live"`))
			count := `parseInt(document.getElementById("total").textContent.replaceAll(",", ""))`
			before := get(t, ctx, chromedp.Evaluate[int](count))
			s.publish(t, texts)
			act(t, ctx,
				eventually(fmt.Sprintf(count+" === %d", before+texts-texts/50)),
				eventually(`document.getElementById("lag").textContent === "0" && document.getElementById("reasons").textContent.includes("blank text")`),
				eventually(`document.querySelectorAll("#chart rect").length >= 5 && document.querySelectorAll("#latest li strong").length >= 1`),
				// By keyboard alone: to the text, type, to the button, press.
				chromedp.Focus(chromedp.CSS("#text")),
				chromedp.SendKeys(chromedp.CSS("#text"), "A debt collector calls me about a debt that is not mine.\t\r"),
				eventually(`document.querySelector("#answer .verdict")?.textContent.startsWith("Debt Collection")`),
				eventually(`document.querySelector("#details .sides th")?.textContent === "debt"`),
			)
			page := get(t, ctx, chromedp.Text(chromedp.CSS("body")))
			wide := get(t, ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`))
			if strings.Contains(page, "9999") || strings.Contains(page, "example.org") {
				t.Error("the page shows personal data")
			}
			if wide {
				t.Error("the page is wider than the screen")
			}
			checkAccessible(t, ctx)
			picture(t, ctx, "live-"+name, "body", "body", 2000)
		})
	}
}

func checkAccessible(t *testing.T, ctx context.Context) { //nolint:revive // the test comes first in all helpers
	t.Helper()
	type violation struct {
		ID    string `json:"id"`
		Help  string `json:"help"`
		Nodes []struct {
			HTML           string `json:"html"`
			FailureSummary string `json:"failureSummary"`
		} `json:"nodes"`
	}
	act(t, ctx, chromedp.Evaluate[chromedp.Void](servers.Axe(t)))
	violations := get(t, ctx, chromedp.Evaluate[[]violation](`axe.run().then((r) => r.violations)`, chromedp.EvalAwaitPromise))
	for _, v := range violations {
		for _, n := range v.Nodes {
			t.Errorf("%s: %s: %s\n%s", v.ID, v.Help, n.HTML, n.FailureSummary)
		}
	}
}

// With a token the page asks for it, and works once it has it; so does the documentation.
func TestTokenInABrowser(t *testing.T) {
	s := startWebsite(t, "--roles", "api", "--http-token", "secret")
	ctx := browser(t, 1280, 900, false)
	act(t, ctx, chromedp.Navigate(s.url+"/"),
		chromedp.WaitVisible(chromedp.CSS("#token")),
		chromedp.SendKeys(chromedp.CSS("#token"), "secret\r"),
		eventually(`document.getElementById("connection").textContent === "Live" && document.getElementById("login").hidden`),
		chromedp.Navigate(s.url+"/docs"), chromedp.Click(chromedp.CSS(".btn.authorize")), chromedp.WaitVisible(chromedp.CSS(".auth-container input")))
	checkAccessible(t, ctx)
	act(t, ctx, chromedp.SendKeys(chromedp.CSS(".auth-container input"), "secret\r"), chromedp.Click(chromedp.CSS(".btn-done")),
		chromedp.Click(chromedp.CSS("#operations-predictions-predict .opblock-summary-control")),
		chromedp.Click(chromedp.CSS("#operations-predictions-predict .try-out__btn")),
		chromedp.Click(chromedp.CSS("#operations-predictions-predict .execute")),
		eventually(`document.querySelector("#operations-predictions-predict .live-responses-table .highlight-code")?.innerText.includes("Debt Collection")`),
	)
}

// A page that stands still says when nothing comes any more, and pressing the button does not make it live.
func TestLostConnectionInABrowser(t *testing.T) {
	s := startWebsite(t, "--roles", "api")
	ctx := browser(t, 1280, 900, false)
	says := func(text string) chromedp.Action[chromedp.Void] {
		return eventually(fmt.Sprintf(`document.getElementById("connection").textContent.startsWith(%q)`, text))
	}
	act(t, ctx, chromedp.Navigate(s.url+"/"), says("Live"), chromedp.Click(chromedp.CSS("#pause")), says("Paused"))
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	act(t, ctx, says("Connection lost"), chromedp.Click(chromedp.CSS("#pause")))
	if text := get(t, ctx, chromedp.Evaluate[string](`document.getElementById("connection").textContent`)); !strings.HasPrefix(text, "Connection lost") {
		t.Errorf("without a connection the page says %q", text)
	}
}
