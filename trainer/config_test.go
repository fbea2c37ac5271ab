package main

import (
	"io"
	"testing"

	"complaints/internal/settings/settingstest"
)

func TestPrintConfig(t *testing.T) {
	settingstest.Check(t, func(args []string, stdout io.Writer) error { return run(t.Context(), args, stdout, io.Discard) },
		[]string{"MLFLOW"}, "run", "run --window 52w --max-ece 0.1", "rollback", "score", "report --out page.html", "train --data a.csv --out model", "evaluate --folds 5 --data a.csv")
}
