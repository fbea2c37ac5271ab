package classifier

// The contributions of features to a tree's value are Shapley values by path-dependent TreeSHAP (Lundberg, Erion and
// Lee, "Consistent individualized feature attribution for tree ensembles", 2018, algorithm 2): the same that
// LightGBM gives by its prediction type contrib. A feature that is not known goes both ways, as often as the rows of
// the training did.

// step is one feature on the way from a tree's root to a node.
type step struct {
	feature   int32
	zero, one float64 // the share of the ways that reach the node if the feature is not known, and if it is
	weight    float64 // of all sets of the features on the way of one size; the size is the step's place
}

// attribution adds up contributions for one row. A goroutine owns it.
type attribution struct {
	row    []float64
	values []float64 // by feature
	base   float64   // what the trees give if nothing is known
	ways   [][]step  // by depth, used again
}

// add adds a tree.
func (a *attribution) add(t *tree) {
	if len(t.leaf) == 1 {
		a.base += t.leaf[0]
		return
	}
	a.base += t.mean(0)
	a.walk(t, 0, nil, step{feature: -1, zero: 1, one: 1}, 0)
}

// mean is the value of a node, over the rows of the training that came there.
func (t *tree) mean(child int32) float64 {
	if child < 0 {
		return t.leaf[^child]
	}
	l, r := t.left[child], t.right[child]
	return (t.mean(l)*t.rows(l) + t.mean(r)*t.rows(r)) / t.rows(child)
}

// rows is how many rows of the training came to a node or leaf.
func (t *tree) rows(child int32) float64 {
	if child < 0 {
		return t.leafRows[^child]
	}
	return t.nodeRows[child]
}

func (a *attribution) walk(t *tree, child int32, way []step, last step, depth int) {
	if len(a.ways) == depth {
		a.ways = append(a.ways, nil)
	}
	a.ways[depth] = extend(append(a.ways[depth][:0], way...), last)
	way = a.ways[depth]
	if child < 0 {
		a.leaf(way, t.leaf[^child])
		return
	}
	next := step{feature: t.feature[child], zero: 1, one: 1}
	for i := 1; i < len(way); i++ {
		if way[i].feature == next.feature { // it was asked before: both answers are one
			next.zero, next.one = way[i].zero, way[i].one
			way = unwind(way, i)
			break
		}
	}
	taken, other := t.right[child], t.left[child]
	if t.goesLeft(int(child), a.row[next.feature]) {
		taken, other = other, taken
	}
	zero := next.zero / t.rows(child)
	next.zero = zero * t.rows(taken)
	a.walk(t, taken, way, next, depth+1)
	next.zero, next.one = zero*t.rows(other), 0
	a.walk(t, other, way, next, depth+1)
}

// leaf adds what a leaf gives to the features on its way.
func (a *attribution) leaf(way []step, value float64) {
	for i := 1; i < len(way); i++ {
		a.values[way[i].feature] += unwoundSum(way, i) * (way[i].one - way[i].zero) * value
	}
}

// extend takes one more feature into all sets.
func extend(way []step, s step) []step {
	n := len(way)
	if s.weight = 0; n == 0 {
		s.weight = 1
	}
	way = append(way, s)
	for i := n - 1; i >= 0; i-- {
		way[i+1].weight += s.one * way[i].weight * float64(i+1) / float64(n+1)
		way[i].weight = s.zero * way[i].weight * float64(n-i) / float64(n+1)
	}
	return way
}

// unwind undoes extend for the feature at a place.
func unwind(way []step, at int) []step {
	n := len(way) - 1
	zero, one := way[at].zero, way[at].one
	last := way[n].weight
	for i := n - 1; i >= 0; i-- {
		if one != 0 {
			before := way[i].weight
			way[i].weight = last * float64(n+1) / (float64(i+1) * one)
			last = before - way[i].weight*zero*float64(n-i)/float64(n+1)
		} else {
			way[i].weight = way[i].weight * float64(n+1) / (zero * float64(n-i))
		}
	}
	for i := at; i < n; i++ {
		way[i].feature, way[i].zero, way[i].one = way[i+1].feature, way[i+1].zero, way[i+1].one
	}
	return way[:n]
}

// unwoundSum is the sum of the weights that unwind would leave.
func unwoundSum(way []step, at int) float64 {
	n := len(way) - 1
	zero, one := way[at].zero, way[at].one
	last, total := way[n].weight, 0.0
	for i := n - 1; i >= 0; i-- {
		if one != 0 {
			w := last * float64(n+1) / (float64(i+1) * one)
			total += w
			last = way[i].weight - w*zero*float64(n-i)/float64(n+1)
		} else {
			total += way[i].weight * float64(n+1) / (zero * float64(n-i))
		}
	}
	return total
}
