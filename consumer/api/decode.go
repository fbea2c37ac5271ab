package api

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"complaints/internal/classifier"
	"complaints/schema"
)

// textsRequest reads the two shapes that /v1/predict takes, {"text": ["…", …]} and
// {"complaints": [{"narrative": "…", "company": "…"}, …]}, by the decoder of the
// messages, and says of anything else what is wrong and where.
type textsRequest struct {
	limit  Limits
	list   string              // the member that the texts are of, empty before it
	texts  []string            // of the last request; they share the memory of its body
	fields []classifier.Fields // what else is known of each
	wrong  *problem            // the first value that does not fit; broken JSON later beats it
}

// The members of a request, and the shapes that are wanted.
const (
	memberText       = "text"
	memberComplaints = "complaints"
	wantedRequest    = `{"text": ["…", "…"]} or {"complaints": [{"narrative": "…", "company": "…"}]}`
)

// decode reads the texts.
func (r *textsRequest) decode(body []byte) *problem {
	r.list, r.texts, r.fields, r.wrong = "", r.texts[:0], r.fields[:0], nil
	if err := schema.DecodeObject(body, r.member); err != nil {
		return brokenRequest(body, err, wantedRequest)
	}
	if r.wrong != nil {
		return r.wrong
	}
	if r.list == "" {
		return unusable("missing-field", "Missing field", "text is missing, want "+wantedRequest).in(memberText)
	}
	if len(r.texts) == 0 {
		return unusable("no-texts", "No texts", r.list+" is an empty list, want at least one text").in(r.list)
	}
	for i, text := range r.texts {
		if rejection := schema.CheckText(text, r.limit.TextBytes); rejection != nil {
			return unusableText(r.place(i), rejection).at(r.list, i)
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
	case name != memberText && name != memberComplaints:
		return r.refuse(d, newProblem(http.StatusUnprocessableEntity, "unknown-field", "Unknown field",
			"%.40q is unknown, want %s", name, wantedRequest).in(shorten(name, 40)))
	case r.list == name:
		return r.refuse(d, unusable("repeated-field", "Repeated field", name+" is there twice").in(name))
	case r.list != "":
		return r.refuse(d, unusable("repeated-field", "Repeated field", "text and complaints are both there, want one of them").in(name))
	}
	r.list = name
	if d.Kind() != "array" {
		return r.refuse(d, wrongType(name, d.Kind()).in(name))
	}
	if name == memberText {
		return d.List(r.text)
	}
	return d.List(r.complaint)
}

// place names the element with an index of the list at hand.
func (r *textsRequest) place(i int) string { return r.list + "[" + strconv.Itoa(i) + "]" }

func (r *textsRequest) text(d *schema.Decoder) error {
	if fits, err := r.element(d, "string"); !fits {
		return err
	}
	text, err := d.Text()
	r.texts, r.fields = append(r.texts, text), append(r.fields, classifier.Fields{})
	return err
}

// element says whether the element at hand is of the kind that is wanted, and there is
// room for it. One that does not fit is passed over.
func (r *textsRequest) element(d *schema.Decoder, kind string) (fits bool, err error) {
	i := len(r.texts)
	switch {
	case r.wrong != nil:
		return false, d.Skip()
	case d.Kind() != kind:
		return false, r.refuse(d, wrongType(r.place(i), d.Kind()).at(r.list, i))
	case i == r.limit.Texts:
		return false, r.refuse(d, newProblem(http.StatusUnprocessableEntity, "too-many-texts", "Too many texts",
			"%s has more than %d texts, the limit; send several requests, or a file to /v1/predict/file", r.list, i).in(r.list))
	}
	return true, nil
}

// complaint reads a complaint. Of its fields only those count that a model may use;
// others are passed over, as they are in the stream.
func (r *textsRequest) complaint(d *schema.Decoder) error {
	if fits, err := r.element(d, "object"); !fits {
		return err
	}
	var text, apiText string
	var fields classifier.Fields
	err := d.Object(func(d *schema.Decoder, name string) error {
		switch name {
		case "narrative":
			return r.field(d, name, &text)
		case "complaint_what_happened": // the Bureau's API's own name
			return r.field(d, name, &apiText)
		case "company":
			return r.field(d, name, &fields.Company)
		}
		return d.Skip()
	})
	if text == "" {
		text = apiText
	}
	r.texts, r.fields = append(r.texts, text), append(r.fields, fields)
	return err
}

// field reads a string of the complaint at hand; null leaves it as it is.
func (r *textsRequest) field(d *schema.Decoder, name string, into *string) (err error) {
	switch d.Kind() {
	case "string":
		*into, err = d.Text()
		return err
	case "null":
		return d.Skip()
	}
	i := len(r.texts)
	return r.refuse(d, wrongType(r.place(i)+"."+name, d.Kind()).at(r.list, i))
}

// unusable is the problem of a request that is JSON and yet not what is wanted.
func unusable(kind, title, detail string) *problem {
	return newProblem(http.StatusUnprocessableEntity, kind, title, "%s", detail)
}

func wrongType(what, kind string) *problem {
	return unusable("wrong-type", "Wrong type", what+" is a JSON "+kind+", want "+wantedRequest)
}

// brokenRequest says why a body is no JSON object such as the one that is wanted.
func brokenRequest(body []byte, err error, wanted string) *problem {
	rejection, ok := errors.AsType[*schema.Rejection](err)
	switch {
	case !ok:
		return newProblem(http.StatusBadRequest, "not-json", "Not JSON", "%v", err)
	case len(bytes.TrimSpace(body)) == 0:
		return newProblem(http.StatusBadRequest, "not-json", "Not JSON", "the request is empty, want %s", wanted)
	case rejection.Reason == schema.ReasonNotObject:
		return unusable("wrong-type", "Wrong type", "the request is JSON, but no object; want "+wanted)
	}
	return newProblem(http.StatusBadRequest, kindOf(rejection.Reason), titles[rejection.Reason], "the request cannot be read: %s", rejection.Detail)
}

// unusableText says why the text at a place of the request gets no prediction.
func unusableText(place string, rejection *schema.Rejection) *problem {
	kind := kindOf(rejection.Reason)
	if rejection.Reason == schema.ReasonNoText || rejection.Reason == schema.ReasonBlankText {
		kind = "empty-text"
	}
	return unusable(kind, titles[rejection.Reason], place+": "+rejection.Detail)
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
