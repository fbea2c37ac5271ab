package verify

import (
	"iter"
	"maps"
	"math/bits"
	"slices"
)

// chunkBits is how many offsets a chunk of a set holds; a chunk takes 8 KiB, and
// is only there if an offset of it is.
const chunkBits = 1 << 16

// offsets is a set of offsets, of one bit each.
type offsets struct {
	chunks map[int64]*[chunkBits / 64]uint64
}

func newOffsets() *offsets { return &offsets{chunks: map[int64]*[chunkBits / 64]uint64{}} }

// add adds an offset and says whether it was not there yet.
func (s *offsets) add(offset int64) bool {
	c := s.chunks[offset/chunkBits]
	if c == nil {
		c = new([chunkBits / 64]uint64)
		s.chunks[offset/chunkBits] = c
	}
	word, bit := offset%chunkBits/64, uint64(1)<<(offset%64)
	if c[word]&bit != 0 {
		return false
	}
	c[word] |= bit
	return true
}

func (s *offsets) has(offset int64) bool {
	c := s.chunks[offset/chunkBits]
	return c != nil && c[offset%chunkBits/64]&(1<<(offset%64)) != 0
}

// remove removes an offset and says whether it was there.
func (s *offsets) remove(offset int64) bool {
	if !s.has(offset) {
		return false
	}
	s.chunks[offset/chunkBits][offset%chunkBits/64] &^= 1 << (offset % 64)
	return true
}

// removeRange removes a run of offsets; next is the first that stays.
func (s *offsets) removeRange(from, next int64) {
	for o := from; o < next; o++ {
		if s.chunks[o/chunkBits] == nil {
			o = o/chunkBits*chunkBits + chunkBits - 1 // the last of a chunk that is not there
			continue
		}
		s.remove(o)
	}
}

// last is the highest offset, -1 if there is none.
func (s *offsets) last() int64 {
	last := int64(-1)
	for number, c := range s.chunks {
		for i := len(c) - 1; i >= 0 && number*chunkBits+int64(i)*64+63 > last; i-- {
			if c[i] != 0 {
				last = max(last, number*chunkBits+int64(i)*64+63-int64(bits.LeadingZeros64(c[i])))
			}
		}
	}
	return last
}

func (s *offsets) count() (n int64) {
	for _, c := range s.chunks {
		for _, word := range c {
			n += int64(bits.OnesCount64(word))
		}
	}
	return n
}

// all yields the offsets in order.
func (s *offsets) all() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for _, number := range slices.Sorted(maps.Keys(s.chunks)) {
			for i, word := range s.chunks[number] {
				for ; word != 0; word &= word - 1 {
					if !yield(number*chunkBits + int64(i)*64 + int64(bits.TrailingZeros64(word))) {
						return
					}
				}
			}
		}
	}
}

// runs yields the offsets as runs: the first, and the first that follows no more.
func (s *offsets) runs() iter.Seq2[int64, int64] {
	return func(yield func(int64, int64) bool) {
		from, next := int64(-1), int64(-1)
		for o := range s.all() {
			if o == next {
				next++
				continue
			}
			if from >= 0 && !yield(from, next) {
				return
			}
			from, next = o, o+1
		}
		if from >= 0 {
			yield(from, next)
		}
	}
}
