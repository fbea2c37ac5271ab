package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
)

// openapiFile describes the routes; tests hold it equal to what they answer.
//
//go:embed openapi.json
var openapiFile []byte

// describe returns the description with what depends on the configuration: the
// version, the limits, and the token.
func (a *API) describe() ([]byte, error) {
	var d map[string]any
	if err := json.Unmarshal(openapiFile, &d); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	set := func(value any, path ...string) {
		at := d
		for _, name := range path[:len(path)-1] {
			next, ok := at[name].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[name] = next
			}
			at = next
		}
		at[path[len(path)-1]] = value
	}
	set(strings.TrimPrefix(a.cfg.Version, "v"), "info", "version")
	set(a.limits.Texts, "components", "schemas", "Texts", "properties", "text", "maxItems")
	set(a.limits.Texts, "components", "schemas", "Complaints", "properties", "complaints", "maxItems")
	set(a.limits.Texts, "components", "schemas", "Labels", "properties", "labels", "maxItems")
	if a.cfg.Token != "" {
		set(map[string]any{"type": "http", "scheme": "bearer"}, "components", "securitySchemes", "token")
		for _, route := range []string{routePredict, routeFile, routeLabels} {
			set([]any{map[string]any{"token": []any{}}}, "paths", route, "post", "security")
			set(map[string]any{"$ref": "#/components/responses/Problem"}, "paths", route, "post", "responses", "401")
		}
	}
	return json.MarshalIndent(d, "", "  ")
}

func (a *API) serveOpenAPI(w http.ResponseWriter, _ *http.Request) *problem {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(a.openapi) // the client may have gone; there is nobody to tell
	return nil
}

// docs serves Swagger UI from the binary.
func (a *API) docs() handler {
	ui := v5emb.NewHandlerWithConfig(swgui.Config{
		Title: "Complaints", SwaggerJSON: routeOpenAPI, BasePath: routeDocs + "/",
		// Without the first a phone shows the page as wide as a desk's.
		AppendHead: `<meta name="viewport" content="width=device-width, initial-scale=1">
			<link rel="stylesheet" href="` + routeDocs + `/docs.css"><script src="` + routeDocs + `/docs.js"></script>`,
		PrependHTML: `<header class="top"><h1>Complaints: the API</h1><a href="` + routePage + `">What runs now</a></header>`,
	})
	return func(w http.ResponseWriter, r *http.Request) *problem {
		ui.ServeHTTP(w, r)
		return nil
	}
}
