package classifier

import (
	"math"
	"testing"
)

// TestWhatSaysLittleNeedsReview: however sure the trees are. The threshold of the test is below any sureness.
func TestWhatSaysLittleNeedsReview(t *testing.T) {
	c, err := Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	sure := *c
	sure.manifest.ReviewThreshold = math.Inf(-1)
	s := sure.NewScratch()
	for text, want := range map[string]bool{
		"N/A": true, "n/a": true, "none": true, "None.": true, "test": true, "TEST TEST test": true, "": true, "XXXX XXXX": true, "-": true,
		"asdf qwer zxcv": true, "Hello": true, "mortgage": true, "same as before": true,
		"Мне дважды списали деньги": true, "银行收了我两次费用": true,
		"Mi banco me cobró dos veces la misma comisión y nadie contesta el teléfono cuando llamo a la sucursal": true,
		"The debt collector calls me": false, "My card was charged twice.": false,
		"A debt collector calls me about the quagga debt.": false, "Identity theft": false,
	} {
		if p := sure.Predict([]byte(text), s); p.NeedsReview != want {
			t.Errorf("%q: needs review %t, want %t (%d of %d words are unknown)", text, p.NeedsReview, want, s.unknown, s.content)
		}
	}
}
