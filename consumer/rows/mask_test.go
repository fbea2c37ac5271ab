package rows

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var marked = regexp.MustCompile(`«(\w+):([^»]*)»`)

// crafted returns the crafted texts, one a line.
func crafted(t testing.TB) []string {
	t.Helper()
	f, err := os.Open("testdata/masking.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if !strings.HasPrefix(s.Text(), "#") {
			lines = append(lines, s.Text())
		}
	}
	return lines
}

func TestMaskingOfCraftedTexts(t *testing.T) {
	lines := crafted(t)
	if len(lines) < 200 {
		t.Fatalf("%d texts, want at least 200", len(lines))
	}
	for _, line := range lines {
		text, want := marked.ReplaceAllString(line, "$2"), marked.ReplaceAllString(line, Mask)
		counts := map[string]int{}
		for _, m := range marked.FindAllStringSubmatch(line, -1) {
			counts[m[1]]++
		}
		got, n := MaskPersonal(text)
		if got != want {
			t.Errorf("%q\n gives %q\n want  %q", text, got, want)
			continue
		}
		for kind, c := range n.ByKind {
			if c != counts[kind] {
				t.Errorf("%q: %d masked as %s, want %d", text, c, kind, counts[kind])
			}
		}
		if again, _ := MaskPersonal(got); again != got {
			t.Errorf("%q\n masked again is %q", got, again)
		}
	}
}

// What must not be found in a masked text, said in another way than the masking
// itself does.
var leaks = map[string]*regexp.Regexp{
	"e-mail": regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}`),
	"phone":  regexp.MustCompile(`(^|[^\d$.,-])(\+?1[-. ])?(\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}($|[^\d-])`),
	"ssn":    regexp.MustCompile(`(^|[^\d-])\d{3}-\d{2}-\d{4}($|[^\d-])`),
	"digits": regexp.MustCompile(`(^|[^\d$.,])\d{9,}`),
}

var cardLike = regexp.MustCompile(`(^|[^\d-])(\d{13,19}|\d{4}([ -])\d{4}[ -]\d{4}[ -]\d{4}|\d{4}[ -]\d{6}[ -]\d{5})($|[^\d-])`)

func leak(text string) string {
	for kind, form := range leaks {
		if m := form.FindString(text); m != "" {
			return fmt.Sprintf("%s %q", kind, m)
		}
	}
	for _, m := range cardLike.FindAllString(text, -1) {
		digits := regexp.MustCompile(`\D`).ReplaceAllString(m, "")
		if luhn(digits) {
			return fmt.Sprintf("card %q", m)
		}
	}
	return ""
}

// unchangedAround says whether a masked text is the text with parts of it
// replaced by masks, and nothing else changed.
func unchangedAround(text, masked string) bool {
	for i, part := range strings.Split(masked, Mask) {
		at := strings.Index(text, part)
		if at < 0 || (i == 0 && at != 0) {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}

func TestMaskingProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + rng.IntN(10)))
		}
		return b.String()
	}
	card := func() string {
		body := fmt.Sprint(2+rng.IntN(5)) + digits(14)
		for d := range 10 {
			if n := body + fmt.Sprint(d); luhn(n) {
				return n
			}
		}
		panic("no check digit")
	}
	words := strings.Fields("I was charged {$500.00} twice on XX/XX/2019 by XXXX ; they said 3 times no , and in 2021 it was 29.99% again . \n")
	kinds := []func() string{
		func() string { return fmt.Sprintf("user%s@mail%d.example.com", digits(3), rng.IntN(9)) },
		func() string { return "(" + digits(3) + ") " + digits(3) + "-" + digits(4) },
		func() string { return digits(3) + "-" + digits(3) + "-" + digits(4) },
		func() string { return "+1 " + digits(3) + " " + digits(3) + " " + digits(4) },
		func() string { return digits(3) + "-" + digits(2) + "-" + digits(4) },
		card,
		func() string {
			c := card()
			return c[:4] + " " + c[4:8] + " " + c[8:12] + " " + c[12:]
		},
		func() string { return digits(9 + rng.IntN(12)) },
	}
	for range 20_000 {
		var parts, secrets []string
		for range 5 + rng.IntN(20) {
			if rng.IntN(5) == 0 {
				secret := kinds[rng.IntN(len(kinds))]()
				secrets = append(secrets, secret)
				parts = append(parts, secret, slices.Concat([]string{"then"}, words)[rng.IntN(len(words))])
			} else {
				parts = append(parts, words[rng.IntN(len(words))])
			}
		}
		text := strings.Join(parts, " ")
		masked, n := MaskPersonal(text)
		if l := leak(masked); l != "" {
			t.Fatalf("%q\n gives %q\n with %s", text, masked, l)
		}
		for _, s := range secrets {
			if strings.Contains(masked, s) {
				t.Fatalf("%q\n gives %q\n with %q", text, masked, s)
			}
		}
		if !unchangedAround(text, masked) {
			t.Fatalf("%q\n gives %q, which changes more than masks", text, masked)
		}
		if total := n.Email + n.Phone + n.SSN + n.Card + n.Account; (total == 0) != (len(secrets) == 0) {
			t.Fatalf("%q\n gives %q and counts %+v", text, masked, n)
		}
	}
}

func FuzzMaskPersonal(f *testing.F) {
	for _, line := range crafted(f) {
		f.Add(marked.ReplaceAllString(line, "$2"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = Tidy(text)
		masked, _ := MaskPersonal(text)
		done, want := 0, ""
		for _, s := range personal(text) {
			if s.from < done || s.to <= s.from || s.to > len(text) {
				t.Fatalf("%q: the part %d to %d follows %d", text, s.from, s.to, done)
			}
			want += text[done:s.from] + Mask
			done = s.to
		}
		if want += text[done:]; want != masked || utf8.ValidString(text) && !utf8.ValidString(masked) {
			t.Errorf("%q gives %q", text, masked)
		}
		if l := leak(masked); strings.HasPrefix(l, "card") {
			t.Errorf("%q gives %q with %s", text, masked, l)
		}
	})
}

func TestTidy(t *testing.T) {
	for in, want := range map[string]string{
		"plain text, as it is.":            "plain text, as it is.",
		"  two   spaces  ":                 "two spaces",
		"tab\tand\u00a0nbsp\u2003em":       "tab and nbsp em",
		"line\r\nbreak\rhere":              "line\nbreak\nhere",
		"many \n \n\n lines":               "many\n\nlines",
		"zero\u200bwidth\ufeff soft\u00ad": "zerowidth soft",
		"bell\x07 and del\x7f":             "bell and del",
		`escaped\nbreak\r\nand\ttab`:       "escaped\nbreak\nand tab",
		"AT&amp;T &lt;b&gt; &quot;x&#39;s": `AT&T <b> "x's`,
		"１２３－４５－６７８９":                      "123-45-6789",
		"do n't join words":                "do n't join words",
		"it’s “quoted” – fine":             "it’s “quoted” – fine",
		"a\u200b b \u200b c\u200bd":        "a b cd",
		"a \n b\n c":                       "a\nb\nc",
		"café  au lait ":                   "café au lait",
		"{$500.00} on XX/XX/2019":          "{$500.00} on XX/XX/2019",
		"":                                 "",
		" \n ":                             "",
	} {
		got := Tidy(in)
		if got != want {
			t.Errorf("Tidy(%q) = %q, want %q", in, got, want)
		}
		if again := Tidy(got); again != got {
			t.Errorf("Tidy(%q) = %q, not itself", got, again)
		}
	}
}

// tidyByRune is Tidy without a shortcut.
func tidyByRune(text string) string {
	var b strings.Builder
	spaces, breaks := 0, 0
	for _, r := range strings.ReplaceAll(artefacts.Replace(text), "\r\n", "\n") {
		switch r = plain(r); r {
		case ' ':
			spaces++
		case '\n':
			breaks++
		case invisible:
		default:
			separate(&b, spaces, breaks)
			spaces, breaks = 0, 0
			b.WriteRune(r)
		}
	}
	return b.String()
}

func FuzzTidy(f *testing.F) {
	f.Add("two  spaces\r\n and a\u200b b &amp; \\n é \xff")
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := Tidy(text), tidyByRune(text); got != want {
			t.Errorf("Tidy(%q) = %q, want %q", text, got, want)
		}
	})
}

func BenchmarkMaskPersonal(b *testing.B) {
	text := strings.Repeat("I was charged {$500.00} twice on XX/XX/2019 by XXXX; they called 555-123-4567 and said no, 29.99% again. ", 10)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		MaskPersonal(Tidy(text))
	}
}
