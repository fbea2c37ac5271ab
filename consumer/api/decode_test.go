package api

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestProblems(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{Texts: 3, TextBytes: 20, RequestBytes: 200} })
	for name, tc := range map[string]struct {
		body   string
		status int
		kind   string
		field  string
		index  int // -1: none
	}{
		"empty list":       {`{"text":[]}`, 422, "no-texts", "text", -1},
		"empty text":       {`{"text":["a",""]}`, 422, "empty-text", "text[1]", 1},
		"blank text":       {`{"text":["\t \n"]}`, 422, "empty-text", "text[0]", 0},
		"only masks":       {`{"text":["XXXX, XX/XX"]}`, 422, "only-masks", "text[0]", 0},
		"no-break spaces":  {`{"text":["\u00a0\u2003"]}`, 422, "empty-text", "text[0]", 0},
		"list of others":   {`{"text":["a",{"b":[1.5e3,-0,true,null]}]}`, 422, "wrong-type", "text[1]", 1},
		"null text":        {`{"text":[null]}`, 422, "wrong-type", "text[0]", 0},
		"no list":          {`{"text":"a"}`, 422, "wrong-type", "text", -1},
		"null":             {`{"text":null}`, 422, "wrong-type", "text", -1},
		"unknown field":    {`{"text":["a"],"texts":["b"]}`, 422, "unknown-field", "texts", -1},
		"upper case":       {`{"Text":["a"]}`, 422, "unknown-field", "Text", -1},
		"twice":            {`{"text":["a"],"text":["b"]}`, 422, "repeated-field", "text", -1},
		"missing":          {`{}`, 422, "missing-field", "text", -1},
		"no object":        {`["a"]`, 422, "wrong-type", "", -1},
		"too many":         {`{"text":["a","b","c","d"]}`, 422, "too-many-texts", "text", -1},
		"too long":         {`{"text":["a","bbbbbbbbbbbbbbbbbbbbb"]}`, 422, "text-too-long", "text[1]", 1},
		"not JSON":         {`{"text":["a"}`, 400, "not-json", "", -1},
		"cut":              {`{"text":["a`, 400, "not-json", "", -1},
		"goes on":          {`{"text":["a"]}{}`, 400, "not-json", "", -1},
		"control":          {"{\"text\":[\"a\nb\"]}", 400, "not-json", "", -1},
		"bad escape":       {`{"text":["\u12"]}`, 400, "not-json", "", -1},
		"nothing":          {``, 400, "not-json", "", -1},
		"invalid UTF-8":    {"{\"text\":[\"a\xff\"]}", 400, "invalid-utf8", "", -1},
		"both":             {`{"text":["a"],"complaints":[{"narrative":"a"}]}`, 422, "repeated-field", "complaints", -1},
		"complaints twice": {`{"complaints":[{"narrative":"a"}],"complaints":[]}`, 422, "repeated-field", "complaints", -1},
		"no complaints":    {`{"complaints":[]}`, 422, "no-texts", "complaints", -1},
		"no narrative":     {`{"complaints":[{"narrative":"a"},{"company":"Bank"}]}`, 422, "empty-text", "complaints[1]", 1},
		"masked narrative": {`{"complaints":[{"narrative":"XXXX"}]}`, 422, "only-masks", "complaints[0]", 0},
		"a text in it":     {`{"complaints":["a"]}`, 422, "wrong-type", "complaints[0]", 0},
		"company a list":   {`{"complaints":[{"narrative":"a","company":["Bank"]}]}`, 422, "wrong-type", "complaints[0]", 0},
		"many complaints":  {`{"complaints":[{"narrative":"a"},{"narrative":"a"},{"narrative":"a"},{"narrative":"a"}]}`, 422, "too-many-texts", "complaints", -1},
		"a long narrative": {`{"complaints":[{"narrative":"aaaaaaaaaaaaaaaaaaaaa"}]}`, 422, "text-too-long", "complaints[0]", 0},
		"complaints cut":   {`{"complaints":[{"narrative":"a"`, 400, "not-json", "", -1},
		"large request":    {`{"text":["` + strings.Repeat("a", 300) + `"]}`, 413, "request-too-large", "", -1},
		"deep":             {`{"text":[` + strings.Repeat("[", 150), 400, "too-deep", "", -1},
		"wrong, then cut":  {`{"texts":["a"],"text":["a"`, 400, "not-json", "", -1},
		"wrong and broken": {`{"text":[[1,]]}`, 400, "not-json", "", -1},
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(a, "POST", routePredict, tc.body)
			p := problemOf(t, w)
			index := -1
			if p.Index != nil {
				index = *p.Index
			}
			if w.Code != tc.status || p.Status != tc.status || p.Type != problemType+tc.kind || p.Field != tc.field || index != tc.index {
				t.Errorf("%d %+v (index %d)", w.Code, p, index)
			}
		})
	}
}

// The decoder takes what encoding/json takes of this shape, and reads the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"text":["a","b"]}`, `{"text":["\ud83d\ude42 \ud83d \u00e9 \"\\\/\b\f\n\r\t"]}`, ` { "text" : [ "a" , "b" ] } `, `{"text":[]}`,
		`{"text":[1,{"a":[true,false,null,-1.5e+3]}]}`, `{"te\u0078t":["a"]}`, `{"text":["a"],"text":["b"]}`, `{"x":[[[]]]}`, "{\"text\":[\"\xff\"]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := textsRequest{limit: Limits{}.withDefaults()}
		p := r.decode(slices.Clone(b))
		got := r.texts
		if p != nil && (p.Status < 400 || p.Status > 499 || p.Detail == "") {
			t.Fatalf("%+v", p)
		}
		var want struct {
			Text []string `json:"text"`
		}
		if p == nil && r.list == memberComplaints {
			if len(got) == 0 || len(r.fields) != len(got) || !json.Valid(b) {
				t.Fatalf("%q: got %q with %v", b, got, r.fields)
			}
			return
		}
		strict := json.NewDecoder(bytes.NewReader(b))
		strict.DisallowUnknownFields()
		err := strict.Decode(&want)
		if p == nil {
			if err != nil || len(got) != len(want.Text) {
				t.Fatalf("%q: got %q, encoding/json %q, %v", b, got, want.Text, err)
			}
			for i := range got {
				if got[i] != want.Text[i] {
					t.Fatalf("%q: text %d is %q, want %q", b, i, got[i], want.Text[i])
				}
			}
			return
		}
		if p.Type == problemType+"not-json" && json.Valid(b) {
			t.Fatalf("%q is JSON: %v", b, p)
		}
	})
}
