package fit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"complaints/internal/classifier"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
)

// oddProbes are texts that no complaint looks like.
var oddProbes = []string{
	"",
	"XXXX XXXX XX/XX/XXXX {$500.00}",
	"They don’t answer; I ca n't pay. They WON'T stop CALLING!!!",
	"pneumonoultramicroscopicsilicovolcanoconiosis 1234567890123456789012345678901234567890 ünïcödé 猫",
}

const (
	probeTexts    = 28 // beside the odd ones
	maxProbeBytes = 1500
)

// Seal packs a fitted model with what was found on held-out rows.
func (f *Fitter) Seal(m *Model, name string, metrics evaluate.Result, threshold float64) (map[string][]byte, error) {
	probes := f.probes(m.trained)
	predicted, err := m.predict(probes)
	if err != nil {
		return nil, err
	}
	manifest := classifier.Manifest{
		Features: m.features.Width(), Fields: f.fields, Mix: m.Mix, Trees: m.rounds * m.classes, Metrics: metrics.Metrics, ReviewThreshold: threshold,
		Reference: &metrics.Reference,
		Training:  classifier.Training{Recipe: f.recipe.Name, Seed: f.seed, Rows: len(m.trained), Rounds: m.rounds},
	}
	manifest.Training.From, manifest.Training.To = f.window(m.trained)
	for i, p := range probes {
		manifest.Probes = append(manifest.Probes, classifier.Probe{Text: p.text, Fields: p.fields, Probabilities: predicted[i].Probabilities})
	}
	parts, err := classifier.Seal(manifest, name, map[string][]byte{
		classifier.ModelPart: m.text, classifier.FeaturesPart: m.tables.Append(nil), classifier.TaxonomyPart: f.taxonomy.JSON(),
	})
	if err != nil {
		return nil, err
	}
	c, err := classifier.Load(parts)
	if err != nil {
		return nil, fmt.Errorf("the new bundle does not load: %w", err)
	}
	if err := c.FastPath(); err != nil {
		f.progress("the new bundle is served slowly: %v", err)
	}
	return parts, nil
}

// probes picks texts in an order that the seed gives, so that it does not follow the
// file's. Every other one has its fields, and so has an odd one a company that nobody knows.
func (f *Fitter) probes(rows []int) []complaint {
	var short []int
	for _, r := range rows {
		if len(f.examples[r].Text) <= maxProbeBytes {
			short = append(short, r)
		}
	}
	slices.SortFunc(short, func(a, b int) int {
		return cmp.Or(cmp.Compare(dataset.Mix(f.groups[a]^f.seed), dataset.Mix(f.groups[b]^f.seed)), cmp.Compare(f.examples[a].Text, f.examples[b].Text))
	})
	var probes []complaint
	for _, text := range oddProbes {
		probes = append(probes, complaint{text: text})
	}
	if len(f.fields) > 0 {
		probes[1].fields.Company = "Nobody Knows This Company, Inc."
	}
	for i, r := range short[:min(probeTexts, len(short))] {
		p := complaint{text: f.examples[r].Text}
		if len(f.fields) > 0 && i%2 == 0 {
			p.fields = f.examples[r].Fields
		}
		probes = append(probes, p)
	}
	return probes
}

// window is the first and last date of the rows that have one.
func (f *Fitter) window(rows []int) (from, to string) {
	for _, r := range rows {
		if d := f.examples[r].Date; d != "" {
			if from == "" || d < from {
				from = d
			}
			to = max(to, d)
		}
	}
	return from, to
}

// WriteBundle writes the parts to a directory, the manifest last: without it a
// bundle does not load.
func WriteBundle(dir string, parts map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	names, err := classifier.PartNames(parts[classifier.ManifestPart])
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), parts[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Report is metrics.json.
type Report struct {
	Recipe          string       `json:"recipe"`
	Seed            uint64       `json:"seed"`
	Rows            int          `json:"rows_read"`
	Left            dataset.Left `json:"left_out"`
	Folds           int          `json:"folds"` // each row was a test row of a model that saw neither it nor a near-copy
	ReviewThreshold float64      `json:"review_threshold"`
	ReviewCoverage  float64      `json:"review_coverage"` // share of rows at or above the threshold
	ReviewPrecision float64      `json:"review_precision_wanted"`
	evaluate.Result
}

// WriteReport writes metrics.json to a directory.
func WriteReport(dir string, r Report) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "metrics.json"), append(raw, '\n'), 0o644)
}
