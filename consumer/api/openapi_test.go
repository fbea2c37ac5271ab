package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// examples are the texts that /docs is prefilled with.
func examples(t testing.TB) []string {
	t.Helper()
	return describedBy(t, openapiFile).Paths[routePredict]["post"].RequestBody.Content["application/json"].Examples["texts"].Value.Text
}

// description is what the tests look at of openapi.json.
type description struct {
	OpenAPI string `json:"openapi"`
	Info    struct {
		Version string `json:"version"`
	} `json:"info"`
	Paths map[string]map[string]struct {
		Responses   map[string]json.RawMessage `json:"responses"`
		RequestBody struct {
			Content map[string]struct {
				Examples map[string]struct {
					Value struct {
						Text []string `json:"text"`
					} `json:"value"`
				} `json:"examples"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"paths"`
	Components struct {
		Schemas struct {
			Text struct {
				Pattern string `json:"pattern"`
			} `json:"Text"`
			Texts struct {
				Properties struct {
					Text struct {
						MaxItems int `json:"maxItems"`
					} `json:"text"`
				} `json:"properties"`
			} `json:"Texts"`
			Complaints struct {
				Properties struct {
					Complaints struct {
						MaxItems int `json:"maxItems"`
					} `json:"complaints"`
				} `json:"properties"`
			} `json:"Complaints"`
		} `json:"schemas"`
	} `json:"components"`
}

func describedBy(t testing.TB, doc []byte) description {
	t.Helper()
	var d description
	if err := json.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDocs(t *testing.T) {
	a := newAPI(t, nil)
	for path, want := range map[string]string{routeDocs: "swagger-ui-bundle.js", routeDocs + "/": routeOpenAPI, routeDocs + "/swagger-ui-bundle.js": "SwaggerUI", routeDocs + "/swagger-ui.css": "swagger-ui"} {
		if w := ask(a, "GET", path, ""); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d, %q is not in it", path, w.Code, want)
		}
	}
	if page := ask(a, "GET", routeDocs, "").Body.String(); strings.Contains(page, `="http`) || strings.Contains(page, `="//`) {
		t.Error("the page needs the internet")
	}
}

// knownCompany is a request whose company says more than its text.
const knownCompany = `{"complaints":[{"narrative":"They never answered my letter.","company":"Experian Information Solutions Inc.","state":"CA","issue":{"any":["thing"]}}]}`

// The description names all routes for clients, and what they answer fits it.
func TestDescription(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Limits = Limits{Texts: 7} })
	doc := ask(a, "GET", routeOpenAPI, "").Body.Bytes()
	d := describedBy(t, doc)
	if d.OpenAPI != "3.1.0" || d.Info.Version != "1.2.3" || d.Components.Schemas.Texts.Properties.Text.MaxItems != 7 || d.Components.Schemas.Complaints.Properties.Complaints.MaxItems != 7 {
		t.Errorf("%+v", d)
	}
	for _, route := range routeNames {
		_, described := d.Paths[route]
		if forPeople := route == routeDocs || route == routePage || route == routeLive || route == routeOther; described == forPeople {
			t.Errorf("%s: described %v", route, described)
		}
	}
	for path, methods := range d.Paths {
		for method, op := range methods {
			other := map[string]string{"get": "POST", "post": "GET"}[method]
			if w := ask(a, other, path, ""); w.Code != 405 || op.Responses["405"] == nil {
				t.Errorf("%s %s: %d", other, path, w.Code)
			}
		}
	}
	fits := validator(t, doc)
	fits(t, "Complaints", []byte(knownCompany))
	fits(t, "Results", ask(a, "POST", routePredict, knownCompany).Body.Bytes())
	fits(t, "Results", ask(a, "POST", routePredict+"?explain=true", knownCompany).Body.Bytes())
	good := ask(a, "POST", routePredict, body(t, examples(t)...))
	fits(t, "Results", good.Body.Bytes())
	for _, bad := range []string{"", `{"text":["a",""]}`, `{"text":[1]}`} {
		w := ask(a, "POST", routePredict, bad)
		fits(t, "Problem", w.Body.Bytes())
		if d.Paths[routePredict]["post"].Responses[fmt.Sprint(w.Code)] == nil {
			t.Errorf("%d is not described", w.Code)
		}
	}
	fits(t, "Ready", ask(a, "GET", routeReady, "").Body.Bytes())
	fits(t, "Health", ask(a, "GET", routeHealth, "").Body.Bytes())
}

// validator checks values against a schema of the description.
func validator(t *testing.T, doc []byte) func(t *testing.T, name string, value []byte) {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:openapi", parsed); err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, name string, value []byte) {
		t.Helper()
		s, err := c.Compile("urn:openapi#/components/schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
		if err == nil {
			err = s.Validate(v)
		}
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, value)
		}
	}
}

// The description and the JSON Schema of messages have one pattern of texts that can be classified.
func TestDescribedTextIsThatOfMessages(t *testing.T) {
	file, err := os.ReadFile("../../schema/complaint.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var message struct {
		Defs struct {
			Content struct {
				Pattern string `json:"pattern"`
			} `json:"content"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(file, &message); err != nil {
		t.Fatal(err)
	}
	if got := describedBy(t, openapiFile).Components.Schemas.Text.Pattern; got == "" || got != message.Defs.Content.Pattern {
		t.Errorf("the pattern is %q, that of messages %q", got, message.Defs.Content.Pattern)
	}
}
