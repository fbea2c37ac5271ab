package main

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"complaints/internal/settings/settingstest"
)

func TestPrintConfig(t *testing.T) {
	settingstest.Check(t, func(args []string, stdout io.Writer) error { return run(t.Context(), args, stdout, io.Discard) },
		[]string{"MLFLOW"}, "run", "run --window 52w --max-ece 0.1", "rollback", "score", "report --out page.html", "train --data a.csv --out model", "evaluate --folds 5 --data a.csv")
}

func TestARejectedModelMayBeASuccess(t *testing.T) {
	rejected := fmt.Errorf("run: %w", &rejectedError{"rejected"})
	for _, c := range []struct {
		ok        bool
		err, want error
	}{{true, rejected, nil}, {false, rejected, rejected}, {true, io.EOF, io.EOF}, {true, nil, nil}} {
		if got := (&runConfig{RejectedOK: c.ok}).outcome(c.err); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("with --rejected-ok %t, %v ends the program with %v", c.ok, c.err, got)
		}
	}
}
