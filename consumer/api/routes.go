package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/cors"
)

// The routes, as metrics name them.
const (
	routePredict = "/v1/predict"
	routeFile    = "/v1/predict/file"
	routeLabels  = "/v1/labels"
	routeLive    = "/live"
	routePage    = "/"
	routeDocs    = "/docs"
	routeOpenAPI = "/openapi.json"
	routeHealth  = "/healthz"
	routeReady   = "/readyz"
	routeMetrics = "/metrics"
	routeOther   = "other"
)

var routeNames = []string{
	routePredict, routeFile, routeLabels, routeLive, routePage, routeDocs, routeOpenAPI, routeHealth, routeReady, routeMetrics, routeOther,
}

// handler answers a request or returns what is wrong with it.
type handler func(w http.ResponseWriter, r *http.Request) *problem

func (a *API) routes() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern, name, method string, h handler) {
		mux.Handle(pattern, a.metrics.watch(name, a.only(method, h)))
	}
	if !a.cfg.Supervision {
		a.routesOfTheRole(route)
	}
	route(routeHealth, routeHealth, http.MethodGet, a.health)
	route(routeReady, routeReady, http.MethodGet, a.ready)
	metrics := promhttp.HandlerFor(a.cfg.Gatherer, promhttp.HandlerOpts{EnableOpenMetrics: true})
	route(routeMetrics, routeMetrics, http.MethodGet, func(w http.ResponseWriter, r *http.Request) *problem {
		metrics.ServeHTTP(w, r)
		return nil
	})
	hint := "; " + routeDocs + " lists what is"
	if a.cfg.Supervision {
		hint = ": this process answers to " + strings.Join([]string{routeHealth, routeReady, routeMetrics}, ", ") + " only"
	}
	mux.Handle("/", a.metrics.watch(routeOther, answer(func(_ http.ResponseWriter, r *http.Request) *problem { return notFound(r, hint) })))
	return a.shared(compressed(secure(mux)))
}

// compressed packs answers for clients that take gzip or zstd. Small ones stay as
// they are, and events, of which each must arrive at once.
func compressed(h http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.ExceptContentTypes([]string{"text/event-stream"}))
	if err != nil {
		panic(err) // of options that are written above
	}
	return wrap(h)
}

// shared lets pages of the configured origins read what is answered (CORS).
func (a *API) shared(h http.Handler) http.Handler {
	if len(a.cfg.CORSOrigins) == 0 {
		return h
	}
	return cors.New(cors.Options{
		AllowedOrigins: a.cfg.CORSOrigins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost},
		AllowedHeaders: []string{"Authorization", "Content-Type"},
		ExposedHeaders: []string{"Retry-After"},
		MaxAge:         600, // seconds
	}).Handler(h)
}

// routesOfTheRole are those for people and their programs. What supervisors and browsers ask for may carry
// parameters of theirs, against caches for instance.
func (a *API) routesOfTheRole(route func(pattern, name, method string, h handler)) {
	route(routePredict, routePredict, http.MethodPost, a.guarded(taking(a.predict, paramExplain)))
	route(routeFile, routeFile, http.MethodPost, a.guarded(taking(a.predictFile)))
	route(routeLabels, routeLabels, http.MethodPost, a.guarded(taking(a.label)))
	route(routeLive, routeLive, http.MethodGet, a.guarded(taking(a.stream)))
	for _, file := range []string{"{$}", "page.js", "page.css"} {
		route(routePage+file, routePage, http.MethodGet, page(file))
	}
	route(routeOpenAPI, routeOpenAPI, http.MethodGet, a.serveOpenAPI)
	for _, file := range []string{"/docs.js", "/docs.css"} {
		route(routeDocs+file, routeDocs, http.MethodGet, page(strings.TrimPrefix(file, "/")))
	}
	route(routeDocs+"/", routeDocs, http.MethodGet, a.docs())
	route(routeDocs, routeDocs, http.MethodGet, a.docs())
}

// answer turns a handler into the standard library's.
func answer(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := h(w, r); p != nil {
			p.write(w)
		}
	})
}

// only refuses other methods. HEAD is as good as GET.
func (a *API) only(method string, h handler) http.Handler {
	allow := method
	if method == http.MethodGet {
		allow = "GET, HEAD"
	}
	return answer(func(w http.ResponseWriter, r *http.Request) *problem {
		if r.Method != method && (method != http.MethodGet || r.Method != http.MethodHead) {
			return wrongMethod(r, allow)
		}
		return h(w, r)
	})
}

// guarded asks for the token, if there is one.
func (a *API) guarded(h handler) handler {
	if a.cfg.Token == "" {
		return h
	}
	// Hashes have one length, so that comparing takes one time.
	want := sha256.Sum256([]byte(a.cfg.Token))
	return func(w http.ResponseWriter, r *http.Request) *problem {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(given))
		if !strings.EqualFold(scheme, "Bearer") || // RFC 9110, 11.1: its case does not matter
			subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			return newProblem(http.StatusUnauthorized, "unauthorized", "Unauthorized",
				"send the header Authorization: Bearer and the token").with("WWW-Authenticate", `Bearer realm="complaints"`)
		}
		return h(w, r)
	}
}

// secure sets what keeps browsers from mischief. The docs bring scripts of
// their own, which need more room.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = nosniff
		h["Referrer-Policy"] = noReferrer
		if strings.HasPrefix(r.URL.Path, routeDocs) {
			h["Content-Security-Policy"] = docsPolicy
		} else {
			h["Content-Security-Policy"] = policy
		}
		next.ServeHTTP(w, r)
	})
}

var (
	nosniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	policy     = []string{"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
	docsPolicy = []string{"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
)
