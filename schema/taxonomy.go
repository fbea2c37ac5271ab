package schema

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Taxonomy is the list of categories that a model tells apart. It is data: each
// bundle carries its own. A parsed one is complete and must not be changed.
type Taxonomy struct {
	Name       string     `json:"name"`
	Categories []Category `json:"categories"` // in the order of their codes; the first has code 0

	id    string
	codes map[string]int // by label and by name, as they stand and folded
}

// Category is one answer of a model.
type Category struct {
	Name        string   `json:"name"` // as results, tables and pages show it
	Description string   `json:"description,omitempty"`
	Labels      []string `json:"labels,omitempty"` // product names, queues and the like that mean it
}

// A taxonomy has from MinCategories to MaxCategories categories, whose names have
// at most MaxCategoryName characters.
const (
	MinCategories   = 2
	MaxCategories   = 100
	MaxCategoryName = 100
)

//go:embed taxonomies/bureau.json
var bureauJSON []byte

var bureau = func() *Taxonomy {
	t, err := ParseTaxonomy(bureauJSON)
	if err != nil {
		panic(err) // a test parses the same bytes
	}
	return t
}()

// Bureau returns the default taxonomy: the five subjects that the products of the
// US Consumer Financial Protection Bureau, old and new, fall into.
func Bureau() *Taxonomy { return bureau }

// ParseTaxonomy reads a taxonomy's JSON (taxonomy.schema.json). The error names all faults.
func ParseTaxonomy(data []byte) (*Taxonomy, error) {
	var t Taxonomy
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("taxonomy: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("taxonomy: something follows the object")
	}
	return NewTaxonomy(t.Name, t.Categories)
}

// NewTaxonomy completes a taxonomy of the given categories, in the order of their
// codes. The error names all faults.
func NewTaxonomy(name string, categories []Category) (*Taxonomy, error) {
	t := &Taxonomy{Name: name, Categories: categories, codes: map[string]int{}}
	if err := errors.Join(t.check()...); err != nil {
		return nil, fmt.Errorf("taxonomy %.40q: %w", name, err)
	}
	sum := sha256.Sum256(t.JSON())
	t.id = name + "-" + hex.EncodeToString(sum[:8])
	return t, nil
}

var taxonomyName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// check fills codes and returns the faults.
func (t *Taxonomy) check() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !taxonomyName.MatchString(t.Name) {
		fault("the name must be 1 to 40 small letters, digits, - and _, and begin with a letter or a digit")
	}
	if n := len(t.Categories); n < MinCategories || n > MaxCategories {
		fault("there are %d categories and may be %d to %d", n, MinCategories, MaxCategories)
	}
	for code, c := range t.Categories {
		switch {
		case strings.TrimSpace(c.Name) != c.Name || c.Name == "":
			fault("category %d: the name %.40q is empty, or begins or ends with a space", code, c.Name)
		case !utf8.ValidString(c.Name) || strings.ContainsFunc(c.Name, unicode.IsControl):
			fault("category %d: the name %.40q has a character that cannot be shown", code, c.Name)
		case utf8.RuneCountInString(c.Name) > MaxCategoryName:
			fault("category %d: the name %.40q… is longer than %d characters", code, c.Name, MaxCategoryName)
		}
		for _, label := range append([]string{c.Name}, c.Labels...) {
			folded := FoldLabel(label)
			if folded == "" {
				fault("category %d (%.40q): %.40q has no letter or digit", code, c.Name, label)
				continue
			}
			if other, taken := t.codes[folded]; taken && other != code {
				fault("%.60q means both category %d (%.40q) and category %d (%.40q)", label, other, t.Categories[other].Name, code, c.Name)
				continue
			}
			t.codes[folded], t.codes[label] = code, code
		}
	}
	return faults
}

// ID is the taxonomy's version: its name and the hash of its content. Equal IDs
// have equal categories in an equal order.
func (t *Taxonomy) ID() string { return t.id }

// Len is how many categories there are.
func (t *Taxonomy) Len() int { return len(t.Categories) }

// Names returns the categories' names in the order of their codes.
func (t *Taxonomy) Names() []string {
	names := make([]string, len(t.Categories))
	for code, c := range t.Categories {
		names[code] = c.Name
	}
	return names
}

// CategoryName is the name of the category of a code, and "unknown" if there is none.
func (t *Taxonomy) CategoryName(code int) string {
	if code < 0 || code >= len(t.Categories) {
		return "unknown"
	}
	return t.Categories[code].Name
}

// Code returns the code of the category that a label means: one of its labels or
// its name, where case, spacing and the punctuation between words do not matter.
// An unknown label is no error: it only means that there is no true category.
func (t *Taxonomy) Code(label string) (int, bool) {
	code, ok := t.codes[label]
	if !ok && label != "" {
		code, ok = t.codes[FoldLabel(label)]
	}
	return code, ok
}

// JSON writes the taxonomy as ParseTaxonomy reads it. Equal taxonomies give equal bytes.
func (t *Taxonomy) JSON() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(t); err != nil {
		panic(err) // strings and slices only
	}
	return b.Bytes()
}

// FoldLabel makes spellings of one label equal: it lower-cases letters and drops
// spacing and the punctuation that stands between words. Signs that tell names
// apart, as in C++ and C#, stay.
func FoldLabel(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune(`_-–,.;:/\'"()&`, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}
