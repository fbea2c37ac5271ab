package main

import (
	"io"
	"strings"
	"testing"

	"complaints/internal/settings/settingstest"
)

func TestPrintConfig(t *testing.T) {
	settingstest.Check(t, func(args []string, stdout io.Writer) error {
		return run(t.Context(), args, strings.NewReader(""), stdout, io.Discard)
	}, []string{"SASL_PASSWORD"}, "--sample", "complaints.csv --rate 2.5 --linger 1s")
}
