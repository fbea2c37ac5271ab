package api

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"complaints/internal/classifier"
)

// request is the memory of one request with texts, used again.
type request struct {
	body   []byte
	answer []byte
	text   []byte
	texts  textsRequest
}

var requests = sync.Pool{New: func() any { return new(request) }}

// maxPooled is how large the memory of a request may be to be used again.
const maxPooled = 256 << 10

// predict answers POST /v1/predict.
func (a *API) predict(w http.ResponseWriter, r *http.Request) *problem {
	if !a.concurrency.enter() {
		return busy("too many requests are in flight")
	}
	defer a.concurrency.leave()
	if p := jsonOnly(r); p != nil {
		return p
	}
	explain, p := wantsExplanation(r)
	if p != nil {
		return p
	}
	m := requests.Get().(*request) //nolint:forcetypeassert // the pool holds nothing else
	defer func() {
		if cap(m.body) <= maxPooled && cap(m.answer) <= maxPooled {
			requests.Put(m)
		}
	}()
	if p := m.read(r, a.limits.RequestBytes); p != nil {
		return p
	}
	m.texts.limit = a.limits
	if p := m.texts.decode(m.body); p != nil {
		return p
	}
	if n := len(m.texts.texts); explain && n > a.limits.Explained {
		return tooManyToExplain(n, a.limits.Explained)
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.limits.Time)
	defer cancel()
	if p := a.answer(ctx, m, explain); p != nil {
		return p
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(m.answer)))
	_, _ = w.Write(m.answer) // the client may have gone; there is nobody to tell
	return nil
}

// answer predicts each text by itself and writes the results in their order.
func (a *API) answer(ctx context.Context, m *request, explain bool) *problem {
	model := a.cfg.Models.Current()
	if model == nil {
		return noModel()
	}
	worker, err := a.concurrency.work(ctx, model)
	if err != nil {
		return busy("no worker became free in time")
	}
	defer a.concurrency.done(worker)
	m.answer = append(m.answer[:0], `{"results":[`...)
	for i, text := range m.texts.texts {
		if i > 0 {
			m.answer = append(m.answer, ',')
		}
		m.text = append(m.text[:0], text...)
		fields := m.texts.fields[i]
		p := model.PredictWith(m.text, fields, worker.scratch)
		a.metrics.text(model.Taxonomy().CategoryName(p.Category))
		m.answer = append(m.answer, '{')
		m.answer = appendPrediction(m.answer, &p, model)
		if explain {
			e := model.Explain(m.text, fields, p.Category, worker.scratch)
			m.answer = appendExplanation(append(m.answer, `,"explanation":`...), &e)
		}
		m.answer = append(m.answer, '}')
	}
	m.answer = append(m.answer, "]}\n"...)
	return nil
}

// appendPrediction appends the members of a result. The first two are the
// contract of existing clients, in this order.
func appendPrediction(b []byte, p *classifier.Prediction, model *classifier.Classifier) []byte {
	taxonomy := model.Taxonomy()
	b = append(b, `"prediction":`...)
	b = appendText(b, taxonomy.CategoryName(p.Category))
	b = append(b, `,"probability":`...)
	b = appendNumber(b, p.Probability)
	b = append(b, `,"category_code":`...)
	b = strconv.AppendInt(b, int64(p.Category), 10)
	b = append(b, `,"probabilities":{`...)
	for code, probability := range p.Probabilities {
		if code > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, taxonomy.CategoryName(code)), ':')
		b = appendNumber(b, probability)
	}
	b = append(b, `},"needs_review":`...)
	b = strconv.AppendBool(b, p.NeedsReview)
	b = append(b, `,"model_version":`...)
	b = appendText(b, model.Version())
	b = append(b, `,"taxonomy":`...)
	return appendText(b, taxonomy.ID())
}

func appendNumber(b []byte, v float64) []byte { return strconv.AppendFloat(b, v, 'g', -1, 64) }

// read reads the body, no more than limit.
func (m *request) read(r *http.Request, limit int) *problem {
	if r.ContentLength > int64(limit) {
		return tooLarge(limit)
	}
	m.body = m.body[:0]
	if n := int(r.ContentLength) + 1; n > cap(m.body) {
		m.body = make([]byte, 0, n)
	}
	for {
		if len(m.body) == cap(m.body) {
			m.body = append(m.body, 0)[:len(m.body)]
		}
		n, err := r.Body.Read(m.body[len(m.body):cap(m.body)])
		m.body = m.body[:len(m.body)+n]
		switch {
		case len(m.body) > limit:
			return tooLarge(limit)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return newProblem(http.StatusBadRequest, "incomplete", "Incomplete request", "the request ended after %d bytes", len(m.body))
		}
	}
}

// jsonOnly refuses what does not say that it is JSON: a web page of another
// site could send that without asking. Requests are small, so none is unpacked.
func jsonOnly(r *http.Request) *problem {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return newProblem(http.StatusUnsupportedMediaType, "unsupported-media-type", "Unsupported media type",
			"the Content-Encoding is %.80q; send the JSON as it is", coding).with("Accept-Encoding", "identity")
	}
	given := r.Header.Get("Content-Type")
	if given == "application/json" {
		return nil
	}
	kind, params, err := mime.ParseMediaType(given)
	charset := params["charset"]
	if err == nil && kind == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8")) {
		return nil
	}
	return newProblem(http.StatusUnsupportedMediaType, "unsupported-media-type", "Unsupported media type",
		"the Content-Type is %.80q, want application/json", given).with("Accept", "application/json")
}
