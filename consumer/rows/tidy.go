package rows

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What copying out of pages and programs leaves behind.
var artefacts = strings.NewReplacer(
	`\r\n`, "\n", `\n`, "\n", `\r`, "\n", `\t`, " ",
	"&nbsp;", " ", "&#160;", " ", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#34;", `"`, "&apos;", "'", "&#39;", "'", "&amp;", "&",
)

// Tidy makes a text one that differs from another only where their words do:
// every kind of space is a space and there is one at a time, a line break is a
// line feed and there are at most two, what cannot be seen is gone, digits and
// letters of full width are of usual width, and character references of HTML
// and escaped line breaks are what they stand for. Words stay as they are; a
// model's features would see a difference there.
func Tidy(text string) string {
	if strings.ContainsAny(text, `\&`) {
		text = artefacts.Replace(text)
	}
	if isTidy(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	spaces, breaks := 0, 0
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for i := 0; i < len(text); {
		end := plainRun(text, i)
		if end == i {
			r, size := utf8.DecodeRuneInString(text[i:])
			i += size
			switch r = plain(r); r {
			case ' ':
				spaces++
				continue
			case '\n':
				breaks++
				continue
			case invisible:
				continue
			}
			separate(&b, spaces, breaks)
			b.WriteRune(r)
		} else {
			separate(&b, spaces, breaks)
			b.WriteString(text[i:end])
			i = end
		}
		spaces, breaks = 0, 0
	}
	return b.String()
}

// separate writes what stands for the white space before more text.
func separate(b *strings.Builder, spaces, breaks int) {
	switch {
	case b.Len() == 0:
	case breaks > 1:
		b.WriteString("\n\n")
	case breaks == 1:
		b.WriteByte('\n')
	case spaces > 0:
		b.WriteByte(' ')
	}
}

// plainRun returns where visible characters of ASCII that begin at i end, with
// single spaces between them; i if there is none.
func plainRun(text string, i int) int {
	from := i
	for ; i < len(text); i++ {
		between := i > from && text[i] == ' ' && i+1 < len(text) && isVisible(text[i+1])
		if !isVisible(text[i]) && !between {
			break
		}
	}
	return i
}

func isVisible(c byte) bool { return c > ' ' && c < 0x7f }

// invisible stands for runes that are dropped.
const invisible = -1

// plain maps a rune to what a tidy text has in its place.
func plain(r rune) rune {
	switch {
	case r > ' ' && r < 0x7f:
		return r
	case r == '\n' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029:
		return '\n'
	case r == '\t' || r == '\v' || r == '\f' || unicode.Is(unicode.Zs, r):
		return ' '
	case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
		return invisible
	case r >= 0xff01 && r <= 0xff5e:
		return r - 0xff01 + '!'
	}
	return r
}

// isTidy says whether a text is plain ASCII without anything to tidy, or might
// not be.
func isTidy(text string) bool {
	before := byte('\n')
	for i := range len(text) {
		c := text[i]
		if c >= 0x7f || c < ' ' || (c == ' ' && (before == ' ' || before == '\n')) {
			return false
		}
		before = c
	}
	return before != ' '
}
