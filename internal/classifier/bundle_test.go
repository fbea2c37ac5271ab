package classifier

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"complaints/schema"
)

// resealed is the bootstrap bundle with parts and manifest changed and all
// checksums right again, so that what comes after them is checked.
func resealed(tb testing.TB, change func(m *Manifest, parts map[string][]byte)) map[string][]byte {
	tb.Helper()
	var m Manifest
	if err := json.Unmarshal(bootstrapManifest, &m); err != nil {
		tb.Fatal(err)
	}
	parts := BootstrapParts()
	change(&m, parts)
	sealed, err := Seal(m, "test", parts)
	if err != nil {
		tb.Fatal(err)
	}
	return sealed
}

// changed is the bootstrap bundle with one part put through change, and no
// checksum adapted.
func changed(part string, change func([]byte) []byte) map[string][]byte {
	parts := maps.Clone(BootstrapParts())
	parts[part] = change(bytes.Clone(parts[part]))
	return parts
}

func replaced(from, to string) func([]byte) []byte {
	return func(b []byte) []byte {
		if !bytes.Contains(b, []byte(from)) {
			panic("the part does not contain " + from)
		}
		return bytes.Replace(b, []byte(from), []byte(to), 1)
	}
}

func TestResealedLoads(t *testing.T) {
	c, err := Load(resealed(t, func(*Manifest, map[string][]byte) {}))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.Version(), "test-") {
		t.Errorf("version is %q", c.Version())
	}
}

func TestLoadRefuses(t *testing.T) {
	model := func(from, to string) func(testing.TB) map[string][]byte {
		return func(tb testing.TB) map[string][]byte {
			return resealed(tb, func(_ *Manifest, p map[string][]byte) { p[ModelPart] = replaced(from, to)(p[ModelPart]) })
		}
	}
	manifest := func(change func(m *Manifest)) func(testing.TB) map[string][]byte {
		return func(tb testing.TB) map[string][]byte {
			return resealed(tb, func(m *Manifest, _ map[string][]byte) { change(m) })
		}
	}
	raw := func(part string, change func([]byte) []byte) func(testing.TB) map[string][]byte {
		return func(testing.TB) map[string][]byte { return changed(part, change) }
	}
	missing := func(part string) func(testing.TB) map[string][]byte {
		return func(testing.TB) map[string][]byte {
			parts := BootstrapParts()
			delete(parts, part)
			return parts
		}
	}
	half := func(b []byte) []byte { return b[:len(b)/2] }
	for name, test := range map[string]struct {
		parts func(testing.TB) map[string][]byte
		want  []string // the part at fault, and a word of the reason
	}{
		"no manifest":           {missing(ManifestPart), []string{ManifestPart, "missing"}},
		"no model":              {missing(ModelPart), []string{ModelPart, "missing"}},
		"no features":           {missing(FeaturesPart), []string{FeaturesPart, "missing"}},
		"half a manifest":       {raw(ManifestPart, half), []string{ManifestPart}},
		"half a model":          {raw(ModelPart, half), []string{ModelPart, "cut off"}},
		"half the features":     {raw(FeaturesPart, half), []string{FeaturesPart, "cut off"}},
		"a model's bit":         {raw(ModelPart, func(b []byte) []byte { b[len(b)/3] ^= 1; return b }), []string{ModelPart, "damaged"}},
		"a feature's bit":       {raw(FeaturesPart, func(b []byte) []byte { b[len(b)/3] ^= 1; return b }), []string{FeaturesPart, "damaged"}},
		"a manifest's number":   {raw(ManifestPart, replaced(`"review_threshold": 0.`, `"review_threshold": 0.0`)), []string{ManifestPart, "changed"}},
		"another version":       {raw(ManifestPart, replaced(`"version": "bootstrap-`, `"version": "bootstrap-0`)), []string{ManifestPart, "version"}},
		"a class renamed":       {raw(ManifestPart, replaced("Debt Collection", "Debts")), []string{ManifestPart, "changed"}},
		"classes swapped":       {raw(ManifestPart, replaced("\"Debt Collection\",\n    \"Loans\"", "\"Loans\",\n    \"Debt Collection\"")), []string{ManifestPart, "changed"}},
		"another format":        {raw(ManifestPart, replaced(`"format": 1`, `"format": 2`)), []string{ManifestPart, "format"}},
		"feature count":         {manifest(func(m *Manifest) { m.Features++ }), []string{FeaturesPart, "features"}},
		"tree count":            {manifest(func(m *Manifest) { m.Trees += 5 }), []string{ModelPart, "trees"}},
		"no probes":             {manifest(func(m *Manifest) { m.Probes = nil }), []string{ManifestPart, "probe"}},
		"a probe's value":       {manifest(func(m *Manifest) { m.Probes[7].Probabilities[0] += 2e-9; m.Probes[7].Probabilities[1] -= 2e-9 }), []string{ManifestPart, "probe 7"}},
		"review threshold":      {manifest(func(m *Manifest) { m.ReviewThreshold = 1.5 }), []string{ManifestPart, "review_threshold"}},
		"a mix of three":        {manifest(func(m *Manifest) { m.Mix = []float64{0.2, 0.3, 0.5} }), []string{ManifestPart, "mix"}},
		"a share of nothing":    {manifest(func(m *Manifest) { m.Mix = []float64{0.5, 0.5, 0, 0, 0} }), []string{ManifestPart, "mix"}},
		"fields without scores": {manifest(func(m *Manifest) { m.Fields = append(m.Fields, "company") }), []string{FeaturesPart, "fields"}},
		"metrics":               {manifest(func(m *Manifest) { m.Metrics.Accuracy = 2 }), []string{ManifestPart, "metrics"}},
		"training rows":         {manifest(func(m *Manifest) { m.Training.Rows = 0 }), []string{ManifestPart, "training"}},
		"training window":       {manifest(func(m *Manifest) { m.Training.From = "2099-01-01" }), []string{ManifestPart, "window"}},
		"version 4":             {model("version=v3", "version=v4"), []string{ModelPart, "version"}},
		"regression":            {model("objective=multiclass num_class:5", "objective=regression"), []string{ModelPart, "objective"}},
		"one against all":       {model("objective=multiclass num_class:5", "objective=multiclassova num_class:5 sigmoid:1"), []string{ModelPart, "objective"}},
		"six classes":           {model("num_class=5", "num_class=6"), []string{ModelPart, "num_class"}},
		"more columns":          {model("max_feature_idx=", "max_feature_idx=1"), []string{ModelPart, "max_feature_idx"}},
		"random forest":         {model("[boosting: gbdt]", "[boosting: rf]"), []string{ModelPart, "boosting"}},
		"average output":        {model("feature_names=", "average_output\nfeature_names="), []string{ModelPart, "average_output"}},
		"dart":                  {model("[boosting: gbdt]", "[boosting: dart]"), []string{ModelPart, "boosting"}},
		"linear trees":          {model("[linear_tree: 0]", "[linear_tree: 1]"), []string{ModelPart, "linear_tree"}},
		"a linear tree":         {model("is_linear=0", "is_linear=1"), []string{ModelPart, "linear"}},
		"a categorical split":   {model("num_cat=0", "num_cat=1"), []string{ModelPart, "categorical"}},
		"a threshold of words":  {model("\nthreshold=", "\nthreshold=x"), []string{ModelPart, "tree 0", "threshold"}},
		"a leaf of infinity":    {model("\nleaf_value=", "\nleaf_value=1e999 "), []string{ModelPart, "tree 0", "leaf_value"}},
		"a leaf of -1 rows":     {model("\nleaf_count=", "\nleaf_count=-1"), []string{ModelPart, "tree 0", "leaf_count"}},
		"a child too far":       {model("\nleft_child=", "\nleft_child=9"), []string{ModelPart, "tree 0", "left_child"}},
		"model cut at a tree": {func(tb testing.TB) map[string][]byte {
			return resealed(tb, func(_ *Manifest, p map[string][]byte) {
				p[ModelPart], _, _ = bytes.Cut(p[ModelPart], []byte("Tree=9\n"))
			})
		}, []string{ModelPart, "cut off"}},
		"model cut at its end": {func(tb testing.TB) map[string][]byte {
			return resealed(tb, func(_ *Manifest, p map[string][]byte) {
				p[ModelPart], _, _ = bytes.Cut(p[ModelPart], []byte("end of parameters"))
			})
		}, []string{ModelPart, "cut off"}},
		"features cut off": {func(tb testing.TB) map[string][]byte {
			return resealed(tb, func(_ *Manifest, p map[string][]byte) { p[FeaturesPart] = p[FeaturesPart][:len(p[FeaturesPart])-1] })
		}, []string{FeaturesPart, "cut off"}},
		"features too long": {func(tb testing.TB) map[string][]byte {
			return resealed(tb, func(_ *Manifest, p map[string][]byte) { p[FeaturesPart] = append(bytes.Clone(p[FeaturesPart]), 0) })
		}, []string{FeaturesPart, "too many"}},
		"a word twice": {func(tb testing.TB) map[string][]byte {
			return resealed(tb, func(_ *Manifest, p map[string][]byte) {
				tables, err := ReadTables(p[FeaturesPart], schema.Bureau().Len())
				if err != nil {
					tb.Fatal(err)
				}
				tables.Words[1].Text = tables.Words[0].Text
				p[FeaturesPart] = tables.Append(nil)
			})
		}, []string{FeaturesPart, "twice"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(test.parts(t))
			if err == nil {
				t.Fatal("was loaded")
			}
			for _, w := range test.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}

func TestLoadDir(t *testing.T) {
	dir := t.TempDir()
	for name, part := range BootstrapParts() {
		if err := os.WriteFile(filepath.Join(dir, name), part, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := LoadDir(dir); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(dir, ModelPart)); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDir(dir); err == nil || !strings.Contains(err.Error(), ModelPart) {
		t.Errorf("without its model the bundle gave %v", err)
	}
}

// FuzzLoad damages parts and adapts the checksums: whatever a part holds, it is
// refused or it predicts and explains, but nothing panics.
func FuzzLoad(f *testing.F) {
	f.Add(false, uint32(100), byte(1), uint32(0))
	f.Add(true, uint32(40), byte(255), uint32(0))
	f.Add(true, uint32(22), byte(255), uint32(0))
	f.Add(false, uint32(1200), byte(3), uint32(50))
	tables, err := ReadTables(bootstrapFeatures, schema.Bureau().Len())
	if err != nil {
		f.Fatal(err)
	}
	model, features, m := smallBundle(f, tables)
	f.Fuzz(func(t *testing.T, inFeatures bool, at uint32, flip byte, cut uint32) {
		damage := func(b []byte) []byte {
			b = bytes.Clone(b)
			b[int(at)%len(b)] ^= flip
			return b[:len(b)-int(cut)%len(b)]
		}
		model, features := model, features
		if inFeatures {
			features = damage(features)
		} else {
			model = damage(model)
		}
		parts, err := Seal(m, "", map[string][]byte{ModelPart: model, FeaturesPart: features})
		if err != nil {
			t.Fatal(err)
		}
		c, err := Load(parts)
		if err != nil {
			return
		}
		s := c.NewScratch()
		text := []byte("credit report of the bureau")
		c.Explain(text, Fields{}, c.Predict(text, s).Category, s)
	})
}

// A tree whose nodes do not hang together would send a walk in circles.
func TestTreesHangTogether(t *testing.T) {
	block := func(left, right string) string {
		return "Tree=0\nnum_leaves=3\nnum_cat=0\nsplit_feature=0 0\nthreshold=1 2\ndecision_type=2 2\nleft_child=" + left + "\nright_child=" + right + "\nleaf_value=1 2 3\nleaf_count=1 2 3\n"
	}
	if _, err := parseTree(block("1 -1", "-2 -3"), 0, 1); err != nil {
		t.Errorf("a sound tree is refused: %v", err)
	}
	for name, children := range map[string][2]string{
		"a circle": {"0 -1", "-2 -3"}, "a node twice": {"1 -1", "1 -3"}, "a leaf twice": {"1 -1", "-2 -2"}, "a node that hangs nowhere": {"-1 -2", "-3 -3"},
	} {
		if _, err := parseTree(block(children[0], children[1]), 0, 1); err == nil || !strings.Contains(err.Error(), "hangs") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
