package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/internal/registry"
	"complaints/schema"
	"complaints/trainer/dataset"
	"complaints/trainer/evaluate"
	"complaints/trainer/explore"
)

// progressRows is after how many complaints a line of progress comes.
const progressRows = 100_000

func runReport(ctx context.Context, c *reportConfig, stdout, stderr io.Writer) error {
	progress := libraryConfig{Quiet: c.Quiet}.progress(stderr)
	from, model, err := c.open(ctx)
	if err != nil {
		return err
	}
	counted, said := explore.NewCollector(model.Taxonomy()), newPredicted(model)
	add := func(x *schema.Complaint) {
		counted.Add(x)
		said.add(x)
		if n := counted.Rows(); n%progressRows == 0 {
			progress("%d complaints", n)
		}
	}
	if err := from.Complaints(ctx, progress, add); err != nil {
		return err
	}
	if counted.Rows() == 0 {
		return fmt.Errorf("%s: has no complaints", from)
	}
	if err := writeFile(c.Out, func(w io.Writer) error { return counted.Write(w, from.String(), said.model()) }); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: %s\n", c.Out, counted)
	return err
}

// complaintSource is where whole complaints come from. Its name is for people.
type complaintSource interface {
	fmt.Stringer
	Complaints(ctx context.Context, progress dataset.Progress, use func(*schema.Complaint)) error
}

// open finds the complaints and the model that predicts them.
func (c *reportConfig) open(ctx context.Context) (complaintSource, *classifier.Classifier, error) {
	if len(c.Data) > 0 {
		bundle, err := classifier.Bootstrap()
		if c.Model != "" {
			bundle, err = classifier.LoadDir(c.Model)
		}
		return c.files(), bundle, err
	}
	store, err := lake.Open(ctx, c.Lake)
	if err != nil {
		return nil, nil, err
	}
	bundle, err := registry.LoadVersionOrChampion(ctx, store, c.Model)
	return dataset.Silver{Store: store, Window: c.Window}, bundle, err
}

// writeFile replaces a file by what write writes, or leaves it as it is.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriter(f)
	if err := errors.Join(write(w), w.Flush(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// predicted counts what a model predicts of complaints.
type predicted struct {
	bundle  *classifier.Classifier
	scratch *classifier.Scratch
	known   *evaluate.Tally     // of those whose product is known
	all     *classifier.Profile // of all that have a text
	review  int
}

func newPredicted(bundle *classifier.Classifier) *predicted {
	t := bundle.Taxonomy()
	return &predicted{bundle: bundle, scratch: bundle.NewScratch(), known: evaluate.NewTally(t), all: classifier.NewProfile(t.Len())}
}

func (s *predicted) add(x *schema.Complaint) {
	if strings.TrimSpace(x.Narrative) == "" {
		return
	}
	p := s.bundle.PredictWith([]byte(x.Narrative), classifier.FieldsOf(x), s.scratch)
	s.all.Add(len(x.Narrative), p.Category, p.Probability, p.UnknownWords)
	if p.NeedsReview {
		s.review++
	}
	if truth, ok := s.bundle.Taxonomy().Code(x.Product); ok {
		s.known.Add(evaluate.Prediction{Truth: truth, Probabilities: p.Probabilities, Length: len(x.Narrative), UnknownWords: p.UnknownWords})
	}
}

// model is what the page shows.
func (s *predicted) model() *explore.Model {
	manifest := s.bundle.Manifest()
	return &explore.Model{
		Version: s.bundle.Version(), Training: manifest.Training, HeldOut: manifest.Metrics, Here: s.known.Result(), Calibration: s.known.Bins(),
		Categories: s.bundle.Taxonomy().Names(), Scored: *s.all, Reference: manifest.Reference, NeedReview: s.review,
	}
}
