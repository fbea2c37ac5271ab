package api

import (
	"embed"
	"net/http"
	"path"
)

//go:embed page
var pageFiles embed.FS

var pageTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
}

// page serves a file of the live page.
func page(name string) handler {
	if name == "{$}" {
		name = "index.html"
	}
	body, err := pageFiles.ReadFile("page/" + name)
	return func(w http.ResponseWriter, r *http.Request) *problem {
		if err != nil {
			return notFound(r, "")
		}
		h := w.Header()
		h.Set("Content-Type", pageTypes[path.Ext(name)])
		h.Set("Cache-Control", "no-cache")
		_, _ = w.Write(body) // the client may have gone; there is nobody to tell
		return nil
	}
}
