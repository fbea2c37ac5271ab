package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"complaints/schema"
)

// Labels publishes what people say of complaints.
type Labels interface {
	// Publish returns when all labels are acknowledged, or says why not all are. A
	// label that is published twice is the same label, so whoever asked may ask again.
	Publish(ctx context.Context, labels []schema.Label) error
}

// memberLabels is the member of a request, and wantedLabels its shape.
const (
	memberLabels = "labels"
	wantedLabels = `{"labels": [{"complaint_id": "…", "category": "…", "labelled_by": "…"}]}`
)

// labelResult is the answer to one label.
type labelResult struct {
	ComplaintID *string     `json:"complaint_id"` // null where the label has none
	Published   bool        `json:"published"`
	Error       *labelFault `json:"error,omitempty"`
}

// labelFault says why a label was not published.
type labelFault struct {
	Type   string `json:"type"`
	Detail string `json:"detail"`
}

// label answers POST /v1/labels.
func (a *API) label(w http.ResponseWriter, r *http.Request) *problem {
	if a.cfg.Labels == nil {
		return newProblem(http.StatusNotFound, "no-labels", "No labels",
			"this process takes no labels: others than its own machine reach it, and it asks for no token (--http-token)")
	}
	if !a.concurrency.enter() {
		return busy("too many requests are in flight")
	}
	defer a.concurrency.leave()
	if p := jsonOnly(r); p != nil {
		return p
	}
	model := a.cfg.Models.Current()
	if model == nil {
		return noModel()
	}
	var m request
	if p := m.read(r, a.limits.RequestBytes); p != nil {
		return p
	}
	values, p := labelValues(m.body, a.limits.Texts)
	if p != nil {
		return p
	}
	labels, results := completeLabels(values, model.Taxonomy(), time.Now())
	ctx, cancel := context.WithTimeout(r.Context(), a.limits.Time/2) // the rest is for reading and answering
	defer cancel()
	if p := a.publish(ctx, labels); p != nil {
		return p
	}
	a.metrics.labels.WithLabelValues(labelRefused).Add(float64(len(results) - len(labels)))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"results": results}) //nolint:errchkjson // the client may have gone; there is nobody to tell
	return nil
}

// publish publishes labels, all or as good as none: after an error the client sends all again.
func (a *API) publish(ctx context.Context, labels []schema.Label) *problem {
	if len(labels) == 0 {
		return nil
	}
	if err := a.cfg.Labels.Publish(ctx, labels); err != nil {
		a.metrics.labels.WithLabelValues(labelFailed).Add(float64(len(labels)))
		a.cfg.Logger.Warn("labels are not acknowledged", "labels", len(labels), "err", err)
		return newProblem(http.StatusServiceUnavailable, "not-published", "Not published",
			"Kafka has not acknowledged all labels; send the request again, a label that comes twice counts once").with("Retry-After", "5")
	}
	a.metrics.labels.WithLabelValues(labelPublished).Add(float64(len(labels)))
	return nil
}

// completeLabels reads labels. What is missing of who and what is not guessed; when
// and where it was said are now and here unless the label says so.
func completeLabels(values [][]byte, taxonomy *schema.Taxonomy, now time.Time) (labels []schema.Label, results []labelResult) {
	for _, value := range values {
		l, err := schema.DecodeNewLabel(value, schema.Label{LabelledAt: schema.TimeOf(now), Source: "api"})
		if err == nil {
			err = l.Complete(taxonomy, now)
		}
		result := labelResult{Published: err == nil}
		if l.ComplaintID != "" {
			result.ComplaintID = &l.ComplaintID
		}
		if err == nil {
			labels = append(labels, l)
		} else {
			result.Error = &labelFault{problemType + "bad-label", err.Error()}
		}
		results = append(results, result)
	}
	return labels, results
}

// labelValues reads the list of labels of a request, each as it stands.
func labelValues(body []byte, limit int) (values [][]byte, wrong *problem) {
	seen := false
	refuse := func(d *schema.Decoder, p *problem) error {
		if wrong == nil {
			wrong = p
		}
		return d.Skip()
	}
	err := schema.DecodeObject(body, func(d *schema.Decoder, name string) error {
		switch {
		case name != memberLabels:
			return refuse(d, unusable("unknown-field", "Unknown field", shorten(name, 40)+" is unknown, want "+wantedLabels).in(shorten(name, 40)))
		case seen:
			return refuse(d, unusable("repeated-field", "Repeated field", memberLabels+" is there twice").in(memberLabels))
		case d.Kind() != "array":
			seen = true
			return refuse(d, unusable("wrong-type", "Wrong type", memberLabels+" is a JSON "+d.Kind()+", want "+wantedLabels).in(memberLabels))
		}
		seen = true
		return d.List(func(d *schema.Decoder) error {
			value, err := d.JSON()
			values = append(values, value)
			return err
		})
	})
	switch {
	case err != nil:
		return nil, brokenRequest(body, err, wantedLabels)
	case wrong != nil:
		return nil, wrong
	case len(values) == 0:
		return nil, unusable("no-labels", "No labels", "there is no label, want "+wantedLabels).in(memberLabels)
	case len(values) > limit:
		return nil, newProblem(http.StatusUnprocessableEntity, "too-many-labels", "Too many labels",
			"there are %d labels, more than %d, the limit; send several requests", len(values), limit).in(memberLabels)
	}
	return values, nil
}
