package classifier

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// A token is a maximal run of ASCII letters and digits, in lower case; all other
// bytes only separate. The Bureau's masks (XXXX) are tokens too.

// padding is how many zero bytes follow a text in a scratch buffer, so that
// sixteen bytes can be loaded from any place of it, and 64 from every 64th.
const padding = 64

// word is a token of up to sixteen bytes as two integers, lower case, filled
// up with zeros. Tokens hold no zero bytes, so two tokens are equal exactly
// when their words and lengths are, and for up to sixteen bytes when their
// words are.
type word struct{ lo, hi uint64 }

const (
	maxShort   = 16
	lowerCase  = 0x2020202020202020 // sets the case bit of letters and leaves digits as they are
	allXs      = 0x7878787878787878
	hashFactor = 0x9E3779B97F4A7C15
)

// tokenByte says which bytes belong to tokens.
var tokenByte = func() (t [256]bool) {
	for c := range 256 {
		t[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	return t
}()

// lowMasks and highMasks keep the first n bytes of sixteen loaded little-endian
// as two integers.
var lowMasks, highMasks = func() (low, high [maxShort + 1]uint64) {
	for n := range low {
		low[n] = ^uint64(0) >> (64 - 8*min(n, 8))
		high[n] = ^uint64(0) >> (64 - 8*max(n-8, 0))
	}
	return low, high
}()

// loadWord reads the first sixteen bytes of the token buf[i:j] of a padded buffer.
func loadWord(buf []byte, i, j int) word {
	n := min(j-i, maxShort)
	b := (*[maxShort]byte)(buf[i:])
	return word{
		lo: (binary.LittleEndian.Uint64(b[:8]) | lowerCase) & lowMasks[n],
		hi: (binary.LittleEndian.Uint64(b[8:]) | lowerCase) & highMasks[n],
	}
}

// eachByte repeats a byte in all eight of an integer.
const eachByte = 0x0101010101010101

// tokenEdges returns where the tokens of a padded buffer begin and end, in turn,
// in the memory of edges. It looks at 64 bytes at a time, because a jump a byte is
// guessed wrong at the ends of nearly every token.
func tokenEdges(edges []int32, buf []byte, size int) []int32 {
	edges = edges[:0]
	inside := uint64(0) // 1 if the byte before is a token's
	for at := 0; at <= size; at += 64 {
		edges = slices.Grow(edges, 64)
		tokens := tokenBits((*[64]byte)(buf[at:]))
		n, out := len(edges), edges[:cap(edges)]
		for changes := tokens ^ (tokens<<1 | inside); changes != 0; changes &= changes - 1 {
			out[n] = int32(at + bits.TrailingZeros64(changes))
			n++
		}
		edges, inside = out[:n], tokens>>63
	}
	return edges
}

// tokenBits says of 64 bytes which belong to tokens, the first in the lowest bit.
func tokenBits(b *[64]byte) (tokens uint64) {
	for i := 0; i < 64; i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		low := x &^ (0x80 * eachByte)
		letter := low | lowerCase
		// The highest bit of each byte says whether it is at least the first and not above the last.
		letters := (letter + (0x80-'a')*eachByte) &^ (letter + (0x80-'z'-1)*eachByte)
		digits := (low + (0x80-'0')*eachByte) &^ (low + (0x80-'9'-1)*eachByte)
		of := ((letters | digits) &^ x) & (0x80 * eachByte)
		tokens |= of >> 7 * gather >> 56 << i
	}
	return tokens
}

// gather brings the lowest bits of the eight bytes of an integer together in its
// highest byte, by multiplication.
const gather = 0x0102040810204080

// mask says whether the token is nothing but the letter x, as the Bureau masks
// names and numbers. rest are the token's bytes after the first sixteen.
func (w word) mask(n int, rest []byte) bool {
	n = min(n, maxShort)
	if w.lo != allXs&lowMasks[n] || w.hi != allXs&highMasks[n] {
		return false
	}
	for _, c := range rest {
		if c|0x20 != 'x' {
			return false
		}
	}
	return true
}

func (w word) hash() uint64 {
	h := (w.lo ^ w.hi*0xC2B2AE3D27D4EB4F) * hashFactor
	return h ^ h>>32
}

// VisitTokens calls visit for each token of the text in turn. The token is
// lower case and only valid during the call; masked says that it is one of the
// Bureau's masks. It is what training counts terms with.
func VisitTokens(text []byte, visit func(token []byte, masked bool)) {
	buf := pad(nil, text)
	var token []byte
	edges := tokenEdges(nil, buf, len(text))
	for k := 0; k < len(edges); k += 2 {
		i, j := int(edges[k]), int(edges[k+1])
		token = token[:0]
		for _, c := range buf[i:j] {
			token = append(token, c|0x20)
		}
		visit(token, loadWord(buf, i, j).mask(j-i, token[min(maxShort, j-i):]))
	}
}

// pad copies the text into buf and fills it up with zeros.
func pad(buf, text []byte) []byte {
	var zeros [padding]byte
	buf = append(buf[:0], text...)
	return append(buf, zeros[:]...)
}

// StopWords are left out of pairs of content words. They are a closed set of
// English function words, and the pieces that contractions leave.
func StopWords() []string { return stopWords }

var stopWords = []string{
	"a", "about", "above", "after", "again", "against", "all", "also", "am", "an", "and", "any", "are", "as", "at",
	"be", "because", "been", "before", "being", "below", "between", "both", "but", "by", "can", "could", "d", "did",
	"do", "does", "doing", "don", "down", "during", "each", "few", "for", "from", "further", "had", "has", "have", "having",
	"he", "her", "here", "hers", "herself", "him", "himself", "his", "how", "i", "if", "in", "into", "is", "it",
	"its", "itself", "just", "ll", "m", "me", "more", "most", "my", "myself", "n", "no", "nor", "not", "now", "of",
	"off", "on", "once", "only", "or", "other", "our", "ours", "ourselves", "out", "over", "own", "re", "s", "same",
	"she", "should", "so", "some", "such", "t", "than", "that", "the", "their", "theirs", "them", "themselves",
	"then", "there", "these", "they", "this", "those", "through", "to", "too", "under", "until", "up", "ve", "very",
	"was", "we", "were", "what", "when", "where", "which", "while", "who", "whom", "why", "will", "with", "would",
	"you", "your", "yours", "yourself", "yourselves",
}
