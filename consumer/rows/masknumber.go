package rows

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// separator is what stands between two groups of digits that may be one number.
type separator byte

const (
	noSeparator    separator = 0
	spaceSeparator separator = ' '
	dashSeparator  separator = '-'
	dotSeparator   separator = '.'
	parenSeparator separator = ')'
	slashSeparator separator = '/' // dates have it too: only what looks like nothing else counts
)

// group is a maximal run of digits.
type group struct {
	from, to int
	after    separator // before the next group; noSeparator after the last
}

func (g group) size() int { return g.to - g.from }

// cluster is groups of digits of which some together may be one number.
type cluster struct {
	text   string
	groups []group
}

// maxGroups is how long a cluster is at most; a longer one is cut, which no
// number is.
const maxGroups = 32

// appendNumbers finds all numbers that are masked.
func appendNumbers(spans []span, text string) []span {
	c := cluster{text: text}
	for i := 0; i < len(text); {
		if !isDigit(text[i]) {
			i++
			continue
		}
		if c.groups == nil { // most texts are short and have no digit
			c.groups = make([]group, 0, maxGroups)
		}
		c.groups = c.groups[:0]
		i = c.read(i)
		for at := 0; at < len(c.groups); {
			s, n := c.match(at)
			if n == 0 {
				at++
				continue
			}
			spans = append(spans, s)
			at += n
		}
	}
	return spans
}

// read reads the cluster that begins at i and returns where it ends.
func (c *cluster) read(i int) int {
	for {
		g := group{from: i}
		for i < len(c.text) && isDigit(c.text[i]) {
			i++
		}
		g.to = i
		kind, n := separatorAt(c.text, i)
		if n == 0 || len(c.groups) == cap(c.groups)-1 {
			c.groups = append(c.groups, g)
			return i
		}
		g.after = kind
		c.groups = append(c.groups, g)
		i += n
	}
}

// separatorAt reads a separator that a digit follows: at most four characters
// of which each but spaces stands once.
func separatorAt(text string, i int) (separator, int) {
	kind, j := noSeparator, i
	for n := 0; n < 4 && j < len(text); n++ {
		r, size := utf8.DecodeRuneInString(text[j:])
		switch {
		case isDigit(text[j]):
			return kind, j - i
		case r == ' ':
			if kind == noSeparator {
				kind = spaceSeparator
			}
		case r == '(' || r == ')':
			kind = parenSeparator
		case isDash(r) && kind != dashSeparator && kind != dotSeparator:
			if kind != parenSeparator {
				kind = dashSeparator
			}
		case r == '/' && (kind == noSeparator || kind == spaceSeparator):
			kind = slashSeparator
		case (r == '.' || r == '•' || r == '·') && (kind == noSeparator || kind == parenSeparator):
			if kind == noSeparator {
				kind = dotSeparator
			}
		default:
			return noSeparator, 0
		}
		j += size
	}
	if j < len(text) && isDigit(text[j]) {
		return kind, j - i
	}
	return noSeparator, 0
}

// isDash knows the hyphens and dashes that people and programs put into numbers.
func isDash(r rune) bool { return r == '-' || r >= 0x2010 && r <= 0x2015 || r == 0x2212 || r == '_' }

// match says whether a number begins with a group, and how many groups it has.
func (c *cluster) match(at int) (span, int) {
	for _, try := range []struct {
		kind  maskKind
		match func(int) int
	}{
		{maskPhone, c.abroad}, {maskCard, c.card}, {maskSSN, c.ssn}, {maskPhone, c.phone}, {maskAccount, c.account},
	} {
		if n := try.match(at); n > 0 {
			if c.isAmount(at) {
				return span{}, 0
			}
			s := span{c.groups[at].from, c.groups[at+n-1].to, try.kind}
			if s.kind == maskPhone {
				s.from, s.to = c.opening(at), c.extension(s.to)
			}
			return s, n
		}
	}
	return span{}, 0
}

// sizes compares the sizes of the groups from at on.
func (c *cluster) sizes(at int, want ...int) bool {
	if at+len(want) > len(c.groups) {
		return false
	}
	for i, n := range want {
		if c.groups[at+i].size() != n {
			return false
		}
	}
	return true
}

// joined says whether n groups are joined by one kind of separator, of those given.
func (c *cluster) joined(at, n int, kinds string) bool {
	for i := at; i < at+n-1; i++ {
		if k := c.groups[i].after; k != c.groups[at].after || strings.IndexByte(kinds, byte(k)) < 0 {
			return false
		}
	}
	return true
}

func (c *cluster) digits(at, n int) string {
	var b strings.Builder
	for _, g := range c.groups[at : at+n] {
		b.WriteString(c.text[g.from:g.to])
	}
	return b.String()
}

// before is the text before a group, in lower case, as far as it can matter.
func (c *cluster) before(at int) string {
	from := c.groups[at].from
	return strings.ToLower(c.text[max(0, from-40):from])
}

var (
	lawBefore   = regexp.MustCompile(`(u\.?\s?s\.?\s?c\.?|c\.?\s?f\.?\s?r\.?|§|section|sections)\s*§*\s*\(?$`)
	amountAfter = regexp.MustCompile(`^(\s?(dollars|usd|euros|cents|%|percent)\b|\.\d\d([^\d.]|$))`)

	ssnBefore     = regexp.MustCompile(`(ssn|social|s\.s\.n|security)[^.;\n]*$`)
	phoneBefore   = regexp.MustCompile(`(phone|tel|telephone|call|called|calls|calling|cell|mobile|fax|contact|dial|text|texted|reach me at|number)\b[^.;\n]{0,20}$`)
	accountBefore = regexp.MustCompile(`(account|acct|a/c|acc|loan|routing|aba|member|policy|iban|card|passport|license|customer)s?\b\.?\s*((id|number|numbers|num|no|nr|#)[\s.:#-]*(is|was|of)?|[\s.:#-]*(is|was)?)[\s:#-]*$`) // "a loan of" is followed by an amount
)

// isAmount says whether a group is an amount of money, or a section of law.
func (c *cluster) isAmount(at int) bool {
	before := c.before(at)
	return endsInCurrency(before) || lawBefore.MatchString(before)
}

// endsInCurrency says whether a text in lower case ends in a sign or a code of
// money, and at most one space behind it.
func endsInCurrency(s string) bool {
	if n := len(s); n > 0 && (s[n-1] == ' ' || s[n-1] == '\n') {
		s = s[:n-1]
	}
	for _, sign := range [...]string{"$", "£", "€"} {
		if strings.HasSuffix(s, sign) {
			return true
		}
	}
	for _, code := range [...]string{"usd", "eur", "gbp"} {
		if rest, ok := strings.CutSuffix(s, code); ok {
			return rest == "" || !isLetter(rest[len(rest)-1])
		}
	}
	return false
}

// isYear says whether a group may be a year of the last or the next decades.
func (c *cluster) isYear(i int) bool {
	g := c.groups[i]
	return g.size() == 4 && (c.text[g.from:g.from+2] == "19" || c.text[g.from:g.from+2] == "20")
}

func (c *cluster) allYears(at, n int) bool {
	for i := at; i < at+n; i++ {
		if !c.isYear(i) {
			return false
		}
	}
	return true
}

// card is 13 to 19 digits that pass Luhn's check, in one group or in several
// that are joined alike. Groups with spaces between might be numbers by
// themselves, so they must look like those of a card.
func (c *cluster) card(at int) int {
	most := 0
	for n, total := 1, c.groups[at].size(); total <= 19; n++ {
		if total >= 13 && c.joined(at, n, " -.") && luhn(c.digits(at, n)) && (n == 1 || c.groups[at].after != spaceSeparator || c.cardGroups(at, n)) {
			most = n
		}
		if at+n >= len(c.groups) {
			break
		}
		total += c.groups[at+n].size()
	}
	return most
}

func (c *cluster) cardGroups(at, n int) bool {
	for i := at; i < at+n; i++ {
		if s := c.groups[i].size(); s > 8 || (s < 3 && i < at+n-1) {
			return false
		}
	}
	return !c.allYears(at, n)
}

// luhn is the check of ISO/IEC 7812-1.
func luhn(digits string) bool {
	sum, double := 0, false
	for i := len(digits) - 1; i >= 0; i-- {
		d := int(digits[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return sum%10 == 0
}

// ssn is three, two and four digits, or nine after a word that says so.
func (c *cluster) ssn(at int) int {
	if c.sizes(at, 3, 2, 4) && c.joined(at, 3, " -./") {
		return 3
	}
	if c.sizes(at, 9) && ssnBefore.MatchString(c.before(at)) {
		return 1
	}
	return 0
}

// phone is a number as people write it in North America, or one with a leading
// zero as elsewhere.
func (c *cluster) phone(at int) int {
	switch {
	case c.sizes(at, 3, 3, 4), c.sizes(at, 3, 7):
		return c.groupsOf(at, 10)
	case c.digits(at, 1) == "1" && (c.sizes(at, 1, 3, 3, 4) || c.sizes(at, 1, 3, 7) || c.sizes(at, 1, 10)):
		return c.groupsOf(at, 11)
	case c.sizes(at, 10) && c.text[c.groups[at].from] >= '2':
		return 1
	case c.sizes(at, 11) && c.text[c.groups[at].from] == '1':
		return 1
	case c.sizes(at, 3, 4) && c.local(at):
		return 2
	case c.text[c.groups[at].from] == '0' && c.groups[at].size() > 1:
		return c.leadingZero(at)
	}
	return 0
}

// leadingZero is ten or eleven digits as in much of the world, or up to fifteen
// with the zeros that lead abroad.
func (c *cluster) leadingZero(at int) int {
	if c.fullDate(at) {
		return 0
	}
	most, longest := 0, 11
	if strings.HasPrefix(c.text[c.groups[at].from:], "00") {
		longest = 15
	}
	for n := 2; at+n <= len(c.groups) && c.joined(at, n, " -"); n++ {
		if total := len(c.digits(at, n)); total >= 10 && total <= longest {
			most = n
		}
	}
	return most
}

// groupsOf counts the groups that hold a number of digits.
func (c *cluster) groupsOf(at, digits int) int {
	n := 0
	for ; digits > 0; n++ {
		digits -= c.groups[at+n].size()
	}
	return n
}

// local says whether three and four digits are a local phone number, and not a
// range of amounts or years.
func (c *cluster) local(at int) bool {
	if k := c.groups[at].after; k != dashSeparator && k != dotSeparator {
		return false
	}
	g := c.groups[at+1]
	if phoneBefore.MatchString(c.before(at)) {
		return true
	}
	return c.groups[at].after == dashSeparator && c.text[c.groups[at].from] >= '2' && c.text[g.from+2:g.to] != "00" && !c.isYear(at+1)
}

// abroad is a number with a plus sign.
func (c *cluster) abroad(at int) int {
	from := c.groups[at].from
	if from == 0 || (c.text[from-1] != '+' && !strings.HasSuffix(c.text[:from], "+(") && !strings.HasSuffix(c.text[:from], "+ ")) {
		return 0
	}
	most := 0
	for n, total := 1, c.groups[at].size(); total <= 15; n++ {
		if total >= 8 {
			most = n
		}
		done := total >= 11 && c.text[from] == '1' || total >= 10 && at+n < len(c.groups) && c.isYear(at+n)
		if done || at+n >= len(c.groups) {
			break
		}
		total += c.groups[at+n].size()
	}
	return most
}

// opening is where a phone number begins, with a plus sign or a parenthesis.
func (c *cluster) opening(at int) int {
	from := c.groups[at].from
	for from > 0 && strings.IndexByte("+(", c.text[from-1]) >= 0 {
		from--
	}
	if strings.HasSuffix(c.text[:from], "+ ") {
		from -= 2
	}
	return from
}

var extension = regexp.MustCompile(`^,?\s?(?i:x|ext\.?|extension|#)\s?\d{1,6}\b`)

func (c *cluster) extension(to int) int {
	return to + len(extension.FindString(c.text[to:min(len(c.text), to+24)]))
}

// account is a run of digits that is long, or that follows a word such as
// account, or several that are joined by dashes.
func (c *cluster) account(at int) int {
	if c.date(at) {
		return 0
	}
	if n := c.fours(at); n > 0 {
		return n
	}
	if n := c.dashed(at); n > 0 {
		return n
	}
	g := c.groups[at]
	rest := c.text[g.to:min(len(c.text), g.to+16)]
	switch size := g.size(); {
	case size >= 9:
		if !amountAfter.MatchString(rest) || accountBefore.MatchString(c.before(at)) {
			return 1
		}
	case size == 8:
		if !c.compactDate(at) && !amountAfter.MatchString(rest) || accountBefore.MatchString(c.before(at)) {
			return 1
		}
	case size >= 5 && accountBefore.MatchString(c.before(at)) && !amountAfter.MatchString(rest):
		return 1
	}
	return 0
}

// date says whether a date begins with a group, or stands around it.
func (c *cluster) date(at int) bool {
	for from := max(0, at-2); from <= at; from++ {
		if from+3 > len(c.groups) || !c.joined(from, 3, "-.") {
			continue
		}
		a, b, d := c.groups[from].size(), c.groups[from+1].size(), c.groups[from+2].size()
		if (c.isYear(from) && b <= 2 && d <= 2) || (a <= 2 && b <= 2 && (d == 2 || c.isYear(from+2))) {
			return true
		}
	}
	return false
}

// fullDate says whether day, month and a year of four digits begin with a group,
// or stand around it, however they are joined.
func (c *cluster) fullDate(at int) bool {
	for from := max(0, at-2); from <= at && from+3 <= len(c.groups); from++ {
		a, b, d := c.groups[from].size(), c.groups[from+1].size(), c.groups[from+2].size()
		if (c.isYear(from) && b <= 2 && d <= 2) || (a <= 2 && b <= 2 && c.isYear(from+2)) {
			return true
		}
	}
	return false
}

// compactDate says whether eight digits are a date without separators.
func (c *cluster) compactDate(at int) bool {
	s := c.digits(at, 1)
	inYear := func(year, month, day string) bool {
		return (year[:2] == "19" || year[:2] == "20") && month >= "01" && month <= "12" && day >= "01" && day <= "31"
	}
	return inYear(s[:4], s[4:6], s[6:]) || inYear(s[4:], s[:2], s[2:4])
}

// compactDates says whether two groups are both dates without separators.
func (c *cluster) compactDates(at int) bool {
	return c.sizes(at, 8, 8) && c.compactDate(at) && c.compactDate(at+1)
}

// fours is three or more groups of four digits, as accounts are often printed.
func (c *cluster) fours(at int) int {
	n := 0
	for at+n < len(c.groups) && c.groups[at+n].size() == 4 && c.joined(at, n+1, " -") {
		n++
	}
	if n < 3 || c.allYears(at, n) {
		return 0
	}
	if at+n < len(c.groups) && c.groups[at+n].size() < 4 && c.joined(at, n+1, " -") {
		n++
	}
	return n
}

// dashed is nine digits or more in groups joined by dashes, but no ZIP code.
func (c *cluster) dashed(at int) int {
	n, total := 1, c.groups[at].size()
	for at+n < len(c.groups) && c.groups[at+n-1].after == dashSeparator && !c.date(at+n) {
		total += c.groups[at+n].size()
		n++
	}
	if n == 1 || total < 9 || c.allYears(at, n) || (n == 2 && (c.sizes(at, 5, 4) || c.compactDates(at))) {
		return 0
	}
	return n
}
