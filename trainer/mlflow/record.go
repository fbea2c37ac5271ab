package mlflow

import (
	"context"
	"errors"
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
	// VersionTag of a run, and of a version of the registered model, is the version of the bundle.
	VersionTag = "complaints.model_version"
	// BundleFolder is where a run's artifacts hold the bundle.
	BundleFolder = "bundle"
)

// Training is what is recorded of one training.
type Training struct {
	Version        string // of the bundle: it is recorded once
	Started, Ended time.Time
	Params         map[string]string
	Metrics        map[string]float64   // on rows that were kept from training
	Rounds         map[string][]float64 // by metric, its value after each round
	Artifacts      map[string][]byte    // by path: the bundle below BundleFolder
	Status         string               // of the tag Validation
	Promoted       bool                 // it serves: the alias Champion moves to it
}

// Recorded says where MLflow shows a training.
type Recorded struct {
	RunID        string
	RunURL       string // of the page
	ModelVersion string // MLflow's own number
}

// ErrNotRecorded says that MLflow knows no version of a bundle.
var ErrNotRecorded = errors.New("not recorded in MLflow")

// Record writes a training: its run, its files, a version of the registered
// model, and the alias if it was promoted. What is there already stays. The error
// says which step failed; the same call again goes on there.
func (c *Client) Record(ctx context.Context, t Training) (Recorded, error) {
	var done Recorded
	if t.Version == "" || strings.ContainsAny(t.Version, "'`\\") {
		return done, fmt.Errorf("the version %q of the bundle cannot be recorded", t.Version)
	}
	experiment, err := c.experiment(ctx, Experiment)
	if err != nil {
		return done, fmt.Errorf("experiment %s: %w", Experiment, err)
	}
	r, err := c.findOrCreateRun(ctx, experiment, t.Version, t.Started)
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
	if done.ModelVersion, err = c.findOrCreateVersion(ctx, Model, r, BundleFolder); err != nil {
		return done, fmt.Errorf("registered model %s: %w", Model, err)
	}
	return done, c.mark(ctx, t, done.ModelVersion)
}

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

func (c *Client) mark(ctx context.Context, t Training, version string) error {
	for _, tag := range []keyValue{{VersionTag, t.Version}, {Validation, t.Status}} {
		if tag.Value == "" {
			continue
		}
		if err := c.tagVersion(ctx, Model, version, tag.Key, tag.Value); err != nil {
			return fmt.Errorf("tag %s of version %s: %w", tag.Key, version, err)
		}
	}
	if !t.Promoted {
		return nil
	}
	if err := c.moveAlias(ctx, Model, Champion, version); err != nil {
		return fmt.Errorf("alias %s to version %s: %w", Champion, version, err)
	}
	return nil
}

// Promote moves the alias to the version of a bundle that was recorded before, as
// after a rollback; else the error is ErrNotRecorded.
func (c *Client) Promote(ctx context.Context, version string) error {
	if version == "" || strings.ContainsAny(version, "'`\\") {
		return fmt.Errorf("%q: %w", version, ErrNotRecorded)
	}
	v, err := c.findVersion(ctx, Model, "tags.`"+VersionTag+"`", version)
	if err != nil {
		return err
	}
	if v.Version == "" {
		return fmt.Errorf("%s: %w", version, ErrNotRecorded)
	}
	return c.moveAlias(ctx, Model, Champion, v.Version)
}
