package classifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"complaints/schema"
)

// The parts of a bundle, by name.
const (
	ManifestPart = "manifest.json"
	ModelPart    = "model.txt"
	FeaturesPart = "features.bin"
)

// PartNames are the parts of a bundle in the order of writing: without its
// manifest a bundle is not there.
var PartNames = [...]string{ModelPart, FeaturesPart, ManifestPart}

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
	ReviewThreshold float64                 `json:"review_threshold"`    // a lower probability needs review
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

// Probe is a text and the probabilities that the trainer got for it from
// LightGBM itself.
type Probe struct {
	Text          string                        `json:"text"`
	Probabilities [schema.NumCategories]float64 `json:"probabilities"`
}

// ClassNames are the names of the categories in the order of their codes, as
// every manifest has them.
func ClassNames() []string {
	var names []string
	for _, c := range schema.Categories() {
		names = append(names, c.String())
	}
	return names
}

// Seal completes a manifest for the given model and features parts and returns
// the whole bundle. The version is the name, if any, and the hash of the
// bundle's content, so equal content has an equal version.
func Seal(m Manifest, name string, model, features []byte) (map[string][]byte, error) {
	m.Format, m.Classes, m.Version = Format, ClassNames(), ""
	m.Parts = map[string]PartChecksum{ModelPart: checksum(model), FeaturesPart: checksum(features)}
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
	return map[string][]byte{ManifestPart: raw, ModelPart: model, FeaturesPart: features}, nil
}

// Force packs a bundle anew with the reason why it is published although it was
// judged to be worse than the one that serves. Its version is another one.
func Force(parts map[string][]byte, reason string) (map[string][]byte, error) {
	m, err := openManifest(parts)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	m.Forced = reason
	return Seal(m, "", parts[ModelPart], parts[FeaturesPart])
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

// openManifest reads and checks the manifest and the checksums of the parts.
func openManifest(parts map[string][]byte) (Manifest, error) {
	var m Manifest
	raw, ok := parts[ManifestPart]
	if !ok {
		return m, fmt.Errorf("%s: is missing", ManifestPart)
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, fmt.Errorf("%s: %w", ManifestPart, err)
	}
	if err := m.check(); err != nil {
		return m, fmt.Errorf("%s: %w", ManifestPart, err)
	}
	if n := bytes.Count(raw, versionLine(m.Version)); n != 1 {
		return m, fmt.Errorf("%s: does not have its version on a line of its own", ManifestPart)
	}
	bare := bytes.Replace(raw, versionLine(m.Version), versionLine(""), 1)
	if want := contentHash(bare); m.Version != want && !strings.HasSuffix(m.Version, "-"+want) {
		return m, fmt.Errorf("%s: version %q does not end with the hash of the content, %s: the manifest was changed or damaged", ManifestPart, m.Version, want)
	}
	for _, name := range []string{ModelPart, FeaturesPart} {
		want, named := m.Parts[name]
		if !named {
			return m, fmt.Errorf("%s: has no checksum of %s", ManifestPart, name)
		}
		part, ok := parts[name]
		if !ok {
			return m, fmt.Errorf("%s: is missing", name)
		}
		if got := checksum(part); got != want {
			return m, fmt.Errorf("%s: has %d bytes with SHA-256 %s, and the manifest says %d bytes with %s: cut off, damaged or of another bundle", name, got.Bytes, got.SHA256, want.Bytes, want.SHA256)
		}
	}
	return m, nil
}

func (m *Manifest) check() error {
	switch names := ClassNames(); {
	case m.Format != Format:
		return fmt.Errorf("format is %d and must be %d", m.Format, Format)
	case m.Version == "" || strings.ContainsAny(m.Version, "/\\\"\n "):
		return fmt.Errorf("version is %q", m.Version)
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
	if m.Reference != nil {
		if err := m.Reference.check(); err != nil {
			return err
		}
	}
	for i, p := range m.Probes {
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
