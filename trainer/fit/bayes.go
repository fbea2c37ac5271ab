package fit

import (
	"math"

	"complaints/internal/classifier"
)

// newWeights are the weights of n terms, one behind the other.
func newWeights(n, classes int) []classifier.Weights {
	all, flat := make([]classifier.Weights, n), make(classifier.Weights, n*classes)
	for i := range all {
		all[i] = flat[i*classes : (i+1)*classes : (i+1)*classes]
	}
	return all
}

// fitBayes finds the naive-Bayes weights of the recipe's kinds of terms, by
// place: the logarithm of how much more usual the presence of a term is in a
// category than in the others (Wang and Manning, "Baselines and bigrams", ACL 2012).
func fitBayes(v *vocabulary, r Recipe) (weights [numKinds][]classifier.Weights) {
	others := float64(v.classes - 1)
	inside := func(f frequency, k int) float64 { return float64(f[k]) + r.BayesSmoothing }
	outside := func(f frequency, k int) float64 { return float64(f.total()-f[k]) + others*r.BayesSmoothing }

	in, out := make([]float64, v.classes), make([]float64, v.classes)
	for _, kd := range r.BayesKinds {
		for _, f := range v.frequency[kd] {
			for k := range in {
				in[k] += inside(f, k)
				out[k] += outside(f, k)
			}
		}
	}
	for _, kd := range r.BayesKinds {
		weights[kd] = newWeights(len(v.frequency[kd]), v.classes)
		for i, f := range v.frequency[kd] {
			for k := range in {
				weights[kd][i][k] = classifier.ToFixed(math.Log(inside(f, k)/in[k]) - math.Log(outside(f, k)/out[k]))
			}
		}
	}
	return weights
}
