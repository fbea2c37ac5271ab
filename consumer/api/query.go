package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// taking lets requests pass whose query has no parameter but the known ones, each
// at most once. A slip in a name would be ignored in silence otherwise.
func taking(h handler, known ...string) handler {
	return func(w http.ResponseWriter, r *http.Request) *problem {
		if r.URL.RawQuery != "" {
			if p := checkQuery(r.URL.RawQuery, known); p != nil {
				return p
			}
		}
		return h(w, r)
	}
}

func checkQuery(query string, known []string) *problem {
	given, err := url.ParseQuery(query)
	if err != nil {
		return newProblem(http.StatusBadRequest, "bad-query", "Bad query", "what follows the ? is not name=value&name=value: %.80s", err)
	}
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names) // the same request gets the same answer
	for _, name := range names {
		switch {
		case !slices.Contains(known, name):
			takes := "it takes none"
			if len(known) > 0 {
				takes = "it takes " + strings.Join(known, ", ")
			}
			return newProblem(http.StatusBadRequest, "unknown-parameter", "Unknown parameter",
				"the parameter %.40q is unknown; %s", name, takes).in(shorten(name, 40))
		case len(given[name]) > 1:
			return newProblem(http.StatusBadRequest, "repeated-parameter", "Repeated parameter",
				"the parameter %s is there %d times", name, len(given[name])).in(name)
		}
	}
	return nil
}
