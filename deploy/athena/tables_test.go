package athena

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated files")

// TestFilesAreOfTheRowTypes holds the committed definitions to the Go types: go test ./deploy/athena -update.
func TestFilesAreOfTheRowTypes(t *testing.T) {
	ddl, glue, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"tables.sql": ddl, "../aws/tables.yaml": glue} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what the row types give: go test ./deploy/athena -update", path)
		}
	}
}

// statements are the files of a folder in the order of their names.
func statements(t testing.TB, folder string) (names, texts []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no statements in %s: %v", folder, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		names, texts = append(names, strings.TrimSuffix(filepath.Base(f), ".sql")), append(texts, string(b))
	}
	return names, texts
}

func TestQueriesSayWhatTheyAreFor(t *testing.T) {
	names, texts := statements(t, "queries")
	if len(names) != 10 {
		t.Errorf("%d queries, want 10", len(names))
	}
	for i, text := range texts {
		if !strings.HasPrefix(text, "-- ") || !strings.Contains(text, "dt ") && !strings.Contains(text, "dt=") {
			t.Errorf("query %s: want a comment at its head, and a bound of dt", names[i])
		}
	}
}
