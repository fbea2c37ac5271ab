package explore

import (
	"reflect"
	"strings"

	"complaints/schema"
)

// mostDistinct is how many values of a column are told apart.
const mostDistinct = 10_000

// column is what was seen of a field of the complaints.
type column struct {
	name     string
	index    int
	filled   int
	distinct map[string]struct{} // the first mostDistinct values
	kinds    [numKinds]int       // of the filled values, by the narrowest kind
}

// kind is what a value can be read as.
type kind int

const (
	kindText kind = iota
	kindDate
	kindYesNo
	kindWhole
	numKinds
)

var kindNames = [numKinds]string{"text", "date", "yes or no", "whole number"}

// newColumns has a column for each field of a complaint, in their order; what is
// none of the fields (extra) has none.
func newColumns() []column {
	t := reflect.TypeFor[schema.Complaint]()
	var out []column
	for f := range t.Fields() {
		if f.Type != reflect.TypeFor[string]() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		out = append(out, column{name: name, index: f.Index[0], distinct: map[string]struct{}{}})
	}
	return out
}

func (c *column) of(x *schema.Complaint) *string {
	return reflect.ValueOf(x).Elem().Field(c.index).Addr().Interface().(*string)
}

func (c *column) add(value string) {
	if strings.TrimSpace(value) == "" {
		return
	}
	c.filled++
	c.kinds[kindOf(value)]++
	if c.name != "narrative" && len(c.distinct) < mostDistinct { // the set would hold the texts
		if _, seen := c.distinct[value]; !seen {
			c.distinct[strings.Clone(value)] = struct{}{}
		}
	}
}

func kindOf(value string) kind {
	if _, ok := schema.ParseDate(value); ok {
		return kindDate
	}
	switch strings.ToLower(value) {
	case "yes", "no", "n/a":
		return kindYesNo
	}
	if strings.Trim(value, "0123456789") == "" {
		return kindWhole
	}
	return kindText
}

// kind is the narrowest kind that all filled values have.
func (c *column) kind() string {
	if c.filled == 0 {
		return "nothing"
	}
	for k, n := range c.kinds {
		if n == c.filled {
			return kindNames[k]
		}
	}
	return kindNames[kindText]
}
