package fit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"complaints/trainer/dataset"
)

// method is what a recipe makes of its features.
type method int

const (
	boosted   method = iota // trees on scores and chosen counts: the one that is published
	linear                  // the linear scores alone
	tfidfTree               // trees on tf-idf of the most usual terms
)

// Recipe is how a model is made. Changing a field changes every figure.
type Recipe struct {
	Name            string
	Method          method
	MinDocuments    int     // of a term in the vocabulary
	MinChosen       int     // documents of a term that may be chosen
	Chosen          int     // terms whose counts are features
	BayesSmoothing  float64 // added to a term's documents in a category
	Epochs          int     // of the linear regression
	StepSize        float64
	LinearKinds     []kind // terms of the linear scores and of the chosen counts
	BayesKinds      []kind // terms of the naive-Bayes scores: words, and pairs or not
	InnerFolds      int    // scores of training rows come from fits on the other folds
	Leaves          int
	LearningRate    float64
	FeatureFraction float64 // of the features, drawn at each node
	BaggingFraction float64 // of the rows, drawn each round
	L2              float64
	MinRowsLeaf     int
	MaxRounds       int
	Patience        int                                       // rounds without a better log loss before the search for the round count ends
	Fields          []string                                  // what is known at the intake and has scores of its own
	UsualRows       float64                                   // of the usual mix, added to those of a field's value
	MinValueRows    int                                       // of a field's value that has scores
	Flat            float64                                   // how much of the mix of categories is taken out of the probabilities, 0 to 1
	Balanced        bool                                      // the trees weigh every category alike, however many rows it has
	Years           bool                                      // years are terms too
	Tidy            func([]dataset.Example) []dataset.Example // changes texts before they are used, if not nil
}

// Default is the one that train and bootstrap follow.
const Default = "scores"

// Recipes are the published recipe and what it is compared with in the README.
var Recipes = func() map[string]Recipe {
	base := Recipe{
		MinDocuments: 3, MinChosen: 5, Chosen: 200, BayesSmoothing: 0.3, Epochs: 6, StepSize: 0.1,
		LinearKinds: []kind{words, contents, openings}, BayesKinds: []kind{words, pairs},
		InnerFolds: 5, Leaves: 15, LearningRate: 0.06, FeatureFraction: 0.3, BaggingFraction: 0.8, L2: 5, MinRowsLeaf: 50,
		MaxRounds: 400, Patience: 20, Fields: []string{"company"}, UsualRows: 2, MinValueRows: 2, Flat: 0.1,
	}
	all := map[string]Recipe{}
	for name, change := range map[string]func(*Recipe){
		Default:            func(*Recipe) {},
		"leaves-8":         func(r *Recipe) { r.Leaves, r.FeatureFraction, r.L2 = 8, 0.2, 1 },
		"text-alone":       func(r *Recipe) { r.Fields = nil },
		"own-mix":          func(r *Recipe) { r.Flat = 0 },
		"even-mix":         func(r *Recipe) { r.Flat = 1 },
		"chosen-0":         func(r *Recipe) { r.Chosen = 0 },
		"without-openings": func(r *Recipe) { r.LinearKinds = []kind{words, contents} },
		"joined":           func(r *Recipe) { r.Tidy = joinContractions },
		"with-years":       func(r *Recipe) { r.Years = true },
		"balanced":         func(r *Recipe) { r.Balanced = true },
		"linear":           func(r *Recipe) { r.Method = linear },
		"reference": func(r *Recipe) {
			r.Method, r.Chosen, r.MaxRounds = tfidfTree, 500, 100
			r.Leaves, r.LearningRate, r.FeatureFraction, r.BaggingFraction, r.L2, r.MinRowsLeaf = 31, 0.1, 1, 1, 0, 20
			r.Fields, r.Flat = nil, 0
		},
	} {
		r := base
		r.Name = name
		change(&r)
		all[name] = r
	}
	return all
}()

// Named finds a recipe by its name.
func Named(name string) (Recipe, error) {
	r, ok := Recipes[name]
	if !ok {
		return r, fmt.Errorf("--recipe is %q and must be one of %s", name, strings.Join(slices.Sorted(maps.Keys(Recipes)), ", "))
	}
	return r, nil
}

// joinContractions writes "do n't" as "don't". Old rows of the Bureau's data
// spell contractions apart, so they tell the year, and with it the category.
func joinContractions(examples []dataset.Example) []dataset.Example {
	out := slices.Clone(examples)
	for i := range out {
		out[i].Text = strings.ReplaceAll(strings.ReplaceAll(out[i].Text, " n't", "n't"), " N'T", "N'T")
	}
	return out
}
