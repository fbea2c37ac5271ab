package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"complaints/internal/lake"
	"complaints/internal/registry"
	"complaints/schema"
	"complaints/trainer/dataset"
	"complaints/trainer/mlflow"
)

// mlflowRecorder writes a run to MLflow. It writes at the end, when the version is
// known: a server that does not answer costs time only then, and a run that failed
// before it had a bundle leaves nothing there.
type mlflowRecorder struct {
	client   *mlflow.Client
	lake     string // its URL, for the command that records later
	progress dataset.Progress
	training mlflow.Training
}

func newMLflowRecorder(client *mlflow.Client, lake string, progress dataset.Progress) *mlflowRecorder {
	return &mlflowRecorder{client: client, lake: lake, progress: progress, training: mlflow.Training{
		Params: map[string]string{}, Metrics: map[string]float64{}, Rounds: map[string][]float64{}, Artifacts: map[string][]byte{},
	}}
}

func (r *mlflowRecorder) Start(_ context.Context, run registry.RunStart) error {
	r.training.Started = run.At
	for name, value := range run.Params {
		if value != "" { // MLflow has no empty parameters
			r.training.Params[name] = value
		}
	}
	return nil
}

func (r *mlflowRecorder) Log(_ context.Context, metrics []registry.Metric) error {
	for _, m := range metrics {
		if m.Step == 0 {
			r.training.Metrics[m.Name] = m.Value
			continue
		}
		r.training.Rounds[m.Name] = append(r.training.Rounds[m.Name], m.Value)
		if n := len(r.training.Rounds[m.Name]); n != m.Step {
			return fmt.Errorf("metric %s: step %d comes in place %d", m.Name, m.Step, n)
		}
	}
	return nil
}

func (r *mlflowRecorder) Artifact(_ context.Context, name string, body []byte) error {
	r.training.Artifacts[name] = body
	return nil
}

func (r *mlflowRecorder) End(ctx context.Context, end registry.RunEnd) error {
	return r.end(ctx, end, end.Outcome == registry.Promoted)
}

// validation is what the registered model's tag says of an outcome.
var validation = map[registry.Outcome]string{registry.Promoted: "approved", registry.Rejected: "rejected"}

// end is End where it is known otherwise whether the version serves.
func (r *mlflowRecorder) end(ctx context.Context, end registry.RunEnd, serves bool) error {
	t := &r.training
	if end.Version == "" {
		return nil
	}
	t.Run, t.Version, t.Ended = schema.RunPrefix(end.Version, t.Started), end.Version, end.At
	t.Note = fmt.Sprintf("%s, compared with %s: %s", end.Outcome, end.Champion, end.Why)
	t.Status, t.Serves = validation[end.Outcome], serves
	done, err := r.client.Record(ctx, *t)
	if err != nil {
		return notInMLflow(err, r.client, r.lake, end.Version)
	}
	r.progress("recorded in MLflow as version %s of %s: %s", done.ModelVersion, mlflow.Model, done.RunURL)
	return nil
}

// notInMLflow says what was not recorded, and how to do it later.
func notInMLflow(err error, client *mlflow.Client, lakeURL, version string) error {
	return fmt.Errorf("the training of %s is not, or not completely, in MLflow: %w. The lake has it; when MLflow answers again: trainer record --model %s --lake %s --mlflow %s",
		version, err, version, lakeURL, client.Address())
}

func runRecord(ctx context.Context, c *recordConfig, stdout io.Writer) error {
	store, err := lake.Open(ctx, c.Lake)
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	version := c.Model
	if version == "" {
		champion, err := registry.Champion(ctx, store)
		if err != nil {
			return err
		}
		if !champion.Exists() {
			return errors.New("no model was published yet, so there is nothing to record")
		}
		version = champion.Version
	}
	n, err := recordVersion(ctx, store, client, c.Lake.URL, version)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%d trainings of %s are in MLflow, at %s\n", n, version, client.Address())
	return err
}

// recordVersion writes all trainings that made a version to MLflow, from what the
// lake has of them, and returns how many there are. The alias moves if the version
// serves. What MLflow has already stays as it is.
func recordVersion(ctx context.Context, store lake.Store, client *mlflow.Client, lakeURL, version string) (int, error) {
	champion, err := registry.Champion(ctx, store)
	if err != nil {
		return 0, err
	}
	runs, err := registry.EndedRuns(ctx, store, version)
	if err != nil {
		return 0, err
	}
	if len(runs) == 0 {
		return 0, fmt.Errorf("the lake has no training that made %s: %s has no run.json", version, schema.RunsPrefix(version))
	}
	for _, start := range runs {
		r := newMLflowRecorder(client, lakeURL, func(string, ...any) {})
		end, err := registry.ReplayRun(ctx, store, r, version, start)
		if err != nil {
			return 0, err
		}
		if err := r.end(ctx, end, champion.Version == version); err != nil {
			return 0, err
		}
	}
	return len(runs), nil
}
