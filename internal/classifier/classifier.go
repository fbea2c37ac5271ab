// Package classifier says which category of its model's taxonomy a complaint's
// text is about, and how sure it is.
//
// In comes a bundle, which the trainer wrote, and then text after text; out
// comes a probability a category. A bundle has four parts: the LightGBM model
// (model.txt), the tables that turn text into features (features.bin), the
// taxonomy (taxonomy.json) and a manifest (manifest.json), which says what both must be and carries probe
// texts with the probabilities that the trainer saw. Load refuses a bundle
// whose probes it cannot reproduce, so what serves is what was trained.
//
// The trainer turns text into features with this same code. Nothing here has
// state on disk, so nothing is lost in a crash.
package classifier

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/dmitryikh/leaves"

	"complaints/schema"
)

const (
	// probeTolerance is how far a probe's probabilities may be from what
	// LightGBM gave the trainer.
	probeTolerance = 1e-9
	// fastTolerance is how far the fast evaluator may be from leaves.
	fastTolerance = 1e-12
)

// Classifier is a loaded bundle. It is immutable and may be shared; every
// goroutine needs its own Scratch.
type Classifier struct {
	manifest  Manifest
	taxonomy  *schema.Taxonomy
	features  *Features
	reference *leaves.Ensemble
	fast      *evaluator // nil if refused
	fastErr   error
	trees     []tree // for explanations
}

// Prediction is what the model says of a text.
type Prediction struct {
	Probabilities []float64 // by category code; their sum is 1; the Scratch's own, until its next use
	Category      int       // the code of the most probable one
	Probability   float64   // of Category
	NeedsReview   bool      // Category is not sure enough (see Sureness), or the text says too little
	UnknownWords  float64   // share of the text's words that the model does not know
}

// Load checks a bundle, given as part name → content, and makes it ready to
// predict. The error names the part that is at fault.
func Load(parts map[string][]byte) (*Classifier, error) {
	m, taxonomy, err := openManifest(parts)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	tables, err := ReadTables(parts[FeaturesPart], taxonomy.Len())
	if err != nil {
		return nil, fmt.Errorf("bundle %s: %s: %w", m.Version, FeaturesPart, err)
	}
	c := &Classifier{manifest: m, taxonomy: taxonomy}
	if c.features, err = NewFeatures(tables); err != nil {
		return nil, fmt.Errorf("bundle %s: %s: %w", m.Version, FeaturesPart, err)
	}
	if err := c.checkFields(tables); err != nil {
		return nil, fmt.Errorf("bundle %s: %s: %w", m.Version, FeaturesPart, err)
	}
	if w := c.features.Width(); w != m.Features {
		return nil, fmt.Errorf("bundle %s: %s: has %d features and the manifest says %d", m.Version, FeaturesPart, w, m.Features)
	}
	if err := c.loadModel(parts[ModelPart]); err != nil {
		return nil, fmt.Errorf("bundle %s: %s: %w", m.Version, ModelPart, err)
	}
	if err := c.checkProbes(); err != nil {
		return nil, fmt.Errorf("bundle %s: %w", m.Version, err)
	}
	return c, nil
}

// checkFields compares the fields of the tables with those that the manifest names.
func (c *Classifier) checkFields(t *Tables) error {
	var names []string
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, c.manifest.Fields) {
		return fmt.Errorf("has the fields %q and the manifest says %q", names, c.manifest.Fields)
	}
	return nil
}

func (c *Classifier) loadModel(text []byte) error {
	var err error
	if c.trees, err = parseModel(text, c.features.Width(), c.taxonomy.Len()); err != nil {
		return err
	}
	if len(c.trees) != c.manifest.Trees {
		return fmt.Errorf("has %d trees and the manifest says %d", len(c.trees), c.manifest.Trees)
	}
	c.reference, err = leaves.LGEnsembleFromReader(bufio.NewReader(bytes.NewReader(text)), true)
	if err != nil {
		return err
	}
	if n, k := c.reference.NFeatures(), c.reference.NOutputGroups(); n != c.features.Width() || k != c.taxonomy.Len() {
		return fmt.Errorf("leaves reads %d features and %d classes", n, k)
	}
	counts := func(column int) bool { return column >= c.features.scores }
	c.fast = newEvaluator(c.trees, c.features.Width(), c.taxonomy.Len(), counts)
	if d := c.fast.dense; len(d) > 0 && counts(int(d[len(d)-1])) {
		c.fast, c.fastErr = nil, fmt.Errorf("fast evaluator refused: zeros of feature %d take another branch than larger counts", d[len(d)-1])
	}
	return nil
}

// checkProbes compares the probe texts' probabilities by leaves with the
// trainer's, and those of the fast evaluator with leaves'.
func (c *Classifier) checkProbes() error {
	s := c.NewScratch()
	for i, p := range c.manifest.Probes {
		c.features.score([]byte(p.Text), p.Fields, s)
		err := c.scoreReference(s)
		if err != nil {
			return fmt.Errorf("%s: probe %d: %w", ModelPart, i, err)
		}
		want := slices.Clone(s.probabilities)
		if d := distance(want, p.Probabilities); !(d <= probeTolerance) {
			return fmt.Errorf("%s: probe %d is not reproduced: its probabilities differ by %v from what the trainer saw", ManifestPart, i, d)
		}
		if c.fast == nil {
			continue
		}
		ok := c.scoreFast(s)
		if d := distance(s.probabilities, want); !ok || !(d <= fastTolerance) {
			c.fast, c.fastErr = nil, fmt.Errorf("fast evaluator refused: probe %d differs by %v from the reference, covered %t", i, d, ok)
		}
	}
	return nil
}

func distance(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		d = max(d, math.Abs(a[i]-b[i]))
	}
	return d
}

// LoadVersion is Load, and makes sure that the bundle is the version that was
// asked for.
func LoadVersion(parts map[string][]byte, version string) (*Classifier, error) {
	c, err := Load(parts)
	if err != nil {
		return nil, err
	}
	if c.Version() != version {
		return nil, fmt.Errorf("the bundle below %s is version %s", schema.ModelPrefix(version), c.Version())
	}
	return c, nil
}

// LoadDir loads a bundle from the files of a directory.
func LoadDir(dir string) (*Classifier, error) {
	parts, err := ReadDir(dir)
	if err != nil {
		return nil, err
	}
	c, err := Load(parts)
	if err != nil {
		return nil, fmt.Errorf("in %q: %w", dir, err)
	}
	return c, nil
}

// ReadDir reads the parts of a bundle from the files of a directory.
func ReadDir(dir string) (map[string][]byte, error) {
	parts, err := ReadParts(func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) })
	if err != nil {
		return nil, fmt.Errorf("bundle in %q: %w", dir, err)
	}
	return parts, nil
}

// ReadParts reads all parts of a bundle, first its manifest: what has none is no
// bundle. The error names the part.
func ReadParts(read func(name string) ([]byte, error)) (map[string][]byte, error) {
	manifest, err := read(ManifestPart)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ManifestPart, err)
	}
	names, err := PartNames(manifest)
	if err != nil {
		return nil, err
	}
	parts := map[string][]byte{ManifestPart: manifest}
	for _, name := range names[:len(names)-1] {
		if parts[name], err = read(name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return parts, nil
}

// Version names the bundle; equal versions have equal content.
func (c *Classifier) Version() string { return c.manifest.Version }

// Manifest says what the bundle is. It must not be changed.
func (c *Classifier) Manifest() Manifest { return c.manifest }

// Taxonomy has the categories of the model, by their codes.
func (c *Classifier) Taxonomy() *schema.Taxonomy { return c.taxonomy }

// Features is the bundle's code and tables that turn text into rows.
func (c *Classifier) Features() *Features { return c.features }

// FastPath is nil if the fast evaluator serves. Otherwise it says why it was
// refused; predictions are then right but slow, and the caller should log it.
func (c *Classifier) FastPath() error { return c.fastErr }

// NewScratch makes the memory that a goroutine needs to predict.
func (c *Classifier) NewScratch() *Scratch {
	s := c.features.NewScratch()
	if c.fast != nil {
		s.masks = make([]uint64, len(c.fast.base))
	}
	return s
}

// Predict classifies a text of which nothing else is known.
func (c *Classifier) Predict(text []byte, s *Scratch) Prediction {
	return c.PredictWith(text, Fields{}, s)
}

// PredictWith classifies a text with what else is known of the complaint. Any bytes
// are a text; one without a known word gets what the model says of nothing. A field
// that the bundle does not use changes nothing and costs nothing. In the steady
// state it does not allocate on the fast path.
func (c *Classifier) PredictWith(text []byte, fields Fields, s *Scratch) Prediction {
	c.features.score(text, fields, s)
	if c.fast == nil || !c.scoreFast(s) {
		// The row has the width that leaves was checked for, its only cause to fail.
		_ = c.scoreReference(s)
	}
	p := Prediction{Probabilities: s.probabilities}
	for k, v := range p.Probabilities {
		if v > p.Probabilities[p.Category] {
			p.Category = k
		}
	}
	p.Probability = p.Probabilities[p.Category]
	p.NeedsReview = s.saysLittle() || Sureness(p.Probabilities, c.manifest.Mix, p.Category) < c.manifest.ReviewThreshold
	p.UnknownWords = s.UnknownWords()
	return p
}

// Sureness is how probable a category would be if all categories were equally
// usual. mix are the shares of the categories that the probabilities take for
// granted; without it the probability itself is the answer. A model that meets
// complaints from elsewhere has their words, but not their mix: an answer that only
// its own mix makes probable is not sure.
func Sureness(probabilities, mix []float64, category int) float64 {
	if len(mix) == 0 {
		return probabilities[category]
	}
	total := 0.0
	for k, p := range probabilities {
		total += p / mix[k]
	}
	return probabilities[category] / mix[category] / total
}

// scoreFast fills s.probabilities, and says whether the fast evaluator covers the row.
func (c *Classifier) scoreFast(s *Scratch) bool {
	ok := c.fast.score(s.scores, s.counts, s.masks, s.probabilities)
	Softmax(s.probabilities)
	return ok
}

// scoreReference fills s.probabilities by leaves.
func (c *Classifier) scoreReference(s *Scratch) error {
	return c.reference.Predict(s.whole(), 0, s.probabilities)
}

// Softmax turns raw scores into probabilities that sum to 1, in place. Trainer and
// consumer share it.
func Softmax(v []float64) {
	top := v[0]
	for _, x := range v[1:] {
		top = max(top, x)
	}
	total := 0.0
	for k, x := range v {
		v[k] = math.Exp(x - top)
		total += v[k]
	}
	for k := range v {
		v[k] /= total
	}
}

// Holder holds the classifier that serves. The zero value holds none.
type Holder struct{ current atomic.Pointer[Classifier] }

// NewHolder returns a holder of c.
func NewHolder(c *Classifier) *Holder {
	h := &Holder{}
	h.current.Store(c)
	return h
}

// Current returns the classifier that serves, or nil.
func (h *Holder) Current() *Classifier { return h.current.Load() }

// Swap lets another classifier serve and returns the one before. Who took that
// one from Current may go on using it.
func (h *Holder) Swap(c *Classifier) *Classifier { return h.current.Swap(c) }
