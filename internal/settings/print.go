package settings

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// printFlags writes the settings as a configuration file, by name. What is not set and has no default is left out; secrets are comments
// without their value.
func printFlags(out io.Writer, flags []*kong.Flag) error {
	flags = slices.DeleteFunc(slices.Clone(flags), func(f *kong.Flag) bool { return !configurable(f) || (f.Target.IsZero() && !f.HasDefault) })
	slices.SortFunc(flags, func(a, b *kong.Flag) int { return strings.Compare(a.Name, b.Name) })
	for _, flag := range flags {
		if isSecret(flag) {
			if _, err := fmt.Fprintf(out, "# %s is set, and not shown\n", flag.Name); err != nil {
				return err
			}
			continue
		}
		line, err := yaml.Marshal(map[string]any{flag.Name: plain(flag.Target)})
		if err != nil {
			return fmt.Errorf("--%s: %w", flag.Name, err)
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// plain is a value of a flag as YAML should have it: numbers and booleans as such, all else as a person writes it.
func plain(v reflect.Value) any {
	if s, ok := reflect.TypeAssert[fmt.Stringer](v); ok {
		return s.String()
	}
	switch v.Kind() { //nolint:exhaustive // the kinds that YAML writes otherwise than Go
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.Map:
		values := map[string]any{}
		for _, key := range v.MapKeys() {
			values[fmt.Sprint(key.Interface())] = plain(v.MapIndex(key))
		}
		return values
	case reflect.String:
		return v.String()
	}
	return v.Interface() // a number or a boolean
}
