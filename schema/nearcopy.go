package schema

import (
	"fmt"
	"hash/fnv"
	"unicode"
	"unicode/utf8"
)

// nearCopyLength is how many letters and digits of two texts must agree for
// them to count as near-copies.
const nearCopyLength = 220

// fewLetters of ASCII do not tell one text from another: it may be in other letters.
const fewLetters = 20

// NearCopyKey is NearCopyHash as 16 hex digits.
func NearCopyKey(text string) string { return fmt.Sprintf("%016x", NearCopyHash(text)) }

// NearCopyHash is equal in texts whose first 220 letters and digits are, in
// lower case: template letters differ in names and sums further down. Letters and
// digits are those of ASCII, and of all scripts in a text that has few of those.
func NearCopyHash(text string) uint64 {
	key := make([]byte, 0, nearCopyLength+utf8.UTFMax)
	for i := 0; i < len(text) && len(key) < nearCopyLength; i++ {
		c := text[i]
		if isLetter(c) {
			key = append(key, c|0x20)
		} else if isDigit(c) {
			key = append(key, c)
		}
	}
	if len(key) < fewLetters {
		key = key[:0]
		for _, r := range text {
			if len(key) >= nearCopyLength {
				break
			}
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				key = utf8.AppendRune(key, unicode.ToLower(r))
			}
		}
	}
	h := fnv.New64a()
	_, _ = h.Write(key)
	return h.Sum64()
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
