// Package settings reads the settings of a program. They come from its flags, the environment, files with secrets, and one
// configuration file, in this order: what stands earlier wins, and the default comes last.
//
// Each flag has a variable of the environment, COMPLAINTS_ and its name in capitals, but those with the tag env:"-", which say
// what to do and not how. A flag with the tag secret:"" also has a variable with _FILE at its end, which names a file that holds
// the value, as container platforms mount them. No secret is ever printed.
package settings

import (
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/alecthomas/kong"
)

// Common are the flags that each program has beside its own. A program embeds it in its command line.
type Common struct {
	Version     kong.VersionFlag `env:"-" help:"Print the version."`
	Config      string           `placeholder:"FILE" help:"YAML file with settings: names of flags, without dashes in front, and their values. Flags and the environment win over it."`
	PrintConfig bool             `env:"-" help:"Print the settings of the command as such a file, without secrets, and end."`
}

// Program is what the help says of a program.
type Program struct {
	Name, Description, Version string
	Vars                       kong.Vars // for ${…} in the help and the defaults
	UsageOnError               bool      // whether a fault is followed by the usage
}

// secretName is how flags are named that hold a secret.
var secretName = regexp.MustCompile(`password|token|secret`)

// Parse reads the settings into cli, a pointer to kong's structure of the command line that embeds Common, and returns kong's
// name of the command. done says that the arguments asked for help, the version or the settings, which were printed.
func Parse(cli any, p Program, args []string, stdout, stderr io.Writer) (command string, done bool, err error) {
	vars, files := kong.Vars{"version": p.Version}, &resolver{program: p.Name}
	parser, err := kong.New(cli, kong.Name(p.Name), kong.Description(p.Description), vars.CloneWith(p.Vars),
		kong.DefaultEnvars("COMPLAINTS"), kong.PostBuild(secretsAreMarked), kong.WithBeforeResolve(files.open), kong.Resolvers(files),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { done = true }), usage(p.UsageOnError))
	if err != nil {
		return "", false, err
	}
	ctx, err := parser.Parse(args)
	switch {
	case done:
		return "", true, nil
	case err != nil:
		return "", false, err
	}
	for _, flag := range ctx.Flags() {
		if flag.Name == "print-config" && flag.Target.Bool() {
			return ctx.Command(), true, printFlags(stdout, ctx.Flags())
		}
	}
	return ctx.Command(), false, nil
}

func usage(onError bool) kong.Option {
	if onError {
		return kong.UsageOnError()
	}
	return kong.OptionFunc(func(*kong.Kong) error { return nil })
}

// secretsAreMarked keeps a programmer from adding a password that would be printed.
func secretsAreMarked(k *kong.Kong) error {
	var errs []error
	walk(k.Model.Node, func(flag *kong.Flag) {
		if secretName.MatchString(flag.Name) && !isSecret(flag) {
			errs = append(errs, fmt.Errorf("flag --%s needs the tag secret", flag.Name))
		}
	})
	return errors.Join(errs...)
}

func isSecret(flag *kong.Flag) bool { return flag.Tag.Has("secret") }

// walk visits the flags of all commands.
func walk(node *kong.Node, visit func(*kong.Flag)) {
	for _, flag := range node.Flags {
		visit(flag)
	}
	for _, child := range node.Children {
		walk(child, visit)
	}
}
