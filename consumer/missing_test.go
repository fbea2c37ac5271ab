package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// files lists what is below a folder.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		all = append(all, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// A command that is asked about what is not there says what is missing, and neither
// it nor a dry run creates anything.
func TestCommandsNameWhatIsMissing(t *testing.T) {
	full, addr := t.TempDir(), freeAddr(t)
	publish(t, full, 20)
	consume(t, addr, full)
	empty, absent := t.TempDir(), filepath.Join(t.TempDir(), "typo")
	fullLake := "file://" + full + "/lake"
	for _, c := range []struct {
		args []string
		want []string // in the error; none: it succeeds
	}{
		{[]string{"erase", "--lake-only", "--complaint-id", "7", "--lake", "file://" + absent}, []string{absent, "no such file"}},
		{[]string{"erase", "--lake-only", "--complaint-id", "7", "--lake", "file://" + empty}, []string{empty, "no object of bronze, silver, gold or labels"}},
		{[]string{"erase", "--lake-only", "--complaint-id", "7", "--lake", fullLake + "/gold"}, []string{"/lake/gold", "no object of bronze, silver, gold or labels"}},
		{[]string{"summary", "--lake", "file://" + absent}, []string{absent, "no such file"}},
		{[]string{"summary", "--lake", "file://" + empty}, []string{empty, "no object below gold/complaints/"}},
		{[]string{"summary", "--lake", fullLake, "--day", "1999-01-01"}, []string{"dt=1999-01-01"}},
		{[]string{"compact", "--lake", "file://" + absent}, []string{absent, "no such file"}},
		{[]string{"compact", "--lake", "file://" + empty}, []string{empty, "no object of [silver gold labels]"}},
		{[]string{"compact", "--lake", fullLake, "--day", "1999-01-01"}, []string{"1999-01-01"}},
		{[]string{"erase", "--lake-only", "--complaint-id", "7", "--lake", fullLake, "--dry-run"}, nil},
		{[]string{"summary", "--lake", fullLake}, nil},
	} {
		t.Run(strings.Join(c.args[:1], " ")+" "+strings.Join(c.want, " "), func(t *testing.T) {
			if err := os.RemoveAll(filepath.Join(full, "lake", ".lock")); err != nil { // of those who wrote
				t.Fatal(err)
			}
			before := [][]string{files(t, full), files(t, empty)}
			var out bytes.Buffer
			err := run(t.Context(), c.args, &out, &out)
			if (err == nil) != (c.want == nil) {
				t.Fatalf("error %v, want one with %q\n%s", err, c.want, out.String())
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if after := [][]string{files(t, full), files(t, empty)}; !slices.Equal(after[0], before[0]) || !slices.Equal(after[1], before[1]) {
				t.Errorf("the command left %q where there were %q", after, before)
			}
			if _, err := os.Stat(absent); err == nil {
				t.Error("the command created the folder")
			}
		})
	}
}
