package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"complaints/schema"
)

// Derive is how a taxonomy is made of the labels that rows have.
type Derive struct {
	MinRows int    // a label of fewer rows is refused, or goes into Rest
	Rest    string // name of the category of all rare labels; empty: there is none
}

// spellings are the ways in which one label is written.
type spellings struct {
	rows int
	of   map[string]int // rows by spelling
}

// Taxonomy derives a taxonomy from the labels of the rows that have a text: one
// category a label, the one with the most rows first. Spellings that differ in
// case or spacing alone are one label. Its name is that of the first file.
func (f Files) Taxonomy(ctx context.Context, d Derive, progress Progress) (*schema.Taxonomy, error) {
	counts, rows := map[string]*spellings{}, 0
	err := f.Complaints(ctx, progress, func(c *schema.Complaint) {
		rows++
		label := strings.Join(strings.Fields(c.Product), " ")
		key := schema.FoldLabel(label)
		if key == "" || strings.TrimSpace(c.Narrative) == "" {
			return
		}
		if counts[key] == nil {
			counts[key] = &spellings{of: map[string]int{}}
		}
		counts[key].rows++
		counts[key].of[label]++
	})
	if err != nil {
		return nil, err
	}
	if len(counts) == 0 {
		return nil, fmt.Errorf("%s: none of %d rows has both a text and a label; name the columns with --text-column and --label-column", f, rows)
	}
	labels := slices.SortedFunc(maps.Values(counts), func(a, b *spellings) int {
		return cmp.Or(cmp.Compare(b.rows, a.rows), cmp.Compare(a.name(), b.name()))
	})
	categories, err := d.categories(labels)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f, err)
	}
	t, err := schema.NewTaxonomy(taxonomyName(f.Paths[0]), categories)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f, err)
	}
	for _, l := range labels {
		progress("%6d rows: %s", l.rows, l.name())
	}
	return t, nil
}

// name is the most usual spelling.
func (s *spellings) name() string {
	return slices.SortedFunc(maps.Keys(s.of), func(a, b string) int { return cmp.Or(cmp.Compare(s.of[b], s.of[a]), cmp.Compare(a, b)) })[0]
}

// categories makes a category of each label, and one of the rare ones.
func (d Derive) categories(labels []*spellings) ([]schema.Category, error) {
	var out []schema.Category
	var rare []string
	var faults []error
	for _, l := range labels {
		switch {
		case l.rows >= d.MinRows:
			c := schema.Category{Name: l.name()}
			for _, label := range slices.Sorted(maps.Keys(l.of)) {
				if label != c.Name {
					c.Labels = append(c.Labels, label)
				}
			}
			out = append(out, c)
		case d.Rest == "":
			faults = append(faults, fmt.Errorf("the label %.60q has %d rows, and %d are wanted", l.name(), l.rows, d.MinRows))
		default:
			rare = append(rare, slices.Sorted(maps.Keys(l.of))...)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(append(faults, errors.New("put the rare labels together with --rest NAME, take fewer rows for enough with --min-class-rows, or say with --taxonomy which labels belong together"))...)
	}
	if len(rare) == 0 {
		return out, nil
	}
	for i := range out { // one of the labels may have the name of the rest
		if schema.FoldLabel(out[i].Name) == schema.FoldLabel(d.Rest) {
			out[i].Labels = append(out[i].Labels, rare...)
			return out, nil
		}
	}
	return append(out, schema.Category{Name: d.Rest, Labels: slices.DeleteFunc(rare, func(l string) bool { return l == d.Rest })}), nil
}

// taxonomyName makes a taxonomy's name of a file's.
func taxonomyName(path string) string {
	base, _, _ := strings.Cut(filepath.Base(path), ".")
	name := strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		}
		return '-'
	}, base)
	name = strings.Trim(name, "-")
	if name == "" {
		return "labels"
	}
	return name[:min(len(name), 40)]
}
