package main

import (
	"io"
	"testing"

	"complaints/internal/settings/settingstest"
)

func TestPrintConfig(t *testing.T) {
	settingstest.Check(t, func(args []string, stdout io.Writer) error { return run(t.Context(), args, stdout, io.Discard) },
		[]string{"SASL_PASSWORD", "HTTP_TOKEN", "SCHEMA_REGISTRY_PASSWORD"},
		"run", "run --s3-kms-keys bronze=a;silver=b --roll-age 90s --layers gold", "verify", "summary", "compact --day 2026-11-24", "erase --complaint-id 7", "replay-dead-letters")
}
