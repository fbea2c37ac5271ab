// Package fit makes models of examples.
//
// In come examples and a recipe; out come the parts of a bundle that a classifier
// loads, and what the model says of rows that were held out from its fit. Equal
// examples, recipe and seed give an equal bundle, byte for byte. It writes nothing
// before all is made, so after a crash it is run again.
//
//	corpus.go      texts as terms
//	vocabulary.go  the terms that count
//	linear.go, bayes.go, choose.go   scores, and the terms whose counts are features
//	fields.go      scores of what else is known, and the mix of categories
//	matrix.go      features to train on
//	fit.go         features out of fold, and the trees
//	rounds.go      how many rounds
//	calibrate.go   temperature scaling
//	validate.go    cross-validation
//	bundle.go      parts, probes and metrics.json
//	recipes.go, baseline.go   what the recipe is compared with
package fit

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"complaints/internal/classifier"
	"complaints/internal/lightgbm"
	"complaints/schema"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
)

const (
	// trainingThreads is the same on every machine: LightGBM promises equal models
	// for equal thread counts only.
	trainingThreads = 2
	// fewRows train on one thread: LightGBM's threads wait for each other after
	// every small step, by spinning, which on a busy machine took ten times as long.
	fewRows = 50_000
)

func threadsFor(rows int) int {
	if rows <= fewRows {
		return 1
	}
	return trainingThreads
}

func (r Recipe) parameters(classes int, seed uint64, rows int) string {
	return fmt.Sprintf("objective=multiclass num_class=%d metric=multi_logloss boosting=gbdt linear_tree=false"+
		" learning_rate=%g num_leaves=%d feature_fraction_bynode=%g bagging_fraction=%g bagging_freq=1 lambda_l2=%g min_data_in_leaf=%d"+
		" deterministic=true force_row_wise=true num_threads=%d seed=%d verbosity=-1",
		classes, r.LearningRate, r.Leaves, r.FeatureFraction, r.BaggingFraction, r.L2, min(r.MinRowsLeaf, max(rows/20, 1)), threadsFor(rows), seed%(1<<31))
}

// Fitter holds what all fits of one run share.
type Fitter struct {
	lib       *lightgbm.Library
	taxonomy  *schema.Taxonomy
	recipe    Recipe
	seed      uint64
	corpus    *corpus
	fields    []string // that the recipe uses and any example has
	examples  []dataset.Example
	groups    []uint64
	precision float64 // wanted of answers without review
	progress  dataset.Progress
	single    bool // fits once, and gives its corpus up when it has its features
}

// Config is what a fitter needs beside its examples.
type Config struct {
	Library  *lightgbm.Library
	Taxonomy *schema.Taxonomy // of the examples' categories
	Recipe   Recipe
	Seed     uint64
	// ReviewPrecision is the share of right answers wanted of those that need no review.
	ReviewPrecision float64
	Progress        dataset.Progress
	Once            bool // it fits once, and gives its corpus up when it has its features
}

const (
	// leastTexts is how many texts a model needs: fewer leave a fold without rows of
	// a category, or LightGBM without a split.
	leastTexts = 100
	// leastOfCategory is how many texts of a category are worth to be told from the
	// others; two categories need as many.
	leastOfCategory = 10
)

// enough says what is missing for a model of the examples.
func enough(t *schema.Taxonomy, examples []dataset.Example) error {
	per := make([]int, t.Len())
	for i := range examples {
		per[examples[i].Category]++
	}
	worth := 0
	var found []string
	for k, name := range t.Names() {
		if per[k] >= leastOfCategory {
			worth++
		}
		found = append(found, fmt.Sprintf("%s has %d", name, per[k]))
	}
	if len(examples) < leastTexts || worth < 2 {
		return fmt.Errorf("%d texts are not enough to train on: at least %d are needed, and %d or more of each of two categories; %s",
			len(examples), leastTexts, leastOfCategory, strings.Join(found, ", "))
	}
	return nil
}

// New prepares the examples, if they are enough.
func New(examples []dataset.Example, c Config) (*Fitter, error) {
	if err := enough(c.Taxonomy, examples); err != nil {
		return nil, err
	}
	r := c.Recipe
	if r.Tidy != nil {
		examples = r.Tidy(examples)
	}
	c.Progress("%d texts, counting their terms", len(examples))
	return &Fitter{
		lib: c.Library, taxonomy: c.Taxonomy, recipe: r, seed: c.Seed, corpus: newCorpus(c.Taxonomy.Len(), examples, min(r.MinDocuments, r.MinChosen)),
		fields: r.usedFields(examples), examples: examples, groups: dataset.Groups(examples), precision: c.ReviewPrecision, progress: c.Progress, single: c.Once,
	}, nil
}

// Taxonomy is that of the examples.
func (f *Fitter) Taxonomy() *schema.Taxonomy { return f.taxonomy }

// Model is a fitted model that has not been packed yet.
type Model struct {
	trained  []int // rows
	classes  int
	tables   *classifier.Tables
	features *classifier.Features
	booster  *lightgbm.Booster
	text     []byte // of the booster, relabelled
	rounds   int
	Mix      []float64 // shares of the categories that the probabilities take for granted
	Search   *rounds   // how their number was found; nil if it was given
}

// fitTables fits scores on the given rows, and chooses the terms that count.
func (f *Fitter) fitTables(rows []int, chosen int) *classifier.Tables {
	v := newVocabulary(f.corpus, rows, f.recipe.MinDocuments, f.recipe.Years)
	linear := fitLinear(v, rows, f.recipe, f.seed)
	bayes := fitBayes(v, f.recipe)
	column := map[chosenTerm]int16{}
	for i, t := range chooseTerms(v, f.recipe.LinearKinds, chosen, f.recipe.MinChosen) {
		column[t] = int16(i)
	}
	lin := func(k kind, place int) classifier.Linear {
		l := classifier.Linear{Column: classifier.NoColumn}
		if linear.has(k) {
			l.IDF, l.Weights = linear.idf[k][place], linear.weights[k][place]
		}
		if c, ok := column[chosenTerm{k, uint32(place)}]; ok {
			l.Column = c
		}
		return l
	}
	t := &classifier.Tables{Bias: linear.bias}
	for p, term := range v.terms[words] {
		t.Words = append(t.Words, classifier.Word{Text: f.corpus.words[term], Linear: lin(words, p), Bayes: bayes[words][p]})
	}
	for p, weights := range bayes[pairs] {
		term := v.terms[pairs][p]
		a, b := v.wordPlaces(pairs, term)
		t.Pairs = append(t.Pairs, classifier.Pair{First: uint16(a), Second: uint16(b), Bayes: weights})
	}
	for p, term := range v.terms[contents] {
		a, b := v.wordPlaces(contents, term)
		t.Contents = append(t.Contents, classifier.Content{First: uint16(a), Second: uint16(b), Linear: lin(contents, p)})
	}
	for p := range linear.idf[openings] {
		term := v.terms[openings][p]
		t.Openings = append(t.Openings, classifier.Opening{Word: uint16(v.place[words][term]), Linear: lin(openings, p)})
	}
	for _, name := range f.fields {
		t.Fields = append(t.Fields, f.fitField(name, rows))
	}
	return t
}

// outOfFold returns the rows of features to train on. Their scores come from
// fits that did not see the row or a near-copy of it, as a text that is new has
// it in serving; their counts from the final tables.
func (f *Fitter) outOfFold(features *classifier.Features, rows []int, parts []dataset.Split) (*matrix, error) {
	place := placesOf(rows, len(f.examples))
	n := features.Scores()
	scores := make([]float64, len(rows)*n)
	var g errgroup.Group
	g.SetLimit(min(trainingThreads, runtime.GOMAXPROCS(0)))
	for i, part := range parts {
		g.Go(func() error {
			inner, err := classifier.NewFeatures(f.fitTables(part.Train, 0))
			if err != nil {
				return fmt.Errorf("scores of fold %d: %w", i, err)
			}
			s := inner.NewScratch()
			for _, r := range part.Test {
				e := &f.examples[r]
				copy(scores[int(place[r])*n:][:n], inner.Row([]byte(e.Text), e.Fields, s))
			}
			f.progress("scores of fold %d of %d", i+1, len(parts))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := newMatrix(len(f.examples))
	s := features.NewScratch()
	for i, r := range rows {
		e := &f.examples[r]
		row := features.Row([]byte(e.Text), e.Fields, s)
		copy(row[:n], scores[i*n:])
		out.add(r, row, classifier.ScoreColumns(f.taxonomy.Len()), n, f.knows(e))
		if i == sampleRows {
			out.Reserve(len(rows) * out.Len() / i)
		}
	}
	return out, nil
}

// knows says whether an example has a field that counts.
func (f *Fitter) knows(e *dataset.Example) bool {
	return slices.ContainsFunc(f.fields, func(name string) bool { return fieldValue(name, e) != "" })
}

// sampleRows are enough to see how much room a row takes.
const sampleRows = 5000

// placesOf is the inverse of a list of rows: where each of n is in it.
func placesOf(rows []int, n int) []int32 {
	place := make([]int32, n)
	for i, r := range rows {
		place[r] = int32(i)
	}
	return place
}

// Fit makes a model of the given rows.
func (f *Fitter) Fit(ctx context.Context, rows []int) (*Model, error) {
	m := &Model{trained: rows, classes: f.taxonomy.Len(), tables: f.fitTables(rows, f.recipe.Chosen)}
	var err error
	if m.features, err = classifier.NewFeatures(m.tables); err != nil {
		return nil, err
	}
	parts := dataset.Folds(f.groups, rows, f.recipe.InnerFolds, f.seed+1)
	for i, p := range parts {
		if len(p.Train) == 0 || len(p.Test) == 0 {
			return nil, fmt.Errorf("inner fold %d of %d is empty: %d rows are too few", i, len(parts), len(rows))
		}
	}
	matrix, err := f.outOfFold(m.features, rows, parts)
	if err != nil {
		return nil, err
	}
	if f.single {
		f.corpus = nil
	}
	if m.Search, err = f.findRounds(ctx, matrix, rows, parts); err != nil {
		return nil, err
	}
	m.rounds = m.Search.best
	if err := f.boost(ctx, m, matrix); err != nil {
		return nil, err
	}
	err = m.flatten(f.lib, f.mixOf(rows), f.recipe.Flat)
	return m, err
}

// newTraining is the dataset of train rows, with the recipe's weights.
func (f *Fitter) newTraining(m *matrix, parameters string) (*lightgbm.Dataset, error) {
	d, err := f.lib.NewDataset(m.Rows, m.labels(f.examples), parameters, nil)
	if err != nil || !f.recipe.Balanced {
		return d, err
	}
	if err := d.Weigh(m.balance(f.examples, f.taxonomy.Len())); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// boost trains the final trees.
func (f *Fitter) boost(ctx context.Context, m *Model, matrix *matrix) error {
	parameters := f.recipe.parameters(f.taxonomy.Len(), f.seed, matrix.Len())
	train, err := f.newTraining(matrix, parameters)
	if err != nil {
		return err
	}
	defer train.Close()
	booster, err := f.lib.NewBooster(train, parameters)
	if err != nil {
		return err
	}
	defer booster.Close()
	for range m.rounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := booster.Round(); err != nil {
			return err
		}
	}
	text, err := booster.Text(m.rounds)
	if err != nil {
		return err
	}
	m.text = classifier.Relabel([]byte(text))
	m.booster, err = f.lib.LoadBooster(text)
	return err
}

// Close gives the model's memory up.
func (m *Model) Close() { m.booster.Close() }

// Predict returns what a model says of rows that it was not trained on.
func (f *Fitter) Predict(m *Model, rows []int) ([]evaluate.Prediction, error) {
	return f.predict(m, rows, true)
}

// predict is Predict with the fields of the rows or without them.
func (f *Fitter) predict(m *Model, rows []int, fields bool) ([]evaluate.Prediction, error) {
	inputs := make([]complaint, len(rows))
	for i, r := range rows {
		inputs[i].text = f.examples[r].Text
		if fields {
			inputs[i].fields = f.examples[r].Fields
		}
	}
	out, err := m.predict(inputs)
	for i := range out {
		out[i].Truth, out[i].Example = f.examples[rows[i]].Category, &f.examples[rows[i]]
	}
	return out, err
}

// rowOf is the i-th row's part of all rows' probabilities.
func (f *Fitter) rowOf(flat []float64, i int) []float64 {
	n := f.taxonomy.Len()
	return flat[i*n : (i+1)*n : (i+1)*n]
}

// complaint is what a model goes by.
type complaint struct {
	text   string
	fields classifier.Fields
}

// predict returns LightGBM's own probabilities for complaints that are new to the
// model. The true categories are the caller's to fill in.
func (m *Model) predict(inputs []complaint) ([]evaluate.Prediction, error) {
	rows := &lightgbm.Rows{}
	s := m.features.NewScratch()
	out := make([]evaluate.Prediction, len(inputs))
	for i, in := range inputs {
		rows.Append(m.features.Row([]byte(in.text), in.fields, s))
		out[i].Length, out[i].UnknownWords = len(in.text), s.UnknownWords()
	}
	flat, err := m.booster.Predict(rows, m.classes, fmt.Sprintf("num_threads=%d", threadsFor(len(inputs))))
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Probabilities = flat[i*m.classes : (i+1)*m.classes : (i+1)*m.classes]
	}
	return out, nil
}
