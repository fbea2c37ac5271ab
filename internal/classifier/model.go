package classifier

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// tree is one regression tree of the model, as the text describes it. Node 0
// is the root; a child below zero is the leaf ^child.
type tree struct {
	feature   []int32
	threshold []float64
	decision  []uint8 // bit 1: missing goes left; bits 2-3: what counts as missing
	left      []int32
	right     []int32
	leaf      []float64
	leafRows  []float64 // of the training that came to the leaf, at least 1; nil where there is only one leaf
	nodeRows  []float64 // the same of the nodes
}

const (
	decisionCategorical = 1 << 0
	decisionDefaultLeft = 1 << 1

	missingNone = 0
	missingZero = 1
	missingNaN  = 2

	// zeroThreshold is what LightGBM takes for zero in a feature whose missing
	// values are zeros.
	zeroThreshold = 1e-35

	maxLeaves = 1 << 12
	maxTrees  = 1 << 16
)

func (t *tree) missing(node int) int { return int(t.decision[node]>>2) & 3 }

// goesLeft says where a value goes at a node, as LightGBM has it.
func (t *tree) goesLeft(node int, v float64) bool {
	missing := t.missing(node)
	if math.IsNaN(v) && missing != missingNaN {
		v = 0
	}
	if missing == missingNaN && math.IsNaN(v) || missing == missingZero && math.Abs(v) <= zeroThreshold {
		return t.decision[node]&decisionDefaultLeft != 0
	}
	return v <= t.threshold[node]
}

// value is what the tree gives for a row.
func (t *tree) value(row []float64) float64 {
	if len(t.leaf) == 1 {
		return t.leaf[0]
	}
	child := int32(0)
	for child >= 0 {
		if t.goesLeft(int(child), row[t.feature[child]]) {
			child = t.left[child]
		} else {
			child = t.right[child]
		}
	}
	return t.leaf[^child]
}

// fields are the key=value lines of one block of a model's text.
type fields map[string]string

// parseModel reads and checks the text of a LightGBM model: that many classes by
// softmax, plain gradient boosting, whole trees of numerical splits on features
// below width. Anything else is an error.
func parseModel(text []byte, width, classes int) ([]tree, error) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	head, rest, ok := strings.Cut(string(text), "\n\n")
	if !ok || !strings.HasPrefix(head, "tree\n") {
		return nil, fmt.Errorf("does not begin as a LightGBM tree model")
	}
	sizes, err := checkHead(parseFields(head), head, width, classes)
	if err != nil {
		return nil, err
	}
	trees := make([]tree, 0, sizes)
	for i := range sizes {
		block, after, ok := strings.Cut(rest, "\n\n\n")
		if !ok {
			return nil, fmt.Errorf("is cut off in tree %d of %d", i, sizes)
		}
		t, err := parseTree(block, i, width)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		trees = append(trees, t)
		rest = after
	}
	return trees, checkTail(rest)
}

func parseFields(block string) fields {
	f := fields{}
	for line := range strings.Lines(block) {
		if k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			f[k] = v
		}
	}
	return f
}

// checkHead checks the first block and returns the number of trees.
func checkHead(f fields, head string, width, classes int) (int, error) {
	num := strconv.Itoa(classes)
	for _, want := range []struct{ key, value, why string }{
		{"version", "v3", "other versions are not read"},
		{"objective", "multiclass num_class:" + num, "only softmax over the taxonomy's categories is scored"},
		{"num_class", num, "that is how many categories the taxonomy has"},
		{"num_tree_per_iteration", num, "a round has one tree a category"},
		{"max_feature_idx", strconv.Itoa(width - 1), "the features part has a different number of columns"},
	} {
		if got := f[want.key]; got != want.value {
			return 0, fmt.Errorf("%s is %q and must be %q: %s", want.key, got, want.value, want.why)
		}
	}
	for line := range strings.Lines(head) {
		if strings.HasPrefix(line, "average_output") {
			return 0, fmt.Errorf("is a random forest (average_output); boosting must be gbdt")
		}
	}
	n := len(strings.Fields(f["tree_sizes"]))
	if n == 0 || n%classes != 0 || n > maxTrees {
		return 0, fmt.Errorf("has %d trees; must be a multiple of %d from 1 round to %d trees", n, classes, maxTrees)
	}
	return n, nil
}

// checkTail checks what follows the trees; a model cut off there is damaged too.
func checkTail(rest string) error {
	if !strings.HasPrefix(strings.TrimLeft(rest, "\n"), "end of trees") {
		return fmt.Errorf("has no end of trees where it should: more trees than tree_sizes says, or cut off")
	}
	_, parameters, ok := strings.Cut(rest, "\nparameters:\n")
	if !ok || !strings.Contains(parameters, "\nend of parameters\n") {
		return fmt.Errorf("has no complete list of parameters at its end: cut off")
	}
	for _, want := range []struct{ key, value, why string }{
		{"boosting", "gbdt", "other kinds of boosting are scored differently"},
		{"linear_tree", "0", "linear trees would be scored silently wrong"},
	} {
		_, value, found := strings.Cut("\n"+parameters, "\n["+want.key+": ")
		value, _, closed := strings.Cut(value, "]")
		if !found || !closed || value != want.value {
			return fmt.Errorf("was trained with %s %q and must be %q: %s", want.key, value, want.value, want.why)
		}
	}
	return nil
}

func parseTree(block string, number, width int) (tree, error) {
	f := parseFields(block)
	var t tree
	if f["Tree"] != strconv.Itoa(number) {
		return t, fmt.Errorf("is numbered %q", f["Tree"])
	}
	if f["num_cat"] != "0" {
		return t, fmt.Errorf("has categorical splits (num_cat %q), which are not scored", f["num_cat"])
	}
	if v, ok := f["is_linear"]; ok && v != "0" {
		return t, fmt.Errorf("is a linear tree, which would be scored silently wrong")
	}
	leaves, err := strconv.Atoi(f["num_leaves"])
	if err != nil || leaves < 1 || leaves > maxLeaves {
		return t, fmt.Errorf("num_leaves is %q and must be a number from 1 to %d", f["num_leaves"], maxLeaves)
	}
	if t.leaf, err = parseList(f, "leaf_value", leaves, parseFinite); err != nil || leaves == 1 {
		return t, err
	}
	nodes := leaves - 1
	if t.threshold, err = parseList(f, "threshold", nodes, parseFinite); err != nil {
		return t, err
	}
	if t.feature, err = parseList(f, "split_feature", nodes, intBetween[int32](0, width-1)); err != nil {
		return t, err
	}
	if t.decision, err = parseList(f, "decision_type", nodes, intBetween[uint8](0, 11)); err != nil {
		return t, err
	}
	if t.left, err = parseList(f, "left_child", nodes, intBetween[int32](-leaves, nodes-1)); err != nil {
		return t, err
	}
	if t.right, err = parseList(f, "right_child", nodes, intBetween[int32](-leaves, nodes-1)); err != nil {
		return t, err
	}
	if t.leafRows, err = parseList(f, "leaf_count", leaves, parseCount); err != nil {
		return t, err
	}
	if err = t.check(); err != nil {
		return t, err
	}
	t.countRows()
	return t, nil
}

// countRows adds up the rows below each node. LightGBM writes the sums too
// (internal_count); these cannot contradict the leaves.
func (t *tree) countRows() {
	t.nodeRows = make([]float64, len(t.left))
	for n := len(t.left) - 1; n >= 0; n-- { // children are numbered above their parents
		t.nodeRows[n] = t.rows(t.left[n]) + t.rows(t.right[n])
	}
}

// check makes sure that every node and leaf hangs in the tree exactly once.
func (t *tree) check() error {
	nodes, leaves := make([]bool, len(t.left)), make([]bool, len(t.leaf))
	nodes[0] = true
	seen := 1
	for n := range t.left {
		if t.decision[n]&decisionCategorical != 0 {
			return fmt.Errorf("node %d is a categorical split, which is not scored", n)
		}
		for _, child := range []int32{t.left[n], t.right[n]} {
			set, i := nodes, int(child)
			if child < 0 {
				set, i = leaves, int(^child)
			}
			// LightGBM numbers a child above its parent, which rules out cycles.
			if set[i] || child >= 0 && i <= n {
				return fmt.Errorf("node %d has child %d, which hangs elsewhere or above it", n, child)
			}
			set[i] = true
			seen++
		}
	}
	if seen != len(nodes)+len(leaves) {
		return fmt.Errorf("has nodes that hang nowhere")
	}
	return nil
}

func parseList[T any](f fields, key string, n int, parse func(string) (T, error)) ([]T, error) {
	values := strings.Fields(f[key])
	if len(values) != n {
		return nil, fmt.Errorf("%s has %d values and must have %d", key, len(values), n)
	}
	out := make([]T, n)
	for i, s := range values {
		v, err := parse(s)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", key, i, err)
		}
		out[i] = v
	}
	return out, nil
}

func parseFinite(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
		err = fmt.Errorf("%q is no finite number", s)
	}
	return v, err
}

// parseCount reads a number of rows. A leaf without any, which regularly does not
// happen, weighs as much as one row, for shares of nothing have no meaning.
func parseCount(s string) (float64, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return float64(max(n, 1)), err
}

func intBetween[T int32 | uint8](low, high int) func(string) (T, error) {
	return func(s string) (T, error) {
		v, err := strconv.Atoi(s)
		if err == nil && (v < low || v > high) {
			err = fmt.Errorf("%d is not between %d and %d", v, low, high)
		}
		return T(v), err
	}
}

// Relabel turns the text of a model that LightGBM 4 wrote into the v3 that the
// scorer reads. The two differ in nothing that is used here.
func Relabel(text []byte) []byte {
	return bytes.Replace(text, []byte("\nversion=v4\n"), []byte("\nversion=v3\n"), 1)
}
