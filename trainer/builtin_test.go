//go:build servers

package main

import (
	"os"
	"path/filepath"
	"testing"

	"complaints/internal/classifier"
	"complaints/internal/lightgbm"
)

// builtIn is the built-in model with all that can score its rows.
type builtIn struct {
	*classifier.Classifier
	booster       *lightgbm.Booster
	fast, leaves  classifier.Scorer
	contributions classifier.Contributions
}

func loadBuiltIn(tb testing.TB) builtIn {
	tb.Helper()
	const dir = "../internal/classifier/bootstrap"
	c, err := classifier.LoadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, classifier.ModelPart))
	if err != nil {
		tb.Fatal(err)
	}
	m := builtIn{Classifier: c}
	if m.booster, err = openLibrary(tb).LoadBooster(string(text)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(m.booster.Close)
	if m.fast, m.leaves, err = classifier.Scorers(text, c.Features().Width(), c.Taxonomy().Len(), func(column int) bool { return column >= classifier.ScoreColumns(c.Taxonomy().Len()) }); err != nil {
		tb.Fatal(err)
	}
	if m.contributions, err = classifier.Contributor(text, c.Features().Width(), c.Taxonomy().Len()); err != nil {
		tb.Fatal(err)
	}
	return m
}
