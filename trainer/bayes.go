package main

import (
	"math"

	"complaints/internal/classifier"
	"complaints/schema"
)

// fitBayes finds the naive-Bayes weights of words and pairs, by place: the
// logarithm of how much more usual the presence of a term is in a category than
// in the others (Wang and Manning, "Baselines and bigrams", ACL 2012).
func fitBayes(v *vocabulary, smoothing float64) (word, pair []classifier.Weights) {
	const others = schema.NumCategories - 1
	inside := func(f frequency, k int) float64 { return float64(f[k]) + smoothing }
	outside := func(f frequency, k int) float64 { return float64(f.total()-f[k]) + others*smoothing }

	var in, out [schema.NumCategories]float64
	for _, kd := range []kind{words, pairs} {
		for _, f := range v.frequency[kd] {
			for k := range in {
				in[k] += inside(f, k)
				out[k] += outside(f, k)
			}
		}
	}
	weights := func(kd kind) []classifier.Weights {
		list := make([]classifier.Weights, len(v.frequency[kd]))
		for i, f := range v.frequency[kd] {
			for k := range in {
				list[i][k] = classifier.ToFixed(math.Log(inside(f, k)/in[k]) - math.Log(outside(f, k)/out[k]))
			}
		}
		return list
	}
	return weights(words), weights(pairs)
}
