package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"complaints/internal/lake"
	"complaints/schema"
)

// summary is what gold says of its complaints.
type summary struct {
	Rows       int64             `json:"gold_rows"`
	Objects    int64             `json:"gold_objects"`
	Foreign    int64             `json:"foreign_rows"` // records that are no classified complaint, or were erased
	Known      int64             `json:"known"`        // rows whose true category is known
	Right      int64             `json:"right"`        // of these
	Accuracy   float64           `json:"accuracy"`     // Right / Known
	Categories []categorySummary `json:"categories"`   // by code, then by name: those of several taxonomies share codes

	byName map[string]*categorySummary
}

type categorySummary struct {
	Category        string  `json:"category"`
	Count           int64   `json:"count"`
	MeanProbability float64 `json:"mean_probability"`
	Known           int64   `json:"known"`
	Right           int64   `json:"right"`
	NeedsReview     int64   `json:"needs_review"`

	code int32
}

func runSummary(ctx context.Context, cfg *summaryConfig, stdout io.Writer) error {
	store, err := lake.OpenExisting(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	s, err := summarize(ctx, store, cfg.Day)
	if err != nil {
		return fmt.Errorf("lake %s: %w", cfg.Lake.URL, err)
	}
	if cfg.JSON {
		return json.NewEncoder(stdout).Encode(s)
	}
	return s.print(stdout)
}

// summarize reads gold, one object at a time, of one day or of all.
func summarize(ctx context.Context, store lake.Store, day string) (*summary, error) {
	s := &summary{byName: map[string]*categorySummary{}}
	prefix := lake.LayerPrefix(schema.Gold)
	if day != "" {
		prefix += "dt=" + day + "/"
	}
	for page, err := range lake.Pages(ctx, store, prefix) {
		if err != nil {
			return nil, fmt.Errorf("list gold: %w", err)
		}
		for _, info := range page {
			if err := s.addObject(ctx, store, info.Key); err != nil {
				return nil, fmt.Errorf("read %s: %w", info.Key, err)
			}
		}
	}
	if s.Objects == 0 {
		return nil, fmt.Errorf("there is no object below %s", prefix)
	}
	s.finish()
	return s, nil
}

func (s *summary) addObject(ctx context.Context, store lake.Store, key string) error {
	s.Objects++
	return lake.EachRowOf(ctx, store, key, func(row *schema.GoldRow) error {
		s.Rows++
		if row.RecordError != nil || row.Category == "" {
			s.Foreign++
			return nil
		}
		c := s.byName[row.Category]
		if c == nil {
			c = &categorySummary{Category: row.Category, code: row.CategoryCode}
			s.byName[row.Category] = c
		}
		c.Count++
		c.MeanProbability += row.Probability
		if row.NeedsReview {
			c.NeedsReview++
		}
		if row.TrueCategory != nil {
			c.Known++
			if *row.TrueCategory == row.Category {
				c.Right++
			}
		}
		return nil
	})
}

func (s *summary) finish() {
	for _, c := range s.byName {
		c.MeanProbability /= float64(c.Count)
		s.Known += c.Known
		s.Right += c.Right
		s.Categories = append(s.Categories, *c)
	}
	slices.SortFunc(s.Categories, func(a, b categorySummary) int {
		return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.Category, b.Category))
	})
	if s.Known > 0 {
		s.Accuracy = float64(s.Right) / float64(s.Known)
	}
}

func (s *summary) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "category\tcomplaints\tmean probability\tright\tneed review\t")
	for _, c := range s.Categories {
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%s\t%d\t\n", c.Category, c.Count, c.MeanProbability, rightOf(c.Right, c.Known), c.NeedsReview)
	}
	fmt.Fprintf(t, "all\t%d\t\t%s\t\t\n", s.Rows-s.Foreign, rightOf(s.Right, s.Known))
	return t.Flush()
}

// rightOf says how many of those whose product is known were right.
func rightOf(right, known int64) string {
	if known == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%d of %d (%.1f%%)", right, known, 100*float64(right)/float64(known))
}
