package classifier

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// evaluator scores a tree ensemble without walking its trees. It follows
// QuickScorer (Lucchese et al., "QuickScorer: a fast algorithm to rank
// documents with additive ensembles of regression trees", SIGIR 2015), turned
// to rows that are almost all zero.
//
// Every tree owns a bit a leaf, leftmost leaf first, in a lane of the words. A
// node whose test "value <= threshold" fails rules out the leaves on its left;
// when all failed nodes have cleared their bits, the lowest bit left is the
// tree's leaf. The order of the nodes does not matter, so they stand by feature
// and threshold, and a value visits exactly the nodes that it fails.
//
//   - base holds what an all-zero row leaves of the sparse features, the ones
//     that are never below zero and whose zeros fail no node that a larger value
//     passes. A zero costs nothing; a larger value starts behind the nodes that
//     zero already failed.
//   - The other features are walked for every row. Such a walk is long, so
//     checkpoints hold what the first n nodes leave in all lanes at once.
//
// An evaluator is immutable and may be shared.
type evaluator struct {
	width     int
	classes   int
	base      []uint64
	features  []featureNodes // by column
	dense     []int32        // columns walked for every row
	zeroBases [][]uint64     // see zeroBasesOf
	ones      []uint64       // a checkpoint that leaves everything
	sparse    []bool         // by column: covered by base
	lanes     []lane         // by tree
	leaves    []float64      // all leaf values, tree after tree, leftmost leaf first
	room      int            // leaves that every tree's lane and place in leaves have room for; 0 if they differ
}

// featureNodes are the nodes that test one feature, by rising threshold.
type featureNodes struct {
	thresholds []float64
	cuts       []cut
	zero       []uint64   // what a value of zero leaves, in a dense feature: usual in those of fields
	step       int        // the first step of a search among the thresholds
	checks     [][]uint64 // checks[i] is what the first (i+1)*checkEvery nodes leave
}

// cut clears leaves of one tree: words[word] &= keep.
type cut struct {
	keep uint64
	word int32
}

// lane is where a tree's leaves stand: words consecutive words from word on if
// words > 1, or else the bits from shift on of one word. Bits above the last leaf's
// are never looked at, since one of the leaves is always left.
type lane struct {
	word  int32
	words int32
	leaf  int32 // of its first leaf in leaves
	shift uint8
}

const checkEvery = 32

// newEvaluator builds the evaluator of whole rounds of a tree a class over width features.
// sparse says which features are zero in most rows and never below zero.
func newEvaluator(trees []tree, width, classes int, sparse func(column int) bool) *evaluator {
	e := &evaluator{width: width, classes: classes, features: make([]featureNodes, width), sparse: make([]bool, width)}
	total := e.layOut(trees)
	e.base, e.ones = allOnes(total), allOnes(total)
	type node struct {
		threshold float64
		cut       []cut
		zeroFails bool
	}
	nodes := make([][]node, width)
	for i := range trees {
		t := &trees[i]
		order, spans := leftSpans(t)
		for _, v := range order {
			e.leaves = append(e.leaves, t.leaf[v])
		}
		if e.room > 0 {
			e.leaves = append(e.leaves, make([]float64, e.room-len(order))...)
		}
		for n, span := range spans {
			nodes[t.feature[n]] = append(nodes[t.feature[n]], node{t.threshold[n], e.lanes[i].cuts(span[0], span[1]), !t.goesLeft(n, 0)})
		}
	}
	for c := range nodes {
		slices.SortStableFunc(nodes[c], func(a, b node) int { return cmp.Compare(a.threshold, b.threshold) })
		e.sparse[c] = sparse(c)
		for _, n := range nodes[c] {
			// A node that zero fails and some larger value passes cannot be in the base.
			if n.zeroFails && n.threshold > 0 {
				e.sparse[c] = false
			}
		}
		f := &e.features[c]
		f.zero = allOnes(total)
		for _, n := range nodes[c] {
			switch {
			case e.sparse[c] && n.zeroFails:
				apply(e.base, n.cut)
				continue // a larger value fails it too, and the base has it
			case n.zeroFails:
				apply(f.zero, n.cut)
			}
			for _, one := range n.cut {
				f.thresholds = append(f.thresholds, n.threshold)
				f.cuts = append(f.cuts, one)
			}
		}
		for f.step = 1; f.step*2 <= len(f.cuts); {
			f.step *= 2
		}
		if !e.sparse[c] && len(f.cuts) > 0 {
			e.dense = append(e.dense, int32(c))
			f.addCheckpoints(total)
		}
	}
	e.zeroBases = e.zeroBasesOf()
	return e
}

// layOut gives each tree its lane, several small trees to a word, and returns
// the number of words.
func (e *evaluator) layOut(trees []tree) int {
	e.room = equalRoom(trees)
	word, bit := 0, 64
	last := 0 // lane size of the word being filled
	leaf := 0
	for i := range trees {
		n := len(trees[i].leaf)
		l := lane{leaf: int32(leaf), words: 1}
		if leaf += n; e.room > 0 {
			leaf = (i + 1) * e.room
		}
		if n > 64 {
			if bit < 64 {
				word++
			}
			l.word, l.words = int32(word), int32((n+63)/64)
			word += int(l.words)
			bit = 64
		} else {
			size := max(laneSize(n), e.room)
			if bit >= 64 || size != last || bit+size > 64 {
				if bit < 64 {
					word++
				}
				bit, last = 0, size
			}
			l.word, l.shift = int32(word), uint8(bit)
			if bit += size; bit >= 64 {
				word++
			}
		}
		e.lanes = append(e.lanes, l)
	}
	if bit < 64 {
		word++
	}
	return word
}

// byteLeaves is how many leaves a lane of a byte has room for.
const byteLeaves = 8

// equalRoom is how many leaves the lane of each tree has room for, if all can have
// the same: then trees need no table of their places.
func equalRoom(trees []tree) int {
	most := 0
	for i := range trees {
		most = max(most, laneSize(len(trees[i].leaf)))
	}
	if most > 2*byteLeaves {
		return 0
	}
	return most
}

func laneSize(leaves int) int {
	size := byteLeaves
	for size < leaves {
		size *= 2
	}
	return size
}

// cuts clears the leaves from..to-1 of the lane.
func (l lane) cuts(from, to int) []cut {
	if l.words == 1 {
		span := ^uint64(0) >> (64 - (to - from)) << from
		return []cut{{keep: ^(span << l.shift), word: l.word}}
	}
	var out []cut
	for w := from / 64; w <= (to-1)/64; w++ {
		a, b := max(from, w*64)-w*64, min(to, w*64+64)-w*64
		out = append(out, cut{keep: ^(^uint64(0) >> (64 - (b - a)) << a), word: l.word + int32(w)})
	}
	return out
}

// leftSpans returns the tree's leaves from left to right, and for each node
// which of them, by place, hang on its left.
func leftSpans(t *tree) (order []int32, spans [][2]int) {
	spans = make([][2]int, len(t.left))
	if len(t.left) == 0 {
		return []int32{0}, spans
	}
	var walk func(child int32)
	walk = func(child int32) {
		if child < 0 {
			order = append(order, ^child)
			return
		}
		from := len(order)
		walk(t.left[child])
		spans[child] = [2]int{from, len(order)}
		walk(t.right[child])
	}
	walk(0)
	return order, spans
}

func apply(words []uint64, cuts []cut) {
	for _, c := range cuts {
		words[c.word] &= c.keep
	}
}

func allOnes(n int) []uint64 {
	words := make([]uint64, n)
	for i := range words {
		words[i] = ^uint64(0)
	}
	return words
}

func (f *featureNodes) addCheckpoints(words int) {
	state := allOnes(words)
	for i, c := range f.cuts {
		state[c.word] &= c.keep
		if (i+1)%checkEvery == 0 {
			f.checks = append(f.checks, slices.Clone(state))
		}
	}
}

// entry is a non-zero value of a sparse row.
type entry struct {
	column int32
	value  float64
}

// score adds up the trees' leaves of a row for each class. dense holds the
// values of the columns in e.dense, by column; entries hold the values of others
// that are not zero. words is scratch of len(e.base). It returns false if the
// row is not covered: a value that is no number or nearly zero, or one below
// zero in a sparse column.
func (e *evaluator) score(dense []float64, entries []entry, words []uint64, out []float64) bool {
	if !e.walkDense(dense, words) {
		return false
	}
	for _, x := range entries {
		if !e.walkSparse(x.column, x.value, words) {
			return false
		}
	}
	e.sum(words, out)
	return true
}

// walkSparse cuts what the value of a sparse feature fails. It returns false for one that is
// not covered.
func (e *evaluator) walkSparse(column int32, value float64, words []uint64) bool {
	if !(value > 2*zeroThreshold) {
		return false
	}
	f := &e.features[column]
	for i, t := range f.thresholds {
		if !(t < value) {
			break
		}
		words[f.cuts[i].word] &= f.cuts[i].keep
	}
	return true
}

// together is how many checkpoints are laid over each other in one pass.
const together = 5

// walkDense starts the words with base and cuts what the dense features fail.
func (e *evaluator) walkDense(values []float64, words []uint64) bool {
	from, known := e.base, -1
	for first := 0; first < len(e.dense); first += together {
		if e.allZero(values, first) { // where a field is not known, all its scores are
			from, known = e.zeroBases[first/together], first
			break
		}
	}
	for first := 0; first < len(e.dense); first += together {
		if first == known {
			continue
		}
		var checks [together][]uint64
		var rest [together][]cut
		for i := range checks {
			checks[i] = e.ones
			if first+i < len(e.dense) {
				c := e.dense[first+i]
				var ok bool
				if checks[i], rest[i], ok = e.features[c].below(values[c], e.ones); !ok {
					return false
				}
			}
		}
		lay(words, from, &checks)
		for _, cuts := range rest {
			apply(words, cuts)
		}
		from = words
	}
	if len(e.dense) == 0 || known == 0 && len(e.dense) <= together {
		copy(words, from)
	}
	return true
}

// allZero says whether the dense features from first on that are laid together are zero.
func (e *evaluator) allZero(values []float64, first int) bool {
	for _, c := range e.dense[first:min(first+together, len(e.dense))] {
		if values[c] != 0 {
			return false
		}
	}
	return true
}

// zeroBasesOf are what is left of base where the dense features that are laid
// together are zero, by their first.
func (e *evaluator) zeroBasesOf() (bases [][]uint64) {
	for group := range slices.Chunk(e.dense, together) {
		base := slices.Clone(e.base)
		for _, c := range group {
			for i, z := range e.features[c].zero {
				base[i] &= z
			}
		}
		bases = append(bases, base)
	}
	return bases
}

// lay sets words to what from and all the checks leave.
func lay(words, from []uint64, checks *[together][]uint64) {
	n := len(words)
	from = from[:n]
	a, b, c, d, e := checks[0][:n], checks[1][:n], checks[2][:n], checks[3][:n], checks[4][:n]
	for i := range words {
		words[i] = from[i] & a[i] & b[i] & c[i] & d[i] & e[i]
	}
}

// below returns what the value of a dense feature fails: a checkpoint, and the
// cuts behind it.
func (f *featureNodes) below(v float64, ones []uint64) (check []uint64, rest []cut, ok bool) {
	if v == 0 {
		return f.zero, nil, true
	}
	if !(math.Abs(v) > 2*zeroThreshold) {
		return nil, nil, false // no number, or one that LightGBM may take for zero
	}
	// The nodes below v, by halving without a jump that depends on them.
	n := 0
	for step := f.step; step > 0; step /= 2 {
		if at := n + step; at <= len(f.thresholds) && f.thresholds[at-1] < v {
			n = at
		}
	}
	check = ones
	if k := n / checkEvery; k > 0 {
		check = f.checks[k-1]
	}
	return check, f.cuts[n/checkEvery*checkEvery : n], true
}

// sum adds the leaf of each tree to its class, in the order of the trees. It takes
// some classes at a time, whose sums stay in registers, and then the others.
func (e *evaluator) sum(words []uint64, out []float64) {
	k := 0
	for ; k+lanes <= e.classes; k += lanes {
		switch e.room {
		case byteLeaves:
			e.sumEqual(words, k, out, 3)
		case 2 * byteLeaves: // as the recipe makes them
			e.sumEqual(words, k, out, 4)
		default:
			e.sumLanes(words, k, out)
		}
	}
	for ; k < e.classes; k++ {
		sum := 0.0
		for t := k; t < len(e.lanes); t += e.classes {
			sum += e.leaves[e.lanes[t].exit(words)]
		}
		out[k] = sum
	}
}

// sumEqual sums the classes from k on where all trees have room for as many leaves:
// 2 to the power of log.
func (e *evaluator) sumEqual(words []uint64, k int, out []float64, log uint) {
	var s0, s1, s2, s3, s4 float64
	for t := k; t+lanes <= len(e.lanes); t += e.classes {
		s0 += e.leaves[equalExit(words, t, log)]
		s1 += e.leaves[equalExit(words, t+1, log)]
		s2 += e.leaves[equalExit(words, t+2, log)]
		s3 += e.leaves[equalExit(words, t+3, log)]
		s4 += e.leaves[equalExit(words, t+4, log)]
	}
	copy(out[k:], []float64{s0, s1, s2, s3, s4})
}

func (e *evaluator) sumLanes(words []uint64, k int, out []float64) {
	var s0, s1, s2, s3, s4 float64
	for t := k; t+lanes <= len(e.lanes); t += e.classes {
		lane := e.lanes[t : t+lanes]
		s0 += e.leaves[lane[0].exit(words)]
		s1 += e.leaves[lane[1].exit(words)]
		s2 += e.leaves[lane[2].exit(words)]
		s3 += e.leaves[lane[3].exit(words)]
		s4 += e.leaves[lane[4].exit(words)]
	}
	copy(out[k:], []float64{s0, s1, s2, s3, s4})
}

// equalExit is exit of a tree where all have lanes of 2 to the power of log.
func equalExit(words []uint64, tree int, log uint) int {
	at := uint(tree) << (log & 7)
	return int(at) + bits.TrailingZeros64(words[at/64]>>(at%64))
}

// exit is the place in leaves of the leaf that is left.
func (l *lane) exit(words []uint64) int {
	if l.words == 1 {
		return int(l.leaf) + bits.TrailingZeros64(words[l.word]>>(l.shift&63))
	}
	return l.exitWide(words)
}

func (l *lane) exitWide(words []uint64) int {
	for w := range l.words {
		if v := words[l.word+w]; v != 0 {
			return int(l.leaf) + int(w)*64 + bits.TrailingZeros64(v)
		}
	}
	return int(l.leaf) // not reached: a leaf is always left
}

// scoreRow scores a row that is values at columns, and zero elsewhere. dense is scratch of the row's width.
func (e *evaluator) scoreRow(columns []int32, values, dense []float64, words []uint64, out []float64) bool {
	for _, c := range e.dense {
		dense[c] = 0
	}
	for i, c := range columns {
		if !e.sparse[c] {
			dense[c] = values[i]
		}
	}
	if !e.walkDense(dense, words) {
		return false
	}
	for i, c := range columns {
		if e.sparse[c] && values[i] != 0 && !e.walkSparse(c, values[i], words) {
			return false
		}
	}
	e.sum(words, out)
	return true
}
