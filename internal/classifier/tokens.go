package classifier

import "encoding/binary"

// Token rules, the same in training and serving:
//   - A token is a maximal run of ASCII letters and digits, in lower case; all
//     other bytes only separate. The Bureau's masks (XXXX) are tokens too.
//   - A contraction with n't gives the same tokens written together or apart
//     ("don't" and the older "do n't" are do, n, t), because how it was written
//     tells the year of a complaint and not its subject.

// padding is how many zero bytes follow a text in a scratch buffer, so that
// sixteen bytes can be loaded from any place of it.
const padding = 32

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

// lowMask keeps the first n bytes of an integer loaded little-endian.
var lowMask = [9]uint64{0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF}

// loadWord reads the first sixteen bytes of the token buf[i:j] of a padded buffer.
func loadWord(buf []byte, i, j int) word {
	n := j - i
	lo := binary.LittleEndian.Uint64(buf[i:]) | lowerCase
	if n <= 8 {
		return word{lo: lo & lowMask[n]}
	}
	hi := binary.LittleEndian.Uint64(buf[i+8:]) | lowerCase
	return word{lo: lo, hi: hi & lowMask[min(n-8, 8)]}
}

// mask says whether the token is nothing but the letter x, as the Bureau masks
// names and numbers. rest are the token's bytes after the first sixteen.
func (w word) mask(n int, rest []byte) bool {
	if n <= 8 {
		return w.lo == allXs&lowMask[n]
	}
	if w.lo != allXs || w.hi != allXs&lowMask[min(n-8, 8)] {
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

// contraction says whether the token buf[i:j] of a padded buffer is the front
// of a contraction with n't, so that its last letter is a token of its own.
func contraction(buf []byte, i, j int) bool {
	if j-i < 3 || buf[j-1]|0x20 != 'n' {
		return false
	}
	switch {
	case buf[j] == '\'':
		j++
	case buf[j] == 0xE2 && buf[j+1] == 0x80 && buf[j+2] == 0x99: // typographic apostrophe
		j += 3
	default:
		return false
	}
	return buf[j]|0x20 == 't' && !tokenByte[buf[j+1]]
}

// VisitTokens calls visit for each token of the text in turn. The token is
// lower case and only valid during the call; masked says that it is one of the
// Bureau's masks. It is what training counts terms with.
func VisitTokens(text []byte, visit func(token []byte, masked bool)) {
	buf := pad(nil, text)
	var token []byte
	emit := func(i, j int) {
		token = token[:0]
		for _, c := range buf[i:j] {
			token = append(token, c|0x20)
		}
		w := loadWord(buf, i, j)
		visit(token, w.mask(j-i, buf[min(i+maxShort, j):j]))
	}
	for i := 0; i < len(text); {
		if !tokenByte[buf[i]] {
			i++
			continue
		}
		j := i + 1
		for tokenByte[buf[j]] {
			j++
		}
		if contraction(buf, i, j) {
			emit(i, j-1)
			emit(j-1, j)
		} else {
			emit(i, j)
		}
		i = j
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
	"do", "does", "doing", "down", "during", "each", "few", "for", "from", "further", "had", "has", "have", "having",
	"he", "her", "here", "hers", "herself", "him", "himself", "his", "how", "i", "if", "in", "into", "is", "it",
	"its", "itself", "just", "ll", "m", "me", "more", "most", "my", "myself", "n", "no", "nor", "not", "now", "of",
	"off", "on", "once", "only", "or", "other", "our", "ours", "ourselves", "out", "over", "own", "re", "s", "same",
	"she", "should", "so", "some", "such", "t", "than", "that", "the", "their", "theirs", "them", "themselves",
	"then", "there", "these", "they", "this", "those", "through", "to", "too", "under", "until", "up", "ve", "very",
	"was", "we", "were", "what", "when", "where", "which", "while", "who", "whom", "why", "will", "with", "would",
	"you", "your", "yours", "yourself", "yourselves",
}
