package classifier

import (
	_ "embed"
	"sync"
)

//go:embed bootstrap/manifest.json
var bootstrapManifest []byte

//go:embed bootstrap/model.txt
var bootstrapModel []byte

//go:embed bootstrap/features.bin
var bootstrapFeatures []byte

//go:embed bootstrap/taxonomy.json
var bootstrapTaxonomy []byte

var bootstrapOnce = sync.OnceValues(func() (*Classifier, error) { return Load(BootstrapParts()) })

// BootstrapParts are the parts of the bundle that is built into the program. Their
// bytes must not be changed.
func BootstrapParts() map[string][]byte {
	return map[string][]byte{ManifestPart: bootstrapManifest, ModelPart: bootstrapModel, FeaturesPart: bootstrapFeatures, TaxonomyPart: bootstrapTaxonomy}
}

// Bootstrap returns the bundle that is built into the program, for trying out
// before a model is published. Its version begins with bootstrap-.
func Bootstrap() (*Classifier, error) { return bootstrapOnce() }
