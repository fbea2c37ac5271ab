package classifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"complaints/schema"
)

// The parts of a bundle, by name.
const (
	ManifestPart = "manifest.json"
	ModelPart    = "model.txt"
	FeaturesPart = "features.bin"
	TaxonomyPart = "taxonomy.json"
)

// ErrManifest says that a manifest does not even say which parts its bundle has.
var ErrManifest = errors.New("the manifest is damaged")

// PartNames returns the parts that a bundle's manifest names, in the order of
// writing: the manifest itself is the last, for without it a bundle is not there.
func PartNames(manifest []byte) ([]string, error) {
	var m struct {
		Parts map[string]json.RawMessage `json:"parts"`
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", ManifestPart, ErrManifest, err)
	}
	names := slices.Sorted(maps.Keys(m.Parts))
	for _, name := range names {
		if name != ModelPart && name != FeaturesPart && name != TaxonomyPart {
			return nil, fmt.Errorf("%s: %w: it names a part %.40q, which this program does not know", ManifestPart, ErrManifest, name)
		}
	}
	return append(names, ManifestPart), nil
}

// Format is the bundle format that this code writes and reads.
const Format = 1

// Manifest says what a bundle is, and carries what is needed to check it.
type Manifest struct {
	Format          int                     `json:"format"`
	Version         string                  `json:"version"` // ends with the hash of the rest
	Classes         []string                `json:"classes"` // in the order of their codes
	Features        int                     `json:"features"`
	Trees           int                     `json:"trees"`
	Parts           map[string]PartChecksum `json:"parts"`
	Training        Training                `json:"training"`
	Metrics         Metrics                 `json:"metrics"`
	Fields          []string                `json:"fields,omitempty"`    // that the model uses beside the text
	Mix             []float64               `json:"mix,omitempty"`       // shares of the categories that the probabilities take for granted; older bundles have none
	ReviewThreshold float64                 `json:"review_threshold"`    // a category that is less sure, see Sureness, needs review
	Forced          string                  `json:"forced,omitempty"`    // why it was published although it was judged to be worse; empty if it was not
	Reference       *Profile                `json:"reference,omitempty"` // of the rows that Metrics are of; older bundles have none
	Probes          []Probe                 `json:"probes"`
}

// PartChecksum is what a part of the bundle must be.
type PartChecksum struct {
	SHA256 string `json:"sha256"`
	Bytes  int    `json:"bytes"`
}

// Training says what the model was trained on. From and To are the first and
// last date of its complaints, empty if none has a date.
type Training struct {
	Recipe string `json:"recipe"`
	Seed   uint64 `json:"seed"`
	Rows   int    `json:"rows"`
	Rounds int    `json:"rounds"`
	From   string `json:"from"`
	To     string `json:"to"`
}

// Metrics are how the model did on rows that were kept from its training. All
// but Rows are fractions of 1, and LogLoss natural.
type Metrics struct {
	Rows     int     `json:"rows"`
	Accuracy float64 `json:"accuracy"`
	MacroF1  float64 `json:"macro_f1"`
	LogLoss  float64 `json:"log_loss"`
	ECE      float64 `json:"ece"` // expected calibration error, 15 bins
}

// Probe is a text, with or without fields, and the probabilities that the trainer got
// for it from LightGBM itself.
type Probe struct {
	Text          string    `json:"text"`
	Fields        Fields    `json:"fields,omitzero"`
	Probabilities []float64 `json:"probabilities"` // by category code
}

// Seal completes a manifest for the given parts and returns the whole bundle. The
// version is the name, if any, and the hash of the bundle's content, so equal
// content has an equal version.
func Seal(m Manifest, name string, parts map[string][]byte) (map[string][]byte, error) {
	taxonomy, err := taxonomyOf(parts)
	if err != nil {
		return nil, err
	}
	m.Format, m.Classes, m.Version = Format, taxonomy.Names(), ""
	bundle := maps.Clone(parts)
	delete(bundle, ManifestPart)
	m.Parts = map[string]PartChecksum{}
	for part, content := range bundle {
		m.Parts[part] = checksum(content)
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ManifestPart, err)
	}
	raw = append(raw, '\n')
	version := contentHash(raw)
	if name != "" {
		version = name + "-" + version
	}
	raw = bytes.Replace(raw, versionLine(""), versionLine(version), 1)
	bundle[ManifestPart] = raw
	return bundle, nil
}

// Force packs a bundle anew with the reason why it is published although it was
// judged to be worse than the one that serves. Its version is another one.
func Force(parts map[string][]byte, reason string) (map[string][]byte, error) {
	m, _, err := openManifest(parts)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	m.Forced = reason
	return Seal(m, "", parts)
}

func checksum(part []byte) PartChecksum {
	sum := sha256.Sum256(part)
	return PartChecksum{SHA256: hex.EncodeToString(sum[:]), Bytes: len(part)}
}

// contentHash is the hash of a manifest without its version; it covers the
// other parts through their checksums.
func contentHash(manifest []byte) string {
	sum := sha256.Sum256(manifest)
	return hex.EncodeToString(sum[:8])
}

// versionLine is how Seal writes the version. Only the first such line is the
// manifest's: a probe's text has its quotes escaped.
func versionLine(version string) []byte { return []byte("\n  \"version\": \"" + version + "\",\n") }

// taxonomyOf reads the taxonomy among the parts. Bundles from before there were
// others have none, and are of the Bureau's.
func taxonomyOf(parts map[string][]byte) (*schema.Taxonomy, error) {
	part, ok := parts[TaxonomyPart]
	if !ok {
		return schema.Bureau(), nil
	}
	t, err := schema.ParseTaxonomy(part)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", TaxonomyPart, err)
	}
	return t, nil
}

// openManifest reads and checks the manifest, the checksums of the parts and the taxonomy.
func openManifest(parts map[string][]byte) (m Manifest, t *schema.Taxonomy, err error) {
	raw, ok := parts[ManifestPart]
	if !ok {
		return m, nil, fmt.Errorf("%s: is missing", ManifestPart)
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, nil, fmt.Errorf("%s: %w", ManifestPart, err)
	}
	if err := m.checkParts(raw, parts); err != nil {
		return m, nil, err
	}
	if t, err = taxonomyOf(parts); err != nil {
		return m, nil, err
	}
	if err := m.check(t); err != nil {
		return m, nil, fmt.Errorf("%s: %w", ManifestPart, err)
	}
	return m, t, nil
}

// checkParts compares the parts with what the manifest, whose bytes are raw, says of them.
func (m *Manifest) checkParts(raw []byte, parts map[string][]byte) error {
	if m.Format != Format {
		return fmt.Errorf("%s: format is %d and must be %d", ManifestPart, m.Format, Format)
	}
	if m.Version == "" || strings.ContainsAny(m.Version, "/\\\"\n ") {
		return fmt.Errorf("%s: version is %q", ManifestPart, m.Version)
	}
	if n := bytes.Count(raw, versionLine(m.Version)); n != 1 {
		return fmt.Errorf("%s: does not have its version on a line of its own", ManifestPart)
	}
	bare := bytes.Replace(raw, versionLine(m.Version), versionLine(""), 1)
	if want := contentHash(bare); m.Version != want && !strings.HasSuffix(m.Version, "-"+want) {
		return fmt.Errorf("%s: version %q does not end with the hash of the content, %s: the manifest was changed or damaged", ManifestPart, m.Version, want)
	}
	names, err := PartNames(raw)
	if err != nil {
		return err
	}
	for _, name := range []string{ModelPart, FeaturesPart, TaxonomyPart} {
		_, there := parts[name]
		if needed := name != TaxonomyPart || there; needed && !slices.Contains(names, name) {
			return fmt.Errorf("%s: has no checksum of %s", ManifestPart, name)
		}
	}
	for name, want := range m.Parts {
		part, ok := parts[name]
		if !ok {
			return fmt.Errorf("%s: is missing", name)
		}
		if got := checksum(part); got != want {
			return fmt.Errorf("%s: has %d bytes with SHA-256 %s, and the manifest says %d bytes with %s: cut off, damaged or of another bundle", name, got.Bytes, got.SHA256, want.Bytes, want.SHA256)
		}
	}
	return nil
}

func (m *Manifest) check(t *schema.Taxonomy) error {
	switch names := t.Names(); {
	case strings.Join(m.Classes, "\n") != strings.Join(names, "\n"):
		return fmt.Errorf("classes are %q and must be %q, in this order", m.Classes, names)
	case m.Features <= 0 || m.Trees <= 0:
		return fmt.Errorf("has %d features and %d trees", m.Features, m.Trees)
	case m.Training.Rows <= 0 || m.Training.Rounds <= 0 || m.Training.Recipe == "":
		return fmt.Errorf("training says recipe %q, %d rows and %d rounds", m.Training.Recipe, m.Training.Rows, m.Training.Rounds)
	case m.Training.From > m.Training.To:
		return fmt.Errorf("training window is from %q to %q", m.Training.From, m.Training.To)
	case !(m.ReviewThreshold >= 0 && m.ReviewThreshold <= 1):
		return fmt.Errorf("review_threshold is %v and must be from 0 to 1", m.ReviewThreshold)
	case len(m.Probes) == 0:
		return fmt.Errorf("has no probe texts")
	}
	if err := m.Metrics.check(); err != nil {
		return err
	}
	if err := m.checkMix(); err != nil {
		return err
	}
	if m.Reference != nil {
		if err := m.Reference.check(t.Len()); err != nil {
			return err
		}
	}
	for i, p := range m.Probes {
		if n := len(p.Probabilities); n != t.Len() {
			return fmt.Errorf("probe %d has %d probabilities and must have %d", i, n, t.Len())
		}
		total := 0.0
		for _, v := range p.Probabilities {
			total += v
		}
		if math.Abs(total-1) > 1e-6 {
			return fmt.Errorf("probe %d has probabilities that add up to %v", i, total)
		}
	}
	return nil
}

func (m *Manifest) checkMix() error {
	if len(m.Mix) != 0 && len(m.Mix) != len(m.Classes) {
		return fmt.Errorf("mix has %d shares and there are %d classes", len(m.Mix), len(m.Classes))
	}
	for _, share := range m.Mix {
		if !(share > 0 && share <= 1) {
			return fmt.Errorf("mix has a share of %v, and each must be above 0 and at most 1", share)
		}
	}
	return nil
}

func (m Metrics) check() error {
	for _, v := range []float64{m.Accuracy, m.MacroF1, m.ECE} {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("metrics have a value of %v outside 0 to 1", v)
		}
	}
	if m.Rows <= 0 || !(m.LogLoss >= 0) {
		return fmt.Errorf("metrics are of %d rows with log loss %v", m.Rows, m.LogLoss)
	}
	return nil
}
