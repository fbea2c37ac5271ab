package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Check says whether one thing that the process needs is there. Ready returns
// quickly: it looks at what is known, or gives up with its context.
type Check struct {
	Name  string
	Ready func(ctx context.Context) error
}

// checkTime bounds all checks together; a supervisor waits no longer.
const checkTime = 2 * time.Second

type checkResult struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

// health answers as long as the process can.
func (a *API) health(w http.ResponseWriter, _ *http.Request) *problem {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": a.cfg.Version})
	return nil
}

// ready says whether requests and partitions are welcome here, and why not.
func (a *API) ready(w http.ResponseWriter, r *http.Request) *problem {
	ctx, cancel := context.WithTimeout(r.Context(), checkTime)
	defer cancel()
	answer := struct {
		Ready  bool          `json:"ready"`
		Checks []checkResult `json:"checks"`
	}{Ready: true}
	add := func(c checkResult) {
		answer.Checks = append(answer.Checks, c)
		answer.Ready = answer.Ready && c.OK
	}
	switch {
	case a.cfg.Models.Current() != nil:
		add(checkResult{Name: "model", OK: true})
	case !a.cfg.Supervision: // the role sink needs none
		add(checkResult{"model", false, "none is loaded"})
	}
	for _, c := range a.cfg.Checks {
		if err := c.Ready(ctx); err != nil {
			add(checkResult{c.Name, false, err.Error()})
		} else {
			add(checkResult{Name: c.Name, OK: true})
		}
	}
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, answer)
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // the client may have gone; there is nobody to tell
}
