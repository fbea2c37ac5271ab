//go:build servers

package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"complaints/deploy/servers"
)

// pageStack is a stack that the AWS page makes, with the parameters that it gives.
type pageStack struct {
	Stack      string            `json:"stack"`
	Parameters map[string]string `json:"parameters"`
}

// stacksOfThePage reads the page's commands in their order. What a command of the shell would answer is made up.
func stacksOfThePage(t *testing.T) (steps []pageStack) {
	t.Helper()
	page := strings.ReplaceAll(string(read(t, "aws/README.md")), "\\\n", "")
	madeUp := strings.NewReplacer(`$(git describe --tags --always)`, "v1.2.3", "$REGISTRY", "$(out complaints-data Registry)", "$brokers", "b-1:9098,b-2:9098",
		"LakeKeyArn=…", "LakeKeyArn=$(out complaints-data LakeKeyArn)")
	for _, command := range regexp.MustCompile("(?m)(?:(?:^    )|`)up ([a-z-]+)([^`#\n]*)").FindAllStringSubmatch(page, -1) {
		s := pageStack{command[1], map[string]string{}}
		for _, m := range regexp.MustCompile(`([A-Z]\w+)=("[^"]*"|\S+\([^)]*\)|\S+)`).FindAllStringSubmatch(madeUp.Replace(command[2]), -1) {
			s.Parameters[m[1]] = strings.Trim(m[2], `"`)
		}
		steps = append(steps, s)
	}
	return steps
}

// TestTemplatesComeUp makes the stacks of the AWS page on moto, in the page's order and with its parameters; stacks.py names what
// moto lacks.
func TestTemplatesComeUp(t *testing.T) {
	t.Parallel()
	steps := stacksOfThePage(t)
	var names []string
	for _, s := range steps {
		names = append(names, s.Stack)
	}
	if want := []string{"network", "kafka", "data", "tables", "services", "deploy-role"}; !slices.Equal(names, want) {
		t.Fatalf("the page makes %v, want %v", names, want)
	}
	plan, err := json.Marshal(steps)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(servers.Cache(t), "moto", "bin", "python"), "aws/stacks.py")
	cmd.Stdin = strings.NewReader(string(plan))
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=nobody", "AWS_SECRET_ACCESS_KEY=nothing")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v (`make moto` brings moto)\n%s", err, out)
	}
	for _, name := range names {
		if !regexp.MustCompile(`complaints-` + name + ` CREATE_COMPLETE [1-9]`).Match(out) {
			t.Errorf("%s did not come up:\n%s", name, out)
		}
	}
}
