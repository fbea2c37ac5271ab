package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
)

// problem is what a client did wrong, or why it gets no answer now, as RFC 9457
// has it. It is an error so that decoders can return it.
type problem struct {
	Type   string `json:"type"` // fixed; what programs decide by
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"` // in the request, such as text[2]
	Index  *int   `json:"index,omitempty"` // of the text, from 0

	header http.Header
}

func (p *problem) Error() string { return p.Title + ": " + p.Detail }

const problemType = "urn:complaints:problem:"

// newProblem makes a problem; kind is the end of its type.
func newProblem(status int, kind, title, format string, args ...any) *problem {
	return &problem{Type: problemType + kind, Title: title, Status: status, Detail: fmt.Sprintf(format, args...)}
}

// in says which field is at fault.
func (p *problem) in(field string) *problem {
	p.Field = field
	return p
}

// at says which text of a list of the request is at fault.
func (p *problem) at(list string, index int) *problem {
	p.Index = &index
	return p.in(list + "[" + strconv.Itoa(index) + "]")
}

func (p *problem) with(header, value string) *problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(header, value)
	return p
}

// The problems that have no cause of their own.

func notFound(r *http.Request, hint string) *problem {
	return newProblem(http.StatusNotFound, "not-found", "Not found", "%s is not here%s", r.URL.Path, hint)
}

func wrongMethod(r *http.Request, allow string) *problem {
	return newProblem(http.StatusMethodNotAllowed, "method-not-allowed", "Method not allowed",
		"%s does not answer to %s, only to %s", r.URL.Path, r.Method, allow).with("Allow", allow)
}

func busy(what string) *problem {
	return newProblem(http.StatusServiceUnavailable, "overloaded", "Overloaded",
		"%s; ask again in a second", what).with("Retry-After", "1")
}

func noModel() *problem {
	return newProblem(http.StatusServiceUnavailable, "no-model", "No model", "no model is loaded yet").with("Retry-After", "5")
}

func tooLarge(limit int) *problem {
	return newProblem(http.StatusRequestEntityTooLarge, "request-too-large", "Request too large",
		"the request has more than %d bytes, the limit; send several, or a file to /v1/predict/file", limit)
}

// write answers with the problem.
func (p *problem) write(w http.ResponseWriter) {
	h := w.Header()
	maps.Copy(h, p.header)
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) //nolint:errchkjson // the client may have gone; there is nobody to tell
}
