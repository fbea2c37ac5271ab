package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notAName = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinksOfTheDocuments: a file or a heading that was renamed leaves a link behind.
func TestLinksOfTheDocuments(t *testing.T) {
	checked := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != ".." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "data"):
			return fs.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		for _, m := range link.FindAllStringSubmatch(string(read(t, path)), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			checked++
			file := path
			if target != "" {
				file = filepath.Join(filepath.Dir(path), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			} else if anchor != "" && !hasHeading(string(read(t, file)), anchor) {
				t.Errorf("%s links to %s, which has no such heading", path, m[1])
			}
		}
		return nil
	})
	if err != nil || checked < 20 {
		t.Errorf("%d links were checked: %v", checked, err)
	}
}

// hasHeading says whether a document has the anchor that GitHub makes of a heading.
func hasHeading(document, anchor string) bool {
	for _, m := range heading.FindAllStringSubmatch(document, -1) {
		name := notAName.ReplaceAllString(strings.ToLower(m[1]), "")
		if strings.ReplaceAll(name, " ", "-") == anchor {
			return true
		}
	}
	return false
}

var (
	code     = regexp.MustCompile("`([^`\n]+)`")
	fileName = regexp.MustCompile(`^\.?[a-z][\w.-]*(/[\w.-]+)*(/|\.(go|md|ya?ml|json|sql|mk))$`)
	testName = regexp.MustCompile(`^Test[A-Z]\w+$`)
	testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// TestArchitectureNamesWhatIsThere: a folder, a file or a test that was renamed leaves its name behind. A test that stands in a line
// with folders is in one of them.
func TestArchitectureNamesWhatIsThere(t *testing.T) {
	files, tests := 0, 0
	for line := range strings.Lines(string(read(t, "../docs/ARCHITECTURE.md"))) {
		var folders []string
		for _, m := range code.FindAllStringSubmatch(line, -1) {
			switch name := m[1]; {
			case fileName.MatchString(name) && strings.Contains(name, "/"):
				files++
				if _, err := os.Stat(filepath.Join("..", name)); err != nil {
					t.Errorf("there is no %s", name)
				}
				folders = append(folders, name, filepath.Dir(name)) // of a file, its folder
			case testName.MatchString(name):
				tests++
				if !slices.ContainsFunc(folders, func(folder string) bool { return hasTest(t, folder, name) }) {
					t.Errorf("none of %v has %s", folders, name)
				}
			}
		}
	}
	if files < 20 || tests < 15 {
		t.Errorf("%d files and %d tests are named", files, tests)
	}
}

// hasTest says whether a folder of the module has a test of this name.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(found, func(file string) bool {
		return slices.ContainsFunc(testFunc.FindAllSubmatch(read(t, file), -1), func(m [][]byte) bool { return string(m[1]) == name })
	})
}

// TestTreeOfTheArchitecture holds the drawn tree to the folders: each line names one that is there, and all rooms of the programs are drawn.
func TestTreeOfTheArchitecture(t *testing.T) {
	_, tree, _ := strings.Cut(string(read(t, "../docs/ARCHITECTURE.md")), "\n## Where is what\n")
	tree, _, _ = strings.Cut(tree, "\n| to find |")
	drawn, parent := map[string]bool{}, ""
	for _, m := range regexp.MustCompile(`(?m)^    (  )?([a-z]+)/`).FindAllStringSubmatch(tree, -1) {
		name := m[2]
		if m[1] == "" {
			parent = name
		} else {
			name = parent + "/" + name
		}
		drawn[name] = true
		if info, err := os.Stat(filepath.Join("..", name)); err != nil || !info.IsDir() {
			t.Errorf("the tree has %s, which is no folder", name)
		}
	}
	for _, parent := range []string{"", "consumer", "producer", "trainer", "internal"} {
		entries, err := os.ReadDir(filepath.Join("..", parent))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := filepath.ToSlash(filepath.Join(parent, e.Name()))
			inside, err := filepath.Glob(filepath.Join("..", name, "*.go"))
			if err != nil {
				t.Fatal(err)
			}
			if e.IsDir() && len(inside) > 0 && !strings.HasPrefix(e.Name(), ".") && !drawn[name] {
				t.Errorf("the tree lacks %s", name)
			}
		}
	}
}
