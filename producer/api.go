package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"complaints/producer/bureau"
	"complaints/schema"
)

// apiPublisher publishes what the Bureau's API has. One goroutine uses it.
type apiPublisher struct {
	*app
	client *bureau.Client
	window *bureau.Window
}

func (a *app) publishAPI(ctx context.Context) error {
	window, err := openWindow(a.cfg.Resume)
	if err != nil {
		return err
	}
	since := window.Since(a.cfg.Since, a.cfg.APIOverlap)
	if since == "" {
		return fmt.Errorf("%s remembers no day yet: give --since", a.cfg.Resume)
	}
	p := apiPublisher{app: a, window: window, client: bureau.New(bureau.Config{
		URL: a.cfg.APIURL, PageSize: a.cfg.APIPage, Pause: a.cfg.APIPause,
		UserAgent: "complaints-producer/" + version, Backoff: bureau.DefaultBackoff, Logger: a.log,
	})}
	a.log.Info("asking the search API", "url", a.cfg.APIURL, "since", since)
	return a.ended(ctx, p.run(ctx, since))
}

func (p *apiPublisher) run(ctx context.Context, since string) error {
	for after := bureau.Cursor(""); ; {
		page, err := p.client.Page(ctx, since, after)
		if err != nil || len(page.Hits) == 0 {
			return err
		}
		if err := p.page(ctx, page); err != nil {
			return err
		}
		after = page.Next
	}
}

// page publishes a page and records it once all of it is acknowledged. Of a
// page that broke off, what was acknowledged is recorded; the days it reached
// are asked for again.
func (p *apiPublisher) page(ctx context.Context, page bureau.Page) error {
	var mu sync.Mutex // guards acked
	var acked []*bureau.Hit
	last := ""
	var err error
	for i := range page.Hits {
		h := &page.Hits[i]
		if h.Complaint.ComplaintID == "" {
			h.Complaint.ComplaintID = h.Complaint.DerivedID()
		}
		err = p.hit(ctx, h, func() {
			mu.Lock()
			defer mu.Unlock()
			acked = append(acked, h)
		})
		if err != nil {
			break
		}
		// A day to come is a slip: all until then would count as read.
		if day, ok := schema.ParseDate(h.Complaint.DateReceived); ok && day.Before(time.Now().AddDate(0, 0, 1)) {
			last = max(last, h.Complaint.DateReceived)
		}
	}
	if flushErr := p.pub.flush(); flushErr != nil {
		err = flushErr
	}
	mu.Lock()
	defer mu.Unlock()
	for _, h := range acked {
		p.window.Add(h.Complaint.ComplaintID, h.Complaint.DateReceived)
	}
	if err == nil {
		p.window.Reached(last, p.cfg.APIOverlap)
	}
	return errors.Join(err, saveWindow(p.cfg.Resume, p.window))
}

func (p *apiPublisher) hit(ctx context.Context, h *bureau.Hit, acked func()) error {
	if err := p.pub.full(); err != nil {
		return err
	}
	c := &h.Complaint
	p.counts.read.Add(1)
	switch {
	case h.Err != nil && p.cfg.Strict:
		return fmt.Errorf("%w: complaint %s of the search API: %w", errStrict, c.ComplaintID, h.Err)
	case h.Err != nil:
		if p.counts.broken.Add(1); p.counts.broken.Load() <= maxBrokenLogged {
			p.log.Warn("a complaint of the search API cannot be read", "complaint_id", c.ComplaintID, "err", h.Err)
		}
	case p.window.Has(c.ComplaintID):
		p.counts.seen.Add(1)
	case strings.TrimSpace(c.Narrative) == "":
		p.counts.noNarrative.Add(1)
	default:
		m := encode(c)
		return p.pub.publish(ctx, m.key, m.value, acked)
	}
	return ctx.Err()
}

func openWindow(path string) (*bureau.Window, error) {
	w := bureau.NewWindow()
	if path == "" {
		return w, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--resume: %w", err)
	}
	if err := json.Unmarshal(b, w); err != nil {
		return nil, fmt.Errorf("--resume: %s is no resume file of the API, delete it or name another: %w", path, err)
	}
	return w, nil
}

func saveWindow(path string, w *bureau.Window) error {
	if path == "" {
		return nil
	}
	if err := writeJSON(path, w); err != nil {
		return fmt.Errorf("--resume: %w", err)
	}
	return nil
}
