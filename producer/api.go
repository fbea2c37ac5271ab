package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"complaints/producer/bureau"
	"complaints/schema"
)

// apiPublisher publishes what the Bureau's API has. One goroutine uses it.
type apiPublisher struct {
	*app
	*admission
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
	p := apiPublisher{app: a, admission: a.admission(), window: window, client: bureau.New(bureau.Config{
		URL: a.cfg.APIURL, PageSize: a.cfg.APIPage, Pause: a.cfg.APIPause,
		UserAgent: "complaints-producer/" + version, Backoff: bureau.DefaultBackoff, Logger: a.log,
	})}
	a.log.Info("asking the search API", "url", a.cfg.APIURL, "since", since)
	return a.ended(ctx, p.run(ctx, since))
}

// errNoHits says that the API has nothing for us.
func (p *apiPublisher) errNoHits(since string) error {
	if p.cfg.AllowEmpty {
		return nil
	}
	return fmt.Errorf("%w: the search API has no complaint with a narrative that was received since %s; %s", errNothing, since, noNarratives)
}

func (p *apiPublisher) run(ctx context.Context, since string) error {
	for after := bureau.Cursor(""); ; {
		page, err := p.client.Page(ctx, since, after)
		switch {
		case err != nil:
			return err
		case len(page.Hits) == 0 && p.app.counts.read.Load() == 0:
			return p.errNoHits(since)
		case len(page.Hits) == 0:
			return nil
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
	last, texts := "", false
	var err error
	for i := range page.Hits {
		h := &page.Hits[i]
		err = p.hit(ctx, h, func() {
			mu.Lock()
			defer mu.Unlock()
			acked = append(acked, h)
		})
		if err != nil {
			break
		}
		texts = texts || h.Complaint.Narrative != ""
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
	// Where no complaint has a text, they may come later: the window stays where it is.
	if err == nil && texts {
		p.window.Reached(last, p.cfg.APIOverlap)
	}
	return errors.Join(err, saveWindow(p.cfg.Resume, p.window))
}

func (p *apiPublisher) hit(ctx context.Context, h *bureau.Hit, acked func()) error {
	if err := p.pub.full(); err != nil {
		return err
	}
	c, counts := &h.Complaint, p.app.counts
	counts.read.Add(1)
	switch {
	case h.Err != nil && p.cfg.Strict:
		return fmt.Errorf("%w: complaint %s of the search API: %w", errStrict, shownID(c.ComplaintID), h.Err)
	case h.Err != nil:
		if counts.broken.Add(1); counts.broken.Load() <= maxLogged {
			p.app.log.Warn("a complaint of the search API cannot be read", "complaint_id", shownID(c.ComplaintID), "err", h.Err)
		}
	case p.window.Has(c.ComplaintID):
		counts.seen.Add(1)
	default:
		publish, err := p.admit(c, h.Dropped, "complaint_id", shownID(c.ComplaintID))
		if err != nil || !publish {
			return errors.Join(err, ctx.Err())
		}
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
