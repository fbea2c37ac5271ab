package mlflow

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The names under which MLflow shows trainings.
const (
	Experiment = "complaints_classification"
	Model      = "complaints"
	Champion   = "champion"          // alias of the version that serves
	Validation = "validation_status" // tag of a version: what the gate said
	// RunTag of a run names the training, and VersionTag of a run and of a version of
	// the registered model is the version of the bundle.
	RunTag     = "complaints.run"
	VersionTag = "complaints.model_version"
	// BundleFolder is where a run's artifacts hold the bundle.
	BundleFolder = "bundle"
)

// Training is what is recorded of one training.
type Training struct {
	Run            string // names the training, which is recorded once
	Version        string // of its bundle, which is registered once; two trainings may make the same
	Note           string // what the run's page says of it
	Started, Ended time.Time
	Params         map[string]string
	Metrics        map[string]float64   // on rows that were kept from training
	Rounds         map[string][]float64 // by metric, its value after each round
	Artifacts      map[string][]byte    // by path: the bundle below BundleFolder
	Status         string               // of the tag Validation
	Serves         bool                 // the alias Champion moves to its version
}

// Recorded says where MLflow shows a training.
type Recorded struct {
	RunID        string
	RunURL       string // of the page
	ModelVersion string // MLflow's own number
}

// Record writes a training: its run, its files, a version of the registered
// model, and the alias if it was promoted. What is there already stays. The error
// says which step failed; the same call again goes on there.
func (c *Client) Record(ctx context.Context, t Training) (Recorded, error) {
	var done Recorded
	if !isName(t.Run) || !isName(t.Version) {
		return done, fmt.Errorf("training %q of version %q has no name that MLflow can look for", t.Run, t.Version)
	}
	experiment, err := c.experiment(ctx, Experiment)
	if err != nil {
		return done, fmt.Errorf("experiment %s: %w", Experiment, err)
	}
	r, err := c.findOrCreateRun(ctx, experiment, &t)
	if err != nil {
		return done, fmt.Errorf("run of %s: %w", t.Version, err)
	}
	done.RunID = r.Info.ID
	done.RunURL = fmt.Sprintf("%s/#/experiments/%s/runs/%s", c.base, experiment, r.Info.ID)
	if r.Info.Status != statusFinished {
		if err := c.fill(ctx, r, t); err != nil {
			return done, fmt.Errorf("run %s of %s: %w", r.Info.ID, t.Version, err)
		}
	}
	v, err := c.findOrCreateVersion(ctx, Model, t.Version, r, BundleFolder)
	if err != nil {
		return done, fmt.Errorf("registered model %s: %w", Model, err)
	}
	done.ModelVersion = v.Version
	return done, c.mark(ctx, t, v.Version, v.RunID == r.Info.ID)
}

// isName says whether a filter of MLflow can hold the text.
func isName(s string) bool { return s != "" && !strings.ContainsAny(s, "'`\\\n") }

// fill writes what a run holds, and ends it last: a finished run is complete.
func (c *Client) fill(ctx context.Context, r run, t Training) error {
	if err := c.logBatch(ctx, r.Info.ID, pairs(t.Params), metricsOf(&t)); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(t.Artifacts)) {
		if err := c.putArtifact(ctx, r, name, t.Artifacts[name]); err != nil {
			return fmt.Errorf("artifact %s: %w", name, err)
		}
	}
	return c.finish(ctx, r.Info.ID, t.Ended)
}

// mark tags and promotes a version. What the gate says of a version that an
// earlier training made, that it is no better than itself, is not told of it.
func (c *Client) mark(ctx context.Context, t Training, version string, own bool) error {
	if own || t.Serves {
		if err := c.tagVersion(ctx, Model, version, Validation, t.Status); err != nil {
			return fmt.Errorf("tag %s of version %s: %w", Validation, version, err)
		}
	}
	if !t.Serves {
		return nil
	}
	if err := c.moveAlias(ctx, Model, Champion, version); err != nil {
		return fmt.Errorf("alias %s to version %s: %w", Champion, version, err)
	}
	return nil
}
