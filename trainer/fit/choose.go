package fit

import (
	"cmp"
	"slices"

	"complaints/trainer/evaluate"
)

// chosenTerm is a term whose count is a feature.
type chosenTerm struct {
	kind  kind
	place uint32
}

// chooseTerms picks n terms whose presence tells most of a category: by
// chi-square against each category, the best unused term a category in turn.
func chooseTerms(v *vocabulary, kinds []kind, n, minDocuments int) []chosenTerm {
	var candidates []chosenTerm
	for _, k := range kinds {
		for p, f := range v.frequency[k] {
			if int(f.total()) >= minDocuments {
				candidates = append(candidates, chosenTerm{k, uint32(p)})
			}
		}
	}
	n = min(n, len(candidates))
	ranked := make([][]chosenTerm, v.classes)
	for k := range ranked {
		ranked[k] = rankTerms(v, candidates, k)
	}
	used := map[chosenTerm]bool{}
	chosen := make([]chosenTerm, 0, n)
	for k := 0; len(chosen) < n; k = (k + 1) % v.classes {
		for used[ranked[k][0]] {
			ranked[k] = ranked[k][1:]
		}
		used[ranked[k][0]] = true
		chosen = append(chosen, ranked[k][0])
	}
	return chosen
}

func rankTerms(v *vocabulary, candidates []chosenTerm, category int) []chosenTerm {
	type scored struct {
		chosenTerm
		chi2 float64
	}
	list := make([]scored, len(candidates))
	for i, t := range candidates {
		f := v.frequency[t.kind][t.place]
		list[i] = scored{t, evaluate.ChiSquare(v.documents, int(v.perClass[category]), int(f.total()), int(f[category]))}
	}
	slices.SortStableFunc(list, func(a, b scored) int { return cmp.Compare(b.chi2, a.chi2) })
	out := make([]chosenTerm, len(list))
	for i, s := range list {
		out[i] = s.chosenTerm
	}
	return out
}
