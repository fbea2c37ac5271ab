package api

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"complaints/schema"
)

// textsRequest reads the one shape that /v1/predict takes, {"text": ["…", …]}, by
// the decoder of the messages, and says of anything else what is wrong and where.
type textsRequest struct {
	limit Limits
	texts []string // of the last request; they share the memory of its body
	seen  bool     // the member text
	wrong *problem // the first value that does not fit; broken JSON later beats it
}

const wantedRequest = `{"text": ["…", "…"]}`

// decode reads the texts.
func (r *textsRequest) decode(body []byte) *problem {
	r.texts, r.seen, r.wrong = r.texts[:0], false, nil
	if err := schema.DecodeObject(body, r.member); err != nil {
		return brokenRequest(body, err)
	}
	if r.wrong != nil {
		return r.wrong
	}
	if !r.seen {
		return unusable("missing-field", "Missing field", "text is missing, want "+wantedRequest).in("text")
	}
	if len(r.texts) == 0 {
		return unusable("no-texts", "No texts", "text is an empty list, want at least one text").in("text")
	}
	for i, text := range r.texts {
		if rejection := schema.CheckText(text, r.limit.TextBytes); rejection != nil {
			return unusableText(i, rejection)
		}
	}
	return nil
}

// refuse notes what is wrong with the value at hand and passes over it.
func (r *textsRequest) refuse(d *schema.Decoder, p *problem) error {
	if r.wrong == nil {
		r.wrong = p
	}
	return d.Skip()
}

func (r *textsRequest) member(d *schema.Decoder, name string) error {
	switch {
	case name != "text":
		return r.refuse(d, newProblem(http.StatusUnprocessableEntity, "unknown-field", "Unknown field",
			"%.40q is unknown, want %s", name, wantedRequest).in(shorten(name, 40)))
	case r.seen:
		return r.refuse(d, unusable("repeated-field", "Repeated field", "text is there twice").in("text"))
	}
	r.seen = true
	if d.Kind() != "array" {
		return r.refuse(d, wrongType("text", d.Kind()).in("text"))
	}
	return d.List(r.text)
}

func (r *textsRequest) text(d *schema.Decoder) error {
	i := len(r.texts)
	switch {
	case r.wrong != nil:
		return d.Skip()
	case d.Kind() != "string":
		return r.refuse(d, wrongType("text["+strconv.Itoa(i)+"]", d.Kind()).at(i))
	case i == r.limit.Texts:
		return r.refuse(d, newProblem(http.StatusUnprocessableEntity, "too-many-texts", "Too many texts",
			"text has more than %d texts, the limit; send several requests, or a file to /v1/predict/file", i).in("text"))
	}
	text, err := d.Text()
	r.texts = append(r.texts, text)
	return err
}

// unusable is the problem of a request that is JSON and yet not what is wanted.
func unusable(kind, title, detail string) *problem {
	return newProblem(http.StatusUnprocessableEntity, kind, title, "%s", detail)
}

func wrongType(what, kind string) *problem {
	return unusable("wrong-type", "Wrong type", what+" is a JSON "+kind+", want "+wantedRequest)
}

// brokenRequest says why a body is no JSON object.
func brokenRequest(body []byte, err error) *problem {
	rejection, ok := errors.AsType[*schema.Rejection](err)
	switch {
	case !ok:
		return newProblem(http.StatusBadRequest, "not-json", "Not JSON", "%v", err)
	case len(bytes.TrimSpace(body)) == 0:
		return newProblem(http.StatusBadRequest, "not-json", "Not JSON", "the request is empty, want %s", wantedRequest)
	case rejection.Reason == schema.ReasonNotObject:
		return unusable("wrong-type", "Wrong type", "the request is JSON, but no object; want "+wantedRequest)
	}
	return newProblem(http.StatusBadRequest, kindOf(rejection.Reason), titles[rejection.Reason], "the request cannot be read: %s", rejection.Detail)
}

// unusableText says why the text with an index gets no prediction.
func unusableText(i int, rejection *schema.Rejection) *problem {
	kind := kindOf(rejection.Reason)
	if rejection.Reason == schema.ReasonNoText || rejection.Reason == schema.ReasonBlankText {
		kind = "empty-text"
	}
	return unusable(kind, titles[rejection.Reason], "text["+strconv.Itoa(i)+"]: "+rejection.Detail).at(i)
}

// kindOf is the end of a problem's type for a reason of the stream.
func kindOf(r schema.Reason) string { return strings.ReplaceAll(string(r), "_", "-") }

// titles are those reasons of the stream that a request can have too, in words.
var titles = map[schema.Reason]string{
	schema.ReasonInvalidUTF8: "Invalid UTF-8",
	schema.ReasonTooDeep:     "Nested too deep",
	schema.ReasonNotJSON:     "Not JSON",
	schema.ReasonNoText:      "Empty text",
	schema.ReasonBlankText:   "Empty text",
	schema.ReasonOnlyMasks:   "Only masks",
	schema.ReasonTextTooLong: "Text too long",
}
