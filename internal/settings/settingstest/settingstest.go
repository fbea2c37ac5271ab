// Package settingstest has what the tests of all programs want of their settings.
package settingstest

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Check prints the settings of each command, given as its name and the arguments that it needs, and reads them again. A program
// shows no secret, and what it printed gives the same settings.
func Check(t *testing.T, run func(args []string, stdout io.Writer) error, secrets []string, commands ...string) {
	t.Helper()
	const secret = "s3cret-of-a-test"
	for _, name := range secrets {
		t.Setenv("COMPLAINTS_"+name, secret)
	}
	printed := func(args ...string) string {
		var out bytes.Buffer
		if err := run(append(args, "--print-config"), &out); err != nil || out.Len() == 0 {
			t.Errorf("%v: %v, printed %q", args, err, out.String())
		}
		return out.String()
	}
	for _, command := range commands {
		args := strings.Fields(command)
		first := printed(args...)
		if strings.Contains(first, secret) {
			t.Errorf("%s prints a secret:\n%s", command, first)
		}
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(first), 0o600); err != nil {
			t.Fatal(err)
		}
		if again := printed(append(args, "--config", file)...); again != first {
			t.Errorf("%s prints\n%s\nand, when that is read,\n%s", command, first, again)
		}
	}
}
