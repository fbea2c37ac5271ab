// Package mapping reads the files that say where other people's messages and files
// have the fields of a complaint.
//
// In comes the name of a built-in mapping or the path of a YAML file, out comes a
// compiled [schema.Mapping], or all faults of the file at once. It keeps nothing.
package mapping

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"complaints/schema"
)

// file is a mapping as YAML has it: a list may also be one word.
type file struct {
	From   words            `yaml:"from"`
	Fields map[string]words `yaml:"fields"`
	Extra  words            `yaml:"extra"`
	Dates  string           `yaml:"dates"`
}

// words are texts, or one of them.
type words []string

// UnmarshalYAML reads a text or a list of texts.
func (w *words) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*w = words{}
		if node.Tag != "!!null" {
			*w = words{node.Value}
		}
		return nil
	}
	list := []string{}
	err := node.Decode(&list)
	*w = list
	return err
}

// Load returns the built-in mapping of a name, or else the one of a file; without a
// name the Bureau's.
func Load(name string) (*schema.Mapping, error) {
	if name == "" {
		return schema.BureauMapping(), nil
	}
	if m, ok := schema.BuiltInMapping(name); ok {
		return m, nil
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) && !strings.ContainsAny(name, `/\.`) {
		return nil, fmt.Errorf("mapping %q: want %s, or the path of a file", name, strings.Join(schema.BuiltInMappings(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	return parse(filepath.Base(name), b)
}

func parse(name string, b []byte) (*schema.Mapping, error) {
	var f file
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("mapping %s: %w", name, err)
	}
	spec := schema.MappingSpec{From: f.From, Fields: map[string][]string{}, Extra: f.Extra, Dates: f.Dates}
	for field, entries := range f.Fields {
		spec.Fields[field] = entries
	}
	return schema.NewMapping(name, spec)
}
