package classifier

import "testing"

// benchTexts are the sample's texts; one operation is one text.
func benchTexts(b *testing.B) (*Classifier, [][]byte) {
	c, err := Bootstrap()
	if err != nil {
		b.Fatal(err)
	}
	var texts [][]byte
	for _, x := range readSample(b) {
		texts = append(texts, []byte(x.text))
	}
	return c, texts
}

func BenchmarkFeatures(b *testing.B) {
	c, texts := benchTexts(b)
	s := c.NewScratch()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.features.score(texts[i%len(texts)], Fields{}, s)
	}
}

func BenchmarkPredict(b *testing.B) {
	c, texts := benchTexts(b)
	s := c.NewScratch()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Predict(texts[i%len(texts)], s)
	}
}

// benchScore scores rows that are ready, so that the two evaluators compare.
func benchScore(b *testing.B, score func(*Classifier, *Scratch)) {
	c, texts := benchTexts(b)
	scratches := make([]*Scratch, 256)
	for i := range scratches {
		s := c.NewScratch()
		c.features.score(texts[i], Fields{}, s)
		scratches[i] = &Scratch{scores: s.scores, counts: s.counts, masks: make([]uint64, len(s.masks)), row: make([]float64, len(s.row)), probabilities: make([]float64, len(s.probabilities))}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		score(c, scratches[i%len(scratches)])
	}
}

func BenchmarkScoreFast(b *testing.B) {
	benchScore(b, func(c *Classifier, s *Scratch) { c.scoreFast(s) })
}

func BenchmarkScoreLeaves(b *testing.B) {
	benchScore(b, func(c *Classifier, s *Scratch) { _ = c.scoreReference(s) })
}
