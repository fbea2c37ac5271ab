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
	counted, said := explore.NewCollector(model.Taxonomy()), newSayings(model)
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

// open finds the complaints and the model that judges.
func (c *reportConfig) open(ctx context.Context) (complaintSource, *classifier.Classifier, error) {
	if len(c.Data) > 0 {
		bundle, err := classifier.Bootstrap()
		if c.Model != "" {
			bundle, err = classifier.LoadDir(c.Model)
		}
		return dataset.Files(c.Data), bundle, err
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

// sayings counts what a model says of complaints.
type sayings struct {
	bundle  *classifier.Classifier
	scratch *classifier.Scratch
	known   *evaluate.Tally     // of those whose product is known
	all     *classifier.Profile // of all that have a text
	review  int
}

func newSayings(bundle *classifier.Classifier) *sayings {
	t := bundle.Taxonomy()
	return &sayings{bundle: bundle, scratch: bundle.NewScratch(), known: evaluate.NewTally(t), all: classifier.NewProfile(t.Len())}
}

func (s *sayings) add(x *schema.Complaint) {
	if strings.TrimSpace(x.Narrative) == "" {
		return
	}
	p := s.bundle.Predict([]byte(x.Narrative), s.scratch)
	s.all.Add(len(x.Narrative), p.Category, p.Probability, p.UnknownWords)
	if p.NeedsReview {
		s.review++
	}
	if truth, ok := s.bundle.Taxonomy().Code(x.Product); ok {
		s.known.Add(evaluate.Prediction{Truth: truth, Probabilities: p.Probabilities, Length: len(x.Narrative), UnknownWords: p.UnknownWords})
	}
}

// model is what the page shows.
func (s *sayings) model() *explore.Model {
	manifest, e := s.bundle.Manifest(), s.known.Result()
	m := &explore.Model{
		Version: s.bundle.Version(), Training: manifest.Training, Kept: manifest.Metrics, Here: e.Metrics, Categories: s.bundle.Taxonomy().Names(), Confusion: e.Confusion,
		Scored: *s.all, Reference: manifest.Reference, NeedReview: s.review,
	}
	for _, c := range e.Classes {
		m.Classes = append(m.Classes, explore.Class{Rows: c.Rows, Precision: c.Precision, Recall: c.Recall, F1: c.F1})
	}
	for i, b := range s.known.Bins {
		m.Calibration = append(m.Calibration, explore.Bin{
			From: float64(i) / evaluate.CalibrationBins, To: float64(i+1) / evaluate.CalibrationBins,
			Rows: b.Rows, Said: evaluate.Ratio(b.Said, float64(b.Rows)), Right: evaluate.Ratio(float64(b.Right), float64(b.Rows)),
		})
	}
	return m
}
