package fit

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"complaints/internal/lightgbm"
	"complaints/trainer/evaluate"
)

// temperature is the number by which all raw scores are divided so that the
// probabilities of held-out rows have the least log loss
// (Guo et al., "On calibration of modern neural networks", ICML 2017). It does
// not change which category is the most probable.
func temperature(heldOut []evaluate.Prediction) float64 {
	if len(heldOut) == 0 {
		return 1
	}
	loss := func(logT float64) float64 {
		total := 0.0
		for _, j := range heldOut {
			total -= math.Log(max(scale(j, math.Exp(logT)).Probabilities[j.Truth], 1e-15))
		}
		return total
	}
	// The loss has one minimum: golden section.
	const shrink = 0.6180339887498949
	low, high := math.Log(0.25), math.Log(4)
	a, b := high-shrink*(high-low), low+shrink*(high-low)
	lossA, lossB := loss(a), loss(b)
	for high-low > 1e-4 {
		if lossA < lossB {
			high, b, lossB = b, a, lossA
			a = high - shrink*(high-low)
			lossA = loss(a)
		} else {
			low, a, lossA = a, b, lossB
			b = low + shrink*(high-low)
			lossB = loss(b)
		}
	}
	return math.Exp((low + high) / 2)
}

// scale is what a model would say if its raw scores were divided by t.
func scale(j evaluate.Prediction, t float64) evaluate.Prediction {
	total := 0.0
	scaled := make([]float64, len(j.Probabilities))
	for k, p := range j.Probabilities {
		scaled[k] = math.Pow(p, 1/t)
		total += scaled[k]
	}
	for k := range scaled {
		scaled[k] /= total
	}
	j.Probabilities = scaled
	return j
}

// Scale returns what a model would say of rows if its raw scores were divided by t.
func Scale(rows []evaluate.Prediction, t float64) []evaluate.Prediction {
	out := make([]evaluate.Prediction, len(rows))
	for i, j := range rows {
		out[i] = scale(j, t)
	}
	return out
}

// Calibrate divides the raw scores of a model by the temperature that its
// held-out rows ask for, and returns it with what the model then says of them.
func (f *Fitter) Calibrate(m *Model) (t float64, heldOut []evaluate.Prediction, err error) {
	t = temperature(m.Search.HeldOut)
	if err := m.divide(f.lib, t); err != nil {
		return 0, nil, err
	}
	m.Mix = power(m.Mix, 1/t)
	return t, Scale(m.Search.HeldOut, t), nil
}

// divide divides the raw scores of a model by t, so that serving need not know
// of the temperature: a score is a sum of leaves, and every leaf is divided.
func (m *Model) divide(lib *lightgbm.Library, t float64) error {
	return m.changeLeaves(lib, func(_ int, leaf float64) float64 { return leaf / t })
}

// flatten takes a part of the mix of categories that the model was fitted on out of its
// probabilities, as if its rows had been of mix^(1-part), and out of what it says of its
// held-out rows. Where the mix is another, which is usual in complaints from elsewhere,
// the probabilities then err less (Saerens et al., "Adjusting the outputs of a
// classifier to new a priori probabilities", 2002). A first tree has a leaf in each
// score, so all of its leaves take the difference.
func (m *Model) flatten(lib *lightgbm.Library, mix []float64, part float64) error {
	m.Mix = power(mix, 1-part)
	if part == 0 {
		return nil
	}
	flattenRows(m.Search.HeldOut, mix, part)
	return m.changeLeaves(lib, flattened(mix, part))
}

func flattenRows(rows []evaluate.Prediction, mix []float64, part float64) {
	for i := range rows {
		p, total := rows[i].Probabilities, 0.0
		for k := range p {
			p[k] /= math.Pow(mix[k], part)
			total += p[k]
		}
		for k := range p {
			p[k] /= total
		}
	}
}

// flattened changes leaves for changeLeaves.
func flattened(mix []float64, part float64) func(tree int, leaf float64) float64 {
	return func(tree int, leaf float64) float64 {
		if tree < len(mix) {
			leaf -= part * math.Log(mix[tree])
		}
		return leaf
	}
}

// changeLeaves changes the values of all leaves: of a tree of some number, a value.
func (m *Model) changeLeaves(lib *lightgbm.Library, change func(tree int, leaf float64) float64) error {
	text, err := changeLeaves(string(m.text), change)
	if err != nil {
		return fmt.Errorf("calibrate: %w", err)
	}
	booster, err := lib.LoadBooster(text)
	if err != nil {
		return fmt.Errorf("calibrate: %w", err)
	}
	m.booster.Close()
	m.text, m.booster = []byte(text), booster
	return nil
}

const (
	treeSizes  = "tree_sizes="
	leafValues = "leaf_value="
)

// changeLeaves changes the values of all leaves in the text of a model. The
// header says how long each tree's text is, and is written anew.
func changeLeaves(text string, change func(tree int, leaf float64) float64) (string, error) {
	at := strings.Index(text, "\nTree=0\n") + 1
	if at == 0 {
		return "", errors.New("the model's text has no tree 0")
	}
	header, trees := text[:at], text[at:]
	before, after, ok := strings.Cut(header, treeSizes)
	sizes, after, ok2 := strings.Cut(after, "\n")
	if !ok || !ok2 {
		return "", errors.New("the model's text has no tree_sizes")
	}
	var out strings.Builder
	var newSizes []string
	for i, s := range strings.Fields(sizes) {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > len(trees) {
			return "", fmt.Errorf("tree_sizes says %q for tree %d, and %d bytes are left", s, i, len(trees))
		}
		tree, err := changeTree(trees[:n], func(leaf float64) float64 { return change(i, leaf) })
		if err != nil {
			return "", fmt.Errorf("tree %d: %w", i, err)
		}
		out.WriteString(tree)
		newSizes = append(newSizes, strconv.Itoa(len(tree)))
		trees = trees[n:]
	}
	return before + treeSizes + strings.Join(newSizes, " ") + "\n" + after + out.String() + trees, nil
}

func changeTree(tree string, change func(leaf float64) float64) (string, error) {
	before, rest, ok := strings.Cut(tree, "\n"+leafValues)
	line, after, ok2 := strings.Cut(rest, "\n")
	if !ok || !ok2 {
		return "", errors.New("has no leaf_value")
	}
	values := strings.Fields(line)
	for i, v := range values {
		x, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return "", fmt.Errorf("leaf_value %d: %w", i, err)
		}
		values[i] = strconv.FormatFloat(change(x), 'g', 17, 64)
	}
	return before + "\n" + leafValues + strings.Join(values, " ") + "\n" + after, nil
}
