package evaluate

import (
	"slices"

	"complaints/internal/classifier"
	"complaints/trainer/dataset"
)

// Bundle predicts examples with a loaded bundle, as the consumer does.
func Bundle(c *classifier.Classifier, examples []dataset.Example) []Prediction {
	out := make([]Prediction, len(examples))
	s := c.NewScratch()
	for i, e := range examples {
		p := c.PredictWith([]byte(e.Text), e.Fields, s)
		out[i] = Prediction{Truth: e.Category, Probabilities: slices.Clone(p.Probabilities), Length: len(e.Text), UnknownWords: p.UnknownWords, NeedsReview: p.NeedsReview, Example: &examples[i]}
	}
	return out
}
