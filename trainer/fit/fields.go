package fit

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"complaints/internal/classifier"
	"complaints/trainer/dataset"
)

// fieldValue reads a field that a recipe names from an example.
func fieldValue(name string, e *dataset.Example) string {
	if name != "company" {
		panic(fmt.Sprintf("recipe names the field %q, which examples do not have", name))
	}
	return e.Fields.Company
}

// usedFields are the recipe's fields that any of the examples has.
func (r Recipe) usedFields(examples []dataset.Example) []string {
	return slices.DeleteFunc(slices.Clone(r.Fields), func(name string) bool {
		return !slices.ContainsFunc(examples, func(e dataset.Example) bool { return fieldValue(name, &e) != "" })
	})
}

// fitField finds how much more usual each category is in the rows of a field's value
// than in all that have the field: the logarithm of the ratio of its share there, with
// a few rows of the usual mix added, to its share in all. Values of fewer rows than
// the recipe wants are left out: they would mostly repeat the category of one row.
func (f *Fitter) fitField(name string, rows []int) classifier.Field {
	all := make(frequency, f.taxonomy.Len())
	values := map[string]frequency{}
	for _, r := range rows {
		e := &f.examples[r]
		v := fieldValue(name, e)
		if v == "" || len(v) > classifier.MaxValueBytes {
			continue
		}
		if values[v] == nil {
			values[v] = make(frequency, len(all))
		}
		values[v][e.Category]++
		all[e.Category]++
	}
	total := float64(all.total()) + float64(len(all))
	out := classifier.Field{Name: name}
	for v, of := range values {
		if int(of.total()) < f.recipe.MinValueRows {
			continue
		}
		value := classifier.FieldValue{Name: v}
		for k, n := range of {
			usual := (float64(all[k]) + 1) / total
			here := (float64(n) + f.recipe.UsualRows*usual) / (float64(of.total()) + f.recipe.UsualRows)
			value.Scores = append(value.Scores, classifier.ToFixed(math.Log(here/usual)))
		}
		out.Values = append(out.Values, value)
	}
	slices.SortFunc(out.Values, func(a, b classifier.FieldValue) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// mixOf is the share of each category among the rows, none of them 0.
func (f *Fitter) mixOf(rows []int) []float64 {
	per := dataset.PerCategory(f.taxonomy, f.examples, rows)
	mix := make([]float64, len(per))
	for k, n := range per {
		mix[k] = (float64(n) + 1) / float64(len(rows)+len(per))
	}
	return mix
}

// power raises the shares to a power and brings their sum to 1.
func power(mix []float64, by float64) []float64 {
	out, total := make([]float64, len(mix)), 0.0
	for k, v := range mix {
		out[k] = math.Pow(v, by)
		total += out[k]
	}
	for k := range out {
		out[k] /= total
	}
	return out
}
