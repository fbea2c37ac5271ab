package rows

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Masked counts what MaskPersonal has masked, by kind.
type Masked struct {
	Email, Phone, SSN, Card, Account int
}

// Mask is what stands for masked text: the Bureau's own, so that a model that
// learned from the Bureau's texts meets no new word.
const Mask = "XXXX"

type maskKind int

const (
	maskEmail maskKind = iota
	maskPhone
	maskSSN
	maskCard
	maskAccount
)

// span is a part of a text that is masked.
type span struct {
	from, to int // bytes
	kind     maskKind
}

// MaskPersonal replaces e-mail addresses, phone numbers, social security
// numbers, card numbers (13 to 19 digits that pass Luhn's check) and account-like
// runs of digits by [Mask]. All else stays as it is: amounts, dates, years, ZIP
// codes, sections of law, and the Bureau's own masks.
//
// The text should be tidy (see [Tidy]): a digit of another script, or one that
// an invisible character splits off, is not seen.
func MaskPersonal(text string) (string, Masked) {
	var count Masked
	spans := personal(text)
	if len(spans) == 0 {
		return text, count
	}
	var b strings.Builder
	b.Grow(len(text))
	done := 0
	for _, s := range spans {
		b.WriteString(text[done:s.from])
		b.WriteString(Mask)
		done = s.to
		count.add(s.kind)
	}
	b.WriteString(text[done:])
	return b.String(), count
}

// personal returns the parts of a text that are masked, in order and apart.
func personal(text string) []span {
	spans := appendEmails(nil, text)
	spans = appendNumbers(spans, text)
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.from-b.from, b.to-a.to) })
	apart := spans[:0]
	for _, s := range spans {
		if n := len(apart); n > 0 && s.from < apart[n-1].to {
			apart[n-1].to = max(apart[n-1].to, s.to)
			continue
		}
		apart = append(apart, s)
	}
	return apart
}

func (m *Masked) add(kind maskKind) {
	switch kind {
	case maskEmail:
		m.Email++
	case maskPhone:
		m.Phone++
	case maskSSN:
		m.SSN++
	case maskCard:
		m.Card++
	case maskAccount:
		m.Account++
	}
}

// Plus adds counts.
func (m Masked) Plus(n Masked) Masked {
	return Masked{m.Email + n.Email, m.Phone + n.Phone, m.SSN + n.SSN, m.Card + n.Card, m.Account + n.Account}
}

// ByKind yields the counts with names for a metric.
func (m Masked) ByKind(yield func(kind string, n int) bool) {
	_ = yield("email", m.Email) && yield("phone", m.Phone) && yield("ssn", m.SSN) && yield("card", m.Card) && yield("account", m.Account)
}

// Addresses that are spelt out. The second form is only taken with a common
// last label: "at" and "dot" are words too.
var (
	bracketAt = regexp.MustCompile(`(?i)[a-z0-9._%+-]+\s*[([{<]\s*at\s*[)\]}>]\s*[a-z0-9-]+(?:\s*(?:\.|[([{<]\s*dot\s*[)\]}>]|\bdot\b)\s*[a-z0-9-]+)+`)
	wordAt    = regexp.MustCompile(`(?i)\b[a-z0-9._%+-]+ at [a-z0-9-]+ dot (?:com|net|org|edu|gov|mil|info|biz|io|us|uk|co)\b`)
)

func appendEmails(spans []span, text string) []span {
	for at := strings.IndexByte(text, '@'); at >= 0; {
		from, to, ok := emailAround(text, at)
		next := at + 1
		if ok {
			spans = append(spans, span{from, to, maskEmail})
			next = to
		}
		i := strings.IndexByte(text[next:], '@')
		if i < 0 {
			break
		}
		at = next + i
	}
	if !maySpellAddress(text) {
		return spans
	}
	for _, form := range []*regexp.Regexp{bracketAt, wordAt} {
		for _, m := range form.FindAllStringIndex(text, -1) {
			spans = append(spans, span{m[0], m[1], maskEmail})
		}
	}
	return spans
}

// maySpellAddress says whether a text has a "dot", or an "at" and a closing
// bracket after it, in any case: no address is spelt out without.
func maySpellAddress(text string) bool {
	for i := 2; i < len(text); i++ {
		if text[i]|0x20 != 't' {
			continue
		}
		switch text[i-1] | 0x20 {
		case 'o':
			if text[i-2]|0x20 == 'd' {
				return true
			}
		case 'a':
			if after := strings.TrimLeft(text[i+1:], " \t\n\f\r"); after != "" && strings.IndexByte(")]}>", after[0]) >= 0 {
				return true
			}
		}
	}
	return false
}

// emailAround finds the address around an at sign.
func emailAround(text string, at int) (from, to int, ok bool) {
	end := at
	spaced := 0
	if end > 0 && text[end-1] == ' ' {
		end--
		spaced++
	}
	from = end
	if from > 1 && text[from-1] == '"' { // a quoted local part
		low := max(0, from-64)
		if q := strings.LastIndexByte(text[low:from-1], '"'); q >= 0 {
			from = low + q
		}
	}
	for from > 0 && isLocal(text[from-1]) {
		from--
	}
	for from < end && (text[from] == '.' || text[from] == '\'' || text[from] == '-') {
		from++ // punctuation before the address
	}
	begin := at + 1
	if begin < len(text) && text[begin] == ' ' {
		begin++
		spaced++
	}
	if from == end || (spaced == 2 && !strings.ContainsAny(text[from:end], "._0123456789")) {
		return 0, 0, false // "me @ work"
	}
	to = domainEnd(text, begin)
	return from, to, to > begin
}

func isLocal(c byte) bool {
	return c >= 0x80 || isLetter(c) || isDigit(c) || strings.IndexByte("._%+-'!#&*/=?^`{|}~", c) >= 0 && c != '{' && c != '}' && c != '/'
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// domainEnd returns the end of the host name that begins at i: labels joined by
// dots, the last of letters; or four numbers, bare or in brackets. It returns i
// if there is none.
func domainEnd(text string, i int) int {
	end, labels, numeric := i, 0, 0
	j := i
	if j < len(text) && text[j] == '[' {
		j++
	}
	for {
		start := j
		for j < len(text) && (isLetter(text[j]) || isDigit(text[j]) || text[j] == '-' || text[j] >= 0x80) {
			j++
		}
		label := strings.Trim(text[start:j], "-")
		if label == "" {
			return end
		}
		labels++
		switch {
		case strings.Trim(label, "0123456789") == "":
			if numeric++; numeric == 4 && labels == 4 {
				end = j
				if j < len(text) && text[j] == ']' {
					end++
				}
			}
		case labels > 1 && len(label) > 1 && !strings.ContainsAny(label, "0123456789"):
			end = j
		}
		if j+1 >= len(text) || text[j] != '.' {
			return end
		}
		j++
	}
}
