// Package bureau asks the search API of the US Consumer Financial Protection
// Bureau for complaints, page by page in the order they were received.
//
// In comes a day; out come the complaints received since. [Window] remembers
// which were published, so that the next run can ask for some days again (the
// Bureau publishes late) and publish nothing twice. A crash loses what was not
// saved of it, which is then asked for and published again under the same ids.
package bureau

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"complaints/internal/complaintfile"
	"complaints/schema"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

// Config says how to ask.
type Config struct {
	URL       string
	PageSize  int           // complaints a request
	Pause     time.Duration // from one request to the next
	UserAgent string
	Backoff   Backoff
	Logger    *slog.Logger
}

// Client asks the API. One goroutine uses it.
type Client struct {
	cfg  Config
	http http.Client
	pace *rate.Limiter
}

// maxPageBytes bounds an answer; a complaint has 1 to 35 KB.
const maxPageBytes = 128 << 20

// New returns a client that has asked nothing yet.
func New(cfg Config) *Client {
	// A page takes the Bureau seconds; one that takes minutes is a connection that hangs.
	return &Client{cfg: cfg, http: http.Client{Timeout: 3 * time.Minute}, pace: rate.NewLimiter(rate.Every(cfg.Pause), 1)}
}

// Hit is a complaint of a page.
type Hit struct {
	Complaint schema.Complaint
	Dropped   []string // fields whose value is left out: it is no date, or no text
	Err       error    // it cannot be read
}

// Cursor says after which complaint a page begins; the zero value is the start.
type Cursor string

// Page is a part of the answer.
type Page struct {
	Hits  []Hit  // none: the answer is over
	Next  Cursor // of the page behind this one
	Total int64  // complaints since the day that was asked for
}

// answer is what the API says, in the shape of OpenSearch.
type answer struct {
	Hits *struct {
		Total json.RawMessage `json:"total"` // a number, or an object with one
		Hits  []hit           `json:"hits"`
	} `json:"hits"`
}

type hit struct {
	ID     json.RawMessage   `json:"_id"`
	Source json.RawMessage   `json:"_source"`
	Sort   []json.RawMessage `json:"sort"`
}

// Page asks for the complaints with a narrative that were received on a day
// (YYYY-MM-DD) or later and stand behind the cursor. Overload, faults of the
// server and cut answers are asked for again.
func (c *Client) Page(ctx context.Context, since string, after Cursor) (Page, error) {
	q := url.Values{
		"field":             {"all"},
		"size":              {strconv.Itoa(c.cfg.PageSize)},
		"sort":              {"created_date_asc"},
		"date_received_min": {since},
		"has_narrative":     {"true"},
		"no_aggs":           {"true"},
		"no_highlight":      {"true"},
	}
	if after != "" {
		// frm would not do: the API hands it to no query. Its own pages go by search_after too.
		q.Set("search_after", string(after))
	}
	body, err := c.get(ctx, q)
	if err != nil {
		return Page{}, fmt.Errorf("ask the search API for complaints since %s: %w", since, err)
	}
	page, err := body.page()
	if err == nil && len(page.Hits) > 0 && page.Next == after {
		err = fmt.Errorf("the page behind %s ends at %s again", after, page.Next)
	}
	if err != nil {
		return Page{}, fmt.Errorf("the search API's answer on complaints since %s: %w", since, err)
	}
	return page, nil
}

func (a *answer) page() (Page, error) {
	page := Page{Total: total(a.Hits.Total)}
	for _, h := range a.Hits.Hits {
		page.Hits = append(page.Hits, h.decode())
	}
	if len(page.Hits) == 0 {
		return page, nil
	}
	var err error
	page.Next, err = a.Hits.Hits[len(a.Hits.Hits)-1].cursor()
	return page, err
}

func (h hit) decode() Hit {
	if h.Source == nil {
		return Hit{Err: fmt.Errorf("hit %.40s has no _source", h.ID)}
	}
	c, dropped, err := complaintfile.DecodeJSON(h.Source)
	if c.ComplaintID == "" {
		c.ComplaintID = strings.Trim(string(h.ID), `"`)
	}
	return Hit{c, dropped, err}
}

// cursor is the hit's sort values, a time in milliseconds and an id, joined as
// search_after wants them. _meta.break_points holds the same, but not for pages
// larger than a few hundred.
func (h hit) cursor() (Cursor, error) {
	if len(h.Sort) != 2 {
		return "", fmt.Errorf("hit %.40s has %d sort values, want the day and the id", h.ID, len(h.Sort))
	}
	return Cursor(string(h.Sort[0]) + "_" + strings.Trim(string(h.Sort[1]), `"`)), nil
}

// total reads hits.total, which older versions give as a number.
func total(raw json.RawMessage) int64 {
	var object struct {
		Value int64 `json:"value"`
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n
	}
	_ = json.Unmarshal(raw, &object) // it is shown, nothing depends on it
	return object.Value
}

// get asks until there is an answer, as long as asking again may help.
func (c *Client) get(ctx context.Context, q url.Values) (*answer, error) {
	attempt := 0
	a, err := backoff.Retry(ctx, func() (*answer, error) {
		if err := c.pace.Wait(ctx); err != nil {
			return nil, backoff.Permanent(err)
		}
		attempt++
		a, err := c.once(ctx, q)
		if _, passes := errors.AsType[*fault](err); err != nil && !passes {
			err = backoff.Permanent(err)
		}
		return a, err
	}, c.cfg.Backoff.options(func(err error, wait time.Duration) {
		c.cfg.Logger.Warn("the search API did not answer, asking again", "attempt", attempt, "wait", wait.Round(time.Millisecond), "err", err)
	})...)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("after %d attempts: %w", attempt, err)
	}
	return a, err
}

// once asks once. A *fault may pass.
func (c *Client) once(ctx context.Context, q url.Values) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.cfg.URL+"?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &fault{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPageBytes+1))
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout || resp.StatusCode >= 500:
		return nil, &fault{fmt.Errorf("status %s: %.200q", resp.Status, body), retryAfter(resp.Header, time.Now())}
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("status %s: %.300q", resp.Status, body)
	case err != nil:
		return nil, &fault{err: fmt.Errorf("after %d bytes: %w", len(body), err)}
	case len(body) > maxPageBytes:
		return nil, fmt.Errorf("a page of more than %d bytes: ask for less by --api-page", maxPageBytes)
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, &fault{err: fmt.Errorf("%d bytes of %s: %w", len(body), resp.Header.Get("Content-Type"), err)}
	}
	if a.Hits == nil {
		// The answer is not shown: it may hold texts.
		return nil, &fault{err: fmt.Errorf("no hits in %d bytes of %s", len(body), resp.Header.Get("Content-Type"))}
	}
	return &a, nil
}
