package api

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"complaints/consumer/rows"
)

// appendText appends a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(s) //nolint:errchkjson // a string always has a JSON form
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// shorten cuts s to at most n bytes, between two characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// personal is what silver's masks leave because it may be something else: mail
// addresses of any form, and all numbers long enough to be of an account, a card,
// a phone or a person.
var personal = regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]+|\+?\d[\d() .-]{5,}\d`)

// excerpt shortens and masks a narrative for a page that many may see.
func excerpt(narrative string, n int) string {
	// Cut first: the expression then never sees more than it has to. What it could
	// have matched across the cut is masked with the digits that are left.
	s, _ := rows.MaskPersonal(rows.Tidy(shorten(narrative, 4*n)))
	s = strings.Join(strings.Fields(s), " ")
	return shorten(personal.ReplaceAllString(s, rows.Mask), n)
}
