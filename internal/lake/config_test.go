package lake_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
)

func TestRefusedURLNamesWhatIsWrong(t *testing.T) {
	for url, want := range map[string]string{
		"":                        `want s3://bucket/prefix or file://directory`,
		"gs://bucket":             `want s3://bucket/prefix or file://directory`,
		"/data/lake":              `want s3://bucket/prefix or file://directory`,
		"file://":                 `want s3://bucket/prefix or file://directory`,
		"s3://":                   `bucket "" has 0 characters`,
		"s3://ab/x":               `bucket "ab" has 2 characters`,
		"s3://My-bucket/x":        `bucket "My-bucket" has the character 'M'`,
		"s3://my_bucket":          `bucket "my_bucket" has the character '_'`,
		"s3://-bucket":            `bucket "-bucket" begins or ends`,
		"s3://bücket":             `bucket "bücket" has the character 'ü'`,
		"s3://bucket/our data":    `prefix "our data" has the character ' '`,
		"s3://bucket/a//b":        `prefix "a//b" has a slash too many`,
		"s3://bucket/a/.b":        `prefix "a/.b" has the name ".b", which begins with a dot`,
		"s3://bucket/lake?x=1":    `prefix "lake?x=1" has the character '?'`,
		"s3://bucket:9000/lake":   `bucket "bucket:9000" has the character ':'`,
		"s3://bucket/lake/äpfel/": `prefix "lake/äpfel" has the character 'ä'`,
	} {
		err := lake.Config{URL: url}.Check()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"`+url+`"`) {
			t.Errorf("%s: error %v, want one with %s", url, err, want)
		}
	}
	for _, url := range []string{"s3://abc", "s3://a.b-c1/x/y=1/", "file://dir", "file:///a b/ü"} {
		if err := (lake.Config{URL: url}).Check(); err != nil {
			t.Error(err)
		}
	}
}

// Who opens a lake that must exist creates nothing there until something is put.
func TestOpenExisting(t *testing.T) {
	dir := t.TempDir()
	open := func(dir string) (lake.Store, error) {
		return lake.OpenExisting(t.Context(), lake.Config{URL: "file://" + dir})
	}
	if _, err := open(filepath.Join(dir, "typo")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "typo") {
		t.Errorf("a directory that is absent: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(filepath.Join(dir, "file")); err == nil {
		t.Error("a file is taken for a directory")
	}
	store, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.List(t.Context(), "gold/", "", 1); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("opened and listed, the directory has %v, %v", entries, err)
	}
	laketest.Accept(t, func(t testing.TB) lake.Store {
		t.Helper()
		store, err := open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}
