package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sampleFile is what the built-in model was not trained on.
const sampleFile = "../producer/sample/complaints.csv.gz"

func runArgs(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out, log bytes.Buffer
	err = run(context.Background(), args, &out, &log)
	t.Log(log.String())
	return out.String(), err
}

func TestEvaluateModel(t *testing.T) {
	args := []string{"evaluate", "--model", "../internal/classifier/bootstrap", "--data", "../producer/sample/complaints.csv.gz"}
	out, err := runArgs(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"rows", "accuracy", "macro F1", "log loss", "ECE", "precision", "Bank Accounts and Services", "true \\ predicted"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not say %q:\n%s", want, out)
		}
	}
	out, err = runArgs(t, append(args, "--json")...)
	if err != nil || !strings.HasPrefix(out, `{"rows":`) || strings.Count(out, "\n") != 1 {
		t.Errorf("--json printed %q, error %v", out, err)
	}
}

func TestCommandsRefuseBadInput(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "none.csv")
	if err := os.WriteFile(empty, []byte("Product,Consumer complaint narrative\nMortgage,\nNonsense,a text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LIGHTGBM_LIB", "")
	data := "../producer/sample/complaints.csv.gz"
	for name, test := range map[string]struct {
		args []string
		want []string
	}{
		"no command":          {nil, []string{"expected one of"}},
		"neither":             {[]string{"evaluate", "--data", data}, []string{"--model", "--folds"}},
		"both":                {[]string{"evaluate", "--data", data, "--model", dir, "--folds", "5"}, []string{"--model", "--folds"}},
		"one fold":            {[]string{"evaluate", "--data", data, "--folds", "1"}, []string{"--folds is 1"}},
		"all faults at once":  {[]string{"train", "--data", data, "--out", dir, "--folds", "1", "--review-precision", "2"}, []string{"--folds is 1", "--review-precision is 2"}},
		"no such file":        {[]string{"evaluate", "--data", "none.csv", "--model", "../internal/classifier/bootstrap"}, []string{"none.csv"}},
		"no such bundle":      {[]string{"evaluate", "--data", data, "--model", dir}, []string{"manifest.json"}},
		"no library":          {[]string{"train", "--data", data, "--out", dir}, []string{"make lightgbm", "LIGHTGBM_LIB"}},
		"not the library":     {[]string{"train", "--data", data, "--out", dir, "--lightgbm-lib", empty}, []string{empty, "make lightgbm"}},
		"all faults of run":   {[]string{"run", "--data", data, "--max-rows=-1", "--min-class-rows=0", "--max-ece=-1", "--force"}, []string{"--max-rows is -1", "--min-class-rows is 0", "--max-ece is -1", "--reason"}},
		"no such time":        {[]string{"run", "--data", data, "--every", "Sundays"}, []string{"Sundays", "0 15 * * 0"}},
		"reason alone":        {[]string{"run", "--data", data, "--reason", "x"}, []string{"--force", "x"}},
		"window":              {[]string{"run", "--window", "1y"}, []string{"1y", "365d"}},
		"empty lake":          {[]string{"run", "--lake", "file://" + dir + "/lake"}, []string{"make lightgbm"}},
		"nothing to train on": {[]string{"run", "--lake", "file://" + dir + "/lake", "--data", empty}, []string{"make lightgbm"}},
		"nothing to learn":    {[]string{"train", "--data", empty, "--out", dir}, []string{"make lightgbm"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := runArgs(t, test.args...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range test.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}
