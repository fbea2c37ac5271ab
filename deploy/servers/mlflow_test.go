//go:build servers

package servers

import (
	"context"
	"testing"
)

func TestMLflowCreatesAnExperiment(t *testing.T) {
	m := MLflow(t)
	create := func() error {
		return postJSON(m.URL+"/api/2.0/mlflow/experiments/create", map[string]string{"name": "letters"})
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	m.Stop()
	m.Start()
	if create() == nil {
		t.Error("created the same experiment again: the first was lost in a restart")
	}
	if err := answers(context.Background(), m.URL+"/api/2.0/mlflow/experiments/get-by-name?experiment_name=letters"); err != nil {
		t.Error(err)
	}
}
