package classifier

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"complaints/schema"
)

// bootstrapFloor is below what the bundle reaches on the sample, by about three
// standard errors.
const bootstrapFloor = 0.842

// sampleText is a complaint that the bootstrap bundle was not trained on.
type sampleText struct {
	text     string
	fields   Fields
	category int
}

// readSample reads the sample that the producer carries.
func readSample(tb testing.TB) []sampleText {
	tb.Helper()
	f, err := os.Open("../../producer/sample/complaints.csv.gz")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	var out []sampleText
	for _, r := range rows[1:] {
		c, ok := schema.Bureau().Code(r[1])
		if !ok {
			tb.Fatalf("product %q of the sample has no category", r[1])
		}
		out = append(out, sampleText{r[5], Fields{Company: r[7]}, c})
	}
	return out
}

func TestBootstrapServesTheSample(t *testing.T) {
	c, err := Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.FastPath(); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(c.Version(), "bootstrap-") {
		t.Errorf("version is %q", c.Version())
	}
	sample := readSample(t)
	if len(sample) < 2000 {
		t.Errorf("the sample has %d rows, want 2,000 or more", len(sample))
	}
	s := c.NewScratch()
	right := 0
	for _, x := range sample {
		if c.PredictWith([]byte(x.text), x.fields, s).Category == x.category {
			right++
		}
	}
	if accuracy := float64(right) / float64(len(sample)); accuracy < bootstrapFloor {
		t.Errorf("accuracy on the sample is %.4f, want %.3f or more", accuracy, bootstrapFloor)
	}
	if size := len(bootstrapManifest) + len(bootstrapModel) + len(bootstrapFeatures) + len(bootstrapTaxonomy); size > 4_000_000 {
		t.Errorf("the bundle has %d bytes, want at most 4 MB", size)
	}
}

func TestPredictDoesNotAllocate(t *testing.T) {
	c, err := Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	sample := readSample(t)[:200]
	s := c.NewScratch()
	for _, x := range sample {
		c.Predict([]byte(x.text), s)
	}
	texts := make([][]byte, len(sample))
	for i, x := range sample {
		texts[i] = []byte(x.text)
	}
	if n := testing.AllocsPerRun(5, func() {
		for _, x := range texts {
			c.Predict(x, s)
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d texts in the steady state", n, len(texts))
	}
}
