package main

import (
	"slices"
	"time"

	"complaints/internal/classifier"
	"complaints/trainer/dataset"
)

const (
	// timedTexts is how many texts are scored to see how long one takes.
	timedTexts = 1000
	// timedBlock is how many at a time: less than a millisecond, so that most
	// blocks see nothing of what else the machine does.
	timedBlock = 25
	// timedRounds is how often each block is timed; the fastest counts.
	timedRounds = 7
)

// scoringTimes is how long each model takes for a text, in turns.
func scoringTimes(a, b *classifier.Classifier, tests []dataset.Example) (ofA, ofB time.Duration) {
	tests = tests[:min(len(tests), timedTexts)]
	scratchA, scratchB := a.NewScratch(), b.NewScratch()
	for block := range slices.Chunk(tests, timedBlock) {
		once := func(c *classifier.Classifier, s *classifier.Scratch, best time.Duration) time.Duration {
			begin := time.Now()
			for _, e := range block {
				c.Predict([]byte(e.Text), s)
			}
			return min(best, time.Since(begin))
		}
		bestA, bestB := time.Hour, time.Hour
		for range timedRounds {
			bestA, bestB = once(a, scratchA, bestA), once(b, scratchB, bestB)
		}
		ofA, ofB = ofA+bestA, ofB+bestB
	}
	n := time.Duration(len(tests))
	return ofA / n, ofB / n
}
