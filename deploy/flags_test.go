//go:build servers

package deploy

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var (
	helpCommand = regexp.MustCompile(`(?m)^  ([a-z][a-z-]+)(?: .*)?\[flags\]`)
	helpFlag    = regexp.MustCompile(`^ +(?:-[a-z], +)?--([a-z0-9-]+)(?:=(\S+))?`)
	helpEnv     = regexp.MustCompile(`\$(COMPLAINTS_[A-Z0-9_]+)`)
	inCapitals  = regexp.MustCompile(`^[A-Z]+$`)
)

// flagInHelp is what the help says of a flag.
type flagInHelp struct {
	where, name string
	value       string // what it takes, in capitals, or empty where it has a default
	list        bool
	environment []string
}

// flagsOf are the flags of a program's commands.
func flagsOf(t *testing.T, name string) []flagInHelp {
	t.Helper()
	help := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), program(t, name), append(args, "--help")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	commands := [][]string{nil}
	for _, m := range helpCommand.FindAllStringSubmatch(help(), -1) {
		commands = append(commands, []string{m[1]})
	}
	var flags []flagInHelp
	for _, command := range commands {
		for line := range strings.Lines(help(command...)) {
			if m := helpFlag.FindStringSubmatch(line); m != nil {
				value, list := strings.CutSuffix(m[2], ",...")
				if !inCapitals.MatchString(value) {
					value = ""
				}
				flags = append(flags, flagInHelp{where: strings.Join(append([]string{name}, command...), " "), name: m[1], value: value, list: list})
			}
			if n := len(flags); n > 0 {
				for _, e := range helpEnv.FindAllStringSubmatch(line, -1) {
					flags[n-1].environment = append(flags[n-1].environment, e[1])
				}
			}
		}
	}
	return flags
}

// A variable that is set for one program must not mean another thing to the next
// one, nor turn a command into something else.
func TestFlagsReadTheEnvironmentAlike(t *testing.T) {
	whatToDo := map[string]bool{"help": true, "version": true, "print-config": true, "force": true, "reason": true, "dry-run": true, "off": true}
	meaning := map[string]flagInHelp{}
	seen := 0
	for _, name := range []string{"consumer", "producer", "trainer"} {
		for _, f := range flagsOf(t, name) {
			if whatToDo[f.name] && len(f.environment) > 0 {
				t.Errorf("%s: --%s reads %s, and says what to do", f.where, f.name, f.environment)
			}
			for _, e := range f.environment {
				seen++
				other, known := meaning[e]
				if known && (other.name != f.name || other.list != f.list || other.value != "" && f.value != "" && other.value != f.value) {
					t.Errorf("%s is --%s=%s of %s (a list: %t), and --%s=%s of %s (a list: %t)", e, other.name, other.value, other.where, other.list, f.name, f.value, f.where, f.list)
				}
				if !known {
					meaning[e] = f
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("found %d flags that read the environment", seen)
	}
}
