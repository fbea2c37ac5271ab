package classifier

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
)

// Profile counts what complaints look like to a model. The bundle carries that of
// the rows that the model was judged on, as its reference; a consumer counts the
// same of what it classifies, and compares. Each list adds up to Rows.
type Profile struct {
	Rows         int64              `json:"rows"`
	Category     []int64            `json:"category"`      // the most probable one, by code
	Probability  [profileBins]int64 `json:"probability"`   // of that category, by probabilityEdges
	TextLength   [profileBins]int64 `json:"text_length"`   // bytes: below 64, 128, 256 and so on
	UnknownWords [profileBins]int64 `json:"unknown_words"` // their share, by unknownEdges
}

// NewProfile returns an empty profile for a model of so many classes.
func NewProfile(classes int) *Profile { return &Profile{Category: make([]int64, classes)} }

// Reset forgets all rows.
func (p *Profile) Reset() {
	clear(p.Category)
	*p = Profile{Category: p.Category}
}

const profileBins = 10

// The first values that belong to the next bin. They are finer where most
// complaints are.
var (
	probabilityEdges = [profileBins - 1]float64{0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99}
	unknownEdges     = [profileBins - 1]float64{1e-9, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.4}
)

func binOf(edges *[profileBins - 1]float64, v float64) int {
	b := 0
	for b < len(edges) && v >= edges[b] {
		b++
	}
	return b
}

// Add counts a complaint: the length of its text in bytes, what the model said,
// and the share of its words that the model does not know.
func (p *Profile) Add(length int, category int, probability, unknownWords float64) {
	p.Rows++
	p.Category[category]++
	p.Probability[binOf(&probabilityEdges, probability)]++
	p.TextLength[min(bits.Len(uint(length)/64), profileBins-1)]++
	p.UnknownWords[binOf(&unknownEdges, unknownWords)]++
}

// Merge adds the counts of another profile of the same model.
func (p *Profile) Merge(q *Profile) {
	p.Rows += q.Rows
	for i, n := range q.Category {
		p.Category[i] += n
	}
	for i := range profileBins {
		p.Probability[i] += q.Probability[i]
		p.TextLength[i] += q.TextLength[i]
		p.UnknownWords[i] += q.UnknownWords[i]
	}
}

// Counts is one property of complaints, counted in bins.
type Counts struct {
	What   string   // category, probability, text_length or unknown_words
	Bins   []string // what is in each bin, for people
	Counts []int64
}

// Properties returns the lists of a profile, which are not copied. Categories are
// the names of the model's.
func (p *Profile) Properties(categories []string) [4]Counts {
	return [...]Counts{
		{"category", categories, p.Category},
		{"probability", probabilityBins, p.Probability[:]},
		{"text_length", textLengthBins, p.TextLength[:]},
		{"unknown_words", unknownBins, p.UnknownWords[:]},
	}
}

var (
	probabilityBins = shareBins(&probabilityEdges)
	textLengthBins  = lengthBins()
	unknownBins     = shareBins(&unknownEdges)
)

// shareBins names the bins between edges that are shares of 1.
func shareBins(edges *[profileBins - 1]float64) []string {
	percent := func(v float64) string { return strconv.FormatFloat(math.Round(v*1e4)/100, 'f', -1, 64) + "%" }
	names := []string{"below " + percent(edges[0])}
	if edges[0] < leastShare {
		names[0] = "none"
	}
	for i, e := range edges[:len(edges)-1] {
		names = append(names, percent(e)+" to "+percent(edges[i+1]))
	}
	return append(names, percent(edges[len(edges)-1])+" or more")
}

// lengthBins names the bins of lengths: the first ends below 64 bytes, each other at twice the one before.
func lengthBins() []string {
	const first = 64
	names := []string{fmt.Sprintf("below %d bytes", first)}
	for i := range profileBins - 2 {
		names = append(names, fmt.Sprintf("%d to %d", first<<i, first<<(i+1)))
	}
	return append(names, fmt.Sprintf("%d or more", first<<(profileBins-2)))
}

// check says whether the counts can be those of a reference of a model of so many classes.
func (p *Profile) check(classes int) error {
	if n := len(p.Category); n != classes {
		return fmt.Errorf("reference.category has %d counts and must have %d", n, classes)
	}
	for _, l := range p.Properties(nil) {
		total := int64(0)
		for _, n := range l.Counts {
			if n < 0 {
				return fmt.Errorf("reference.%s has a count of %d", l.What, n)
			}
			total += n
		}
		if total != p.Rows || total == 0 {
			return fmt.Errorf("reference.%s adds up to %d and must add up to reference.rows, %d, and to more than 0", l.What, total, p.Rows)
		}
	}
	return nil
}

// Drift is how far one property of complaints has moved from the reference.
type Drift struct {
	What string  // category, probability, text_length or unknown_words
	PSI  float64 // population stability index: below 0.1 is usual, above 0.25 another population
}

// DriftFrom compares the profile with a reference of the same model, property by
// property. Both must have rows.
func (p *Profile) DriftFrom(reference *Profile) [4]Drift {
	var out [4]Drift
	now, before := p.Properties(nil), reference.Properties(nil)
	for i := range out {
		out[i] = Drift{now[i].What, psi(now[i].Counts, before[i].Counts)}
	}
	return out
}

// leastShare stands for the share of an empty bin, whose logarithm there is none of.
const leastShare = 1e-4

// psi is the population stability index: the sum over the bins of the difference
// of both shares times the logarithm of their ratio. It is the symmetric
// divergence of Jeffreys (1946).
func psi(now, before []int64) float64 {
	var nowRows, beforeRows int64
	for i := range now {
		nowRows += now[i]
		beforeRows += before[i]
	}
	total := 0.0
	for i := range now {
		a := max(float64(now[i])/float64(nowRows), leastShare)
		b := max(float64(before[i])/float64(beforeRows), leastShare)
		total += (a - b) * math.Log(a/b)
	}
	return total
}
