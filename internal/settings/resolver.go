package settings

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// resolver gives kong the values that stand in files: of secrets, and of the configuration.
type resolver struct {
	program string
	values  map[string]*yaml.Node // of the configuration file, by the names of flags
}

// Validate is kong's, and has nothing to do before the flags are read.
func (r *resolver) Validate(*kong.Application) error { return nil }

// Resolve is asked for each flag that is not on the command line. It answers with the text that would stand there, or nil.
func (r *resolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	variable := setVariable(flag.Envs)
	secret, err := secretFile(flag, variable)
	switch {
	case err != nil || secret != nil:
		return secret, err
	case variable != "": // kong has read it
		return nil, nil
	}
	if node := r.values[flag.Name]; node != nil && configurable(flag) {
		return text(node, flag)
	}
	return nil, nil
}

// setVariable is the first of the variables that is in the environment, or "".
func setVariable(names []string) string {
	for _, name := range names {
		if _, ok := os.LookupEnv(name); ok {
			return name
		}
	}
	return ""
}

// secretFile is the content of the file that NAME_FILE names, without the newline at its end; nil where there is no such variable.
func secretFile(flag *kong.Flag, variable string) (any, error) {
	if !isSecret(flag) {
		return nil, nil
	}
	for _, name := range flag.Envs {
		file, ok := os.LookupEnv(name + "_FILE")
		if !ok {
			continue
		}
		if variable != "" {
			return nil, fmt.Errorf("%s and %s_FILE are both set: unset one", variable, name)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s_FILE: %w", name, err)
		}
		secret := strings.TrimRight(string(content), "\r\n")
		if secret == "" {
			return nil, fmt.Errorf("%s_FILE: %s is empty", name, file)
		}
		return secret, nil
	}
	return nil, nil
}

// open reads the configuration file, when flags and environment are read. Every fault of its names is reported at once.
func (r *resolver) open(ctx *kong.Context) error {
	file := ""
	for _, flag := range ctx.Flags() {
		if flag.Name == "config" {
			file, _ = ctx.FlagValue(flag).(string)
		}
	}
	if file == "" {
		return nil
	}
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if r.values, err = readYAML(body); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	known := map[string]bool{}
	walk(ctx.Model.Node, func(flag *kong.Flag) { known[flag.Name] = known[flag.Name] || configurable(flag) })
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(r.values)) {
		if !known[name] {
			errs = append(errs, fmt.Errorf("%s line %d: %s has no setting %q", file, r.values[name].Line, r.program, name))
		}
	}
	return errors.Join(errs...)
}

// configurable says whether a flag may stand in the file: one that the environment cannot set says what to do, and not how.
func configurable(flag *kong.Flag) bool { return len(flag.Envs) > 0 && flag.Name != "config" }

// readYAML gives the values of a mapping by name. An empty file has none.
func readYAML(body []byte) (map[string]*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(body, &document); err != nil {
		return nil, err
	}
	values := map[string]*yaml.Node{}
	if len(document.Content) == 0 {
		return values, nil
	}
	top := document.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: want names and values, as brokers: kafka-1:9092", top.Line)
	}
	for i := 0; i < len(top.Content); i += 2 {
		name := top.Content[i]
		if earlier := values[name.Value]; earlier != nil {
			return nil, fmt.Errorf("line %d: %s stands there twice", name.Line, name.Value)
		}
		values[name.Value] = top.Content[i+1]
	}
	return values, nil
}

// text is a value as it would stand on the command line, so that file and flag are read alike; nil for YAML's null.
func text(node *yaml.Node, flag *kong.Flag) (any, error) {
	switch node.Kind {
	case yaml.ScalarNode:
		if node.Tag == "!!null" {
			return nil, nil
		}
		return node.Value, nil
	case yaml.SequenceNode:
		return join(node.Content, 1, flag.Tag.Sep)
	case yaml.MappingNode:
		return join(node.Content, 2, flag.Tag.MapSep)
	default: // an alias: anchors are more than a list of settings needs
		return nil, fmt.Errorf("line %d: want a value, a list, or names and values", node.Line)
	}
}

// join puts nodes together, of which width belong to one element: a value, or name=value.
func join(nodes []*yaml.Node, width int, separator rune) (any, error) {
	elements := make([]string, 0, len(nodes)/width)
	for group := range slices.Chunk(nodes, width) {
		var parts []string
		for _, node := range group {
			if node.Kind != yaml.ScalarNode {
				return nil, fmt.Errorf("line %d: want a plain value", node.Line)
			}
			parts = append(parts, strings.ReplaceAll(node.Value, string(separator), `\`+string(separator)))
		}
		elements = append(elements, strings.Join(parts, "="))
	}
	return strings.Join(elements, string(separator)), nil
}
